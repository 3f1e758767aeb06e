package ruletest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// walk runs one test of the whole walk.
func walk(t *testing.T, set *rules.Ruleset, g Given, want ...actions.Action) Result {
	t.Helper()
	return Run(set, []Case{{Inline: []byte("Subject: Sale\r\n\r\n"), Given: g, Want: want}}).Results[0]
}

func move(mailbox string) actions.Action {
	return actions.Action{Kind: actions.Move, Mailbox: mailbox}
}

func flag(name imap.Flag) actions.Action {
	return actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{name}}
}

func TestWalk(t *testing.T) {
	dry := rule("dry", "true", false, action("add_flags", "$Dry"))
	dry.DryRun = true
	dryFails := rule("fails", "true", false, action("move", "Lists/${list.name}"))
	dryFails.DryRun = true
	set := compile(t,
		dry, dryFails,
		rule("first", "seen", false, action("move", "A"), action("add_flags", "$A")),
		rule("second", "seen", false, action("move", "B"), action("add_flags", "$B")),
		rule("last", "flagged", true, action("add_flags", "$C")),
		rule("never", "flagged or draft", false, action("trash")),
	)
	seen, both := given("INBOX", imap.FlagSeen), given("INBOX", imap.FlagSeen, imap.FlagFlagged)
	tests := []struct {
		name  string
		given Given
		want  []actions.Action
		pass  bool
		says  string
	}{
		{"applied order, superseded and dry left out", seen, []actions.Action{flag("$A"), flag("$B"), move("A")}, true, ""},
		{"order counts", seen, []actions.Action{move("A"), flag("$A"), flag("$B")}, false, "got:  add_flags: [$A], add_flags: [$B], move: A"},
		{"superseded is not wanted", seen, []actions.Action{flag("$A"), flag("$B"), move("A"), move("B")}, false, `(matched by "first", "second")`},
		{"stop", both, []actions.Action{flag("$A"), flag("$B"), flag("$C"), move("A")}, true, ""},
		{"stop is told", both, nil, false, `(matched by "first", "second", "last"; "last" stops the walk)`},
		{"keep", given("INBOX"), nil, true, ""},
		{"no match", given("INBOX"), []actions.Action{move("A")}, false, "(no rule matches)"},
		{"nobody looks there", given("INBXO"), nil, false, `not covered: no rule looks at mailbox "INBXO" of account "home"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := walk(t, set, test.given, test.want...)
			if r.Pass != test.pass || !strings.Contains(r.Detail, test.says) {
				t.Errorf("pass %t, detail %q", r.Pass, r.Detail)
			}
		})
	}
}

// A rule that cannot be decided makes the walk unknown, even where the others
// do what is wanted.
func TestWalkThatIsNotCovered(t *testing.T) {
	fails := compile(t, rule("good", "true", false, action("trash")), rule("bad", "true", false, action("move", "Lists/${list.name}")))
	if r := walk(t, fails, given("INBOX"), actions.Action{Kind: actions.Trash}); r.Pass || !strings.Contains(r.Detail, `not covered: of rule "bad", the rule cannot be evaluated`) {
		t.Errorf("%+v", r)
	}
	unknown := rules.Decision{Verdicts: []rules.Verdict{{Rule: "r", Truth: rules.Unknown}}}
	if r := (Runner{}).judgeWalk(Case{}, unknown); r.Pass || !strings.Contains(r.Detail, "needs what the test does not give") {
		t.Errorf("%+v", r)
	}
	unknown.Verdicts[0].DryRun = true
	if r := (Runner{}).judgeWalk(Case{}, unknown); !r.Pass {
		t.Errorf("a rule in dry run does nothing: %+v", r)
	}
}

// Tests of rules and of the walk do not change what the others see.
func TestWalkBetweenTestsOfRules(t *testing.T) {
	set := compile(t, rule("a", "true", false, action("add_flags", "$A")), rule("b", "true", false, action("add_flags", "$B")))
	g := given("INBOX")
	report := Run(set, []Case{
		{Rule: "a", Given: g, Want: []actions.Action{flag("$A")}},
		{Given: g, Want: []actions.Action{flag("$A"), flag("$B")}},
		{Rule: "b", Given: g, Want: []actions.Action{flag("$B")}},
	})
	for _, r := range report.Results {
		if !r.Pass {
			t.Errorf("%q: %s", r.Case.Rule, r.Detail)
		}
	}
}

func TestExplain(t *testing.T) {
	late := rule("late", "seen", false, action("trash"))
	set := compile(t, rule("early", "flagged", true, action("move", "X")), late)
	asked := 0
	runner := Runner{Rules: set, Explain: func(rs *rules.Ruleset, in rules.Input) string {
		asked++
		return fmt.Sprintf("%s, %d rules, %d not judged", in.Mailbox.Name, len(rs.Rules()), len(in.Skip))
	}}
	report := runner.Run([]Case{
		{Given: given("INBOX")},
		{Given: given("INBOX"), Want: []actions.Action{move("X")}},
		{Rule: "late", Given: given("INBOX"), Want: []actions.Action{move("X")}},
		{Rule: "late", Given: given("INBOX", imap.FlagFlagged), Alone: func() *rules.Ruleset { return compile(t, late) }, Want: []actions.Action{move("X")}},
	})
	for i, want := range []string{"", "INBOX, 2 rules, 0 not judged", "INBOX, 2 rules, 1 not judged", "INBOX, 1 rules, 1 not judged"} {
		if got := report.Results[i].Why; got != want {
			t.Errorf("test %d: why %q, want %q", i, got, want)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times: a test that passes needs no explanation", asked)
	}
}

func TestInput(t *testing.T) {
	past := facts.History{Duplicate: true, ByUser: true, MovedFrom: "Archive"}
	c := Case{Inline: []byte("Subject: x\nFrom: a@example.org\n\n"), Given: Given{Role: "junk", History: past}}
	raw, err := c.read()
	if err != nil || string(raw) != "Subject: x\r\nFrom: a@example.org\r\n\r\n" {
		t.Errorf("%q, %v", raw, err)
	}
	m := c.input(raw).Message
	if *m.History != past || m.Size != int64(len(raw)) || !m.WholeHeader {
		t.Errorf("%+v", m)
	}
	if m.Text == nil || m.HTML == nil || m.Report == nil || m.Text.Text != "" {
		t.Error("a message of a header only has an empty text, which is not an unknown one")
	}
	if m := (Case{}).input([]byte("Subject: x\r\n\r\ntext\r\n")).Message; m.Text != nil && m.Text.Text == "" {
		t.Error("the text of the message is taken for an empty one")
	}
}

func TestMessageFileLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.eml")
	if err := os.WriteFile(path, []byte("Subject: x\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := compile(t, rule("r", "true", false, action("trash")))
	c := Case{Message: path, Given: given("INBOX"), Want: []actions.Action{{Kind: actions.Trash}}}
	for size, pass := range map[int64]bool{maxMessage: true, maxMessage + 1: false} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		if r := Run(set, []Case{c}).Results[0]; r.Pass != pass || !pass && !strings.Contains(r.Detail, "larger than 64 MiB") {
			t.Errorf("%d bytes: %+v", size, r)
		}
	}
}

func TestCompared(t *testing.T) {
	long := strings.Repeat("x", 30)
	tests := []struct {
		want, got []actions.Action
		because   string
		shown     string
	}{
		{nil, []actions.Action{move("A")}, "it is", "want: keep\ngot:  move: A (it is)"},
		{
			[]actions.Action{flag("$A"), move(long)},
			[]actions.Action{flag("$A"), flag("$B"), move(long + long)},
			"it is",
			"want: add_flags: [$A]\n      move: " + long + "\ngot:  add_flags: [$A]\n      add_flags: [$B]\n      move: " + long + long + "\n(it is)",
		},
		{nil, []actions.Action{move("A")}, long + " " + long, "want: keep\ngot:  move: A\n(" + long + " " + long + ")"},
	}
	for _, test := range tests {
		got := compared(test.want, test.got, test.because)
		if got != test.shown {
			t.Errorf("got\n%s\nwant\n%s", got, test.shown)
		}
		for _, line := range strings.Split(got, "\n") {
			if utf8.RuneCountInString(line) > width {
				t.Errorf("%d columns: %s", len(line), line)
			}
		}
	}
}
