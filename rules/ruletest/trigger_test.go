package ruletest

import (
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/rules"
)

func onClock(r rules.RuleSource) rules.RuleSource {
	r.On, r.Cron = rules.OnSchedule, "@daily"
	return r
}

func onFlag(r rules.RuleSource, flag string) rules.RuleSource {
	r.On, r.Flags = rules.OnFlags, []rules.Text{{Value: flag}}
	return r
}

func in(mailbox string, r rules.RuleSource) rules.RuleSource {
	r.In = []rules.Text{{Value: mailbox}}
	return r
}

// The whole walk is that of the rules on arrival: the others neither act in it
// nor stop it.
func TestWalkIsAboutArrival(t *testing.T) {
	set := compile(t,
		onClock(rule("nightly", "seen", true, action("trash"))),
		onFlag(rule("starred", "seen", true, action("add_flags", "$Starred")), `\Flagged`),
		rule("arrival", "seen", false, action("move", "A")),
		in("Old", onClock(rule("old", "true", false, action("expunge")))),
	)
	if r := walk(t, set, given("INBOX", imap.FlagSeen), move("A")); !r.Pass {
		t.Error(r.Detail)
	}
	if r := walk(t, set, given("Old")); r.Pass || !strings.Contains(r.Detail, "not covered: only rules on a clock or on flags look at mailbox \"Old\"") {
		t.Errorf("%+v", r)
	}
	if r := walk(t, set, given("Elsewhere")); r.Pass || !strings.Contains(r.Detail, "no rule looks at") {
		t.Errorf("%+v", r)
	}
}

// A rule that another walk asks is judged alone, also behind one that stops.
func TestRulesOfOtherWalksAreJudgedAlone(t *testing.T) {
	set := compile(t,
		rule("all", "seen or flagged", true, action("move", "A")),
		onClock(rule("nightly", "seen", true, action("trash"))),
		onFlag(rule("starred", "flagged", false, action("add_flags", "$Starred")), `\Flagged`),
	)
	both := given("INBOX", imap.FlagSeen, imap.FlagFlagged)
	cases := []Case{
		{Rule: "nightly", Given: both, Want: []actions.Action{{Kind: actions.Trash}}},
		{Rule: "starred", Given: both, Want: []actions.Action{flag("$Starred")}},
		{Rule: "starred", Given: given("INBOX", imap.FlagSeen)},
		{Rule: "all", Given: both, Want: []actions.Action{move("A")}},
	}
	for i := range cases {
		cases[i].Alone = func() *rules.Ruleset { t.Error("compiled again"); return nil }
	}
	var explained []string
	failing := Case{Rule: "starred", Given: both}
	runner := Runner{Rules: set, Explain: func(rs *rules.Ruleset, _ rules.Input) string {
		for _, r := range rs.Rules() {
			explained = append(explained, r.Name)
		}
		return "because"
	}}
	report := runner.Run(append(cases, failing))
	for _, r := range report.Results[:len(cases)] {
		if !r.Pass {
			t.Errorf("%s: %s", r.Case.Rule, r.Detail)
		}
	}
	if report.Failed() != 1 || !slices.Equal(explained, []string{"starred"}) {
		t.Errorf("%d failed, explained by %v", report.Failed(), explained)
	}
}
