package ruletest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/rules"
)

func rule(name, condition string, stop bool, then ...rules.ActionSource) rules.RuleSource {
	return rules.RuleSource{Name: rules.Text{Value: name}, If: rules.Text{Value: condition}, Then: then, Stop: stop}
}

func action(kind string, args ...string) rules.ActionSource {
	a := rules.ActionSource{Kind: rules.Text{Value: kind}}
	for _, arg := range args {
		a.Args = append(a.Args, rules.Text{Value: arg})
	}
	return a
}

func compile(t *testing.T, list ...rules.RuleSource) *rules.Ruleset {
	t.Helper()
	set, problems := rules.Compile(rules.Source{Accounts: []rules.AccountSource{{Name: "home"}}, Rules: list})
	for _, p := range problems {
		t.Log(p.Message)
	}
	if set == nil {
		t.Fatal("the rules do not compile")
	}
	return set
}

func given(mailbox string, flags ...imap.Flag) Given {
	return Given{Account: "home", Mailbox: mailbox, Flags: flags}
}

func TestRun(t *testing.T) {
	junk := rule("junk", `subject contains "sale"`, false, action("add_flags", "$Sale"), action("move", "Junk"))
	unflag := rule("unflag", "true", false, action("remove_flags", "$Sale"))
	set := compile(t, junk, unflag)
	message := []byte("Subject: Big SALE\r\n\r\n")
	flag := actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{"$sale"}}
	move := actions.Action{Kind: actions.Move, Mailbox: "Junk"}
	tests := []struct {
		name string
		c    Case
		pass bool
		says string
	}{
		{"as wanted", Case{Rule: "junk", Inline: message, Given: given("INBOX"), Want: []actions.Action{flag, move}}, true, ""},
		{"other order", Case{Rule: "junk", Inline: message, Given: given("INBOX"), Want: []actions.Action{move, flag}}, false, "want: move: Junk, add_flags: [$sale]"},
		{"one is missing", Case{Rule: "junk", Inline: message, Given: given("INBOX"), Want: []actions.Action{move}}, false, "got:  add_flags: [$Sale], move: Junk"},
		{"no match", Case{Rule: "junk", Inline: []byte("Subject: hi\r\n\r\n"), Given: given("INBOX")}, true, ""},
		{"wanted a match", Case{Rule: "junk", Inline: []byte("Subject: hi\r\n\r\n"), Given: given("INBOX"), Want: []actions.Action{move}}, false, "got:  keep (the condition is false)"},
		{"other mailbox", Case{Rule: "junk", Inline: message, Given: given("Elsewhere")}, false, "not covered: the rule does not look at mailbox \"Elsewhere\""},
		{"no such rule", Case{Rule: "jnk", Inline: message, Given: given("INBOX")}, false, "not covered: there is no rule \"jnk\""},
		{"no such file", Case{Rule: "junk", Message: "none.eml", Given: given("INBOX")}, false, "not covered: "},
		{"a folder", Case{Rule: "junk", Message: ".", Given: given("INBOX")}, false, "not covered: "},
		{"deleted", Case{Rule: "junk", Inline: message, Given: given("INBOX", imap.FlagDeleted), Want: []actions.Action{move}}, false, `\Deleted`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := Run(set, []Case{test.c})
			r := report.Results[0]
			if r.Pass != test.pass || !strings.Contains(r.Detail, test.says) {
				t.Errorf("pass %t, detail %q", r.Pass, r.Detail)
			}
			if r.Covered == strings.Contains(r.Detail, "not covered") {
				t.Errorf("covered %t, detail %q", r.Covered, r.Detail)
			}
			if want := map[bool]int{true: 0, false: 1}[test.pass]; report.Failed() != want {
				t.Errorf("%d failed, want %d", report.Failed(), want)
			}
		})
	}
}

func TestAloneBehindARuleThatStops(t *testing.T) {
	late := rule("late", "seen", false, action("trash"))
	set := compile(t, rule("early", "flagged", true, action("move", "X")), late)
	c := Case{Rule: "late", Given: given("INBOX", imap.FlagSeen, imap.FlagFlagged), Want: []actions.Action{{Kind: actions.Trash}}}
	if r := Run(set, []Case{c}).Results[0]; r.Pass || !strings.Contains(r.Detail, `not covered: rule "early" stops`) {
		t.Errorf("without the rule by itself: %+v", r)
	}
	c.Alone = func() *rules.Ruleset { return compile(t, late) }
	if r := Run(set, []Case{c}).Results[0]; !r.Pass {
		t.Errorf("with it: %s", r.Detail)
	}
}

func TestAnErrorIsNotCovered(t *testing.T) {
	set := compile(t, rule("r", "true", false, action("move", "Lists/${list.name}")))
	if r := Run(set, []Case{{Rule: "r", Given: given("INBOX")}}).Results[0]; r.Pass || !strings.Contains(r.Detail, "not covered: the rule cannot be evaluated") {
		t.Errorf("%+v", r)
	}
}

func TestDryRunRulesAreJudged(t *testing.T) {
	r := rule("r", "seen", false, action("trash"))
	r.DryRun = true
	c := Case{Rule: "r", Given: given("INBOX", imap.FlagSeen), Want: []actions.Action{{Kind: actions.Trash}}}
	if res := Run(compile(t, r), []Case{c}).Results[0]; !res.Pass {
		t.Error(res.Detail)
	}
}

func TestTimes(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, time.March, day, 0, 0, 0, 0, time.UTC) }
	fixed := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name                        string
		given                       Given
		sent, wantReceived, wantNow time.Time
	}{
		{"nothing", Given{}, time.Time{}, fixed, fixed.Add(time.Minute)},
		{"sent", Given{}, at(3), at(3), at(3).Add(time.Minute)},
		{"sent and now", Given{Now: at(9)}, at(3), at(3), at(9)},
		{"sent after now", Given{Now: at(2)}, at(3), at(2), at(2)},
		{"now", Given{Now: at(9)}, time.Time{}, at(9), at(9)},
		{"received", Given{Received: at(4)}, at(3), at(4), at(4).Add(time.Minute)},
		{"both", Given{Received: at(4), Now: at(5)}, at(3), at(4), at(5)},
	}
	for _, test := range tests {
		got := test.given.times(test.sent)
		if !got.Received.Equal(test.wantReceived) || !got.Now.Equal(test.wantNow) {
			t.Errorf("%s: received %v, now %v", test.name, got.Received, got.Now)
		}
	}
}

func TestMessageFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.eml")
	if err := os.WriteFile(path, []byte("Subject: x\n\n"+strings.Repeat("y", 3<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	set := compile(t, rule("r", `subject == "x" and size > mb(2)`, false, action("trash")))
	c := Case{Rule: "r", Message: path, Given: given("INBOX"), Want: []actions.Action{{Kind: actions.Trash}}}
	if res := Run(set, []Case{c}).Results[0]; !res.Pass {
		t.Error(res.Detail)
	}
}
