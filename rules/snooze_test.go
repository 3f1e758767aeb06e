package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imapilot/actions"
)

// snoozing is a rule that puts away what is seen, for so long.
func snoozing(name string, d time.Duration) RuleSource {
	r := rule(name, "seen", "snooze")
	r.Then[0].Until = &Until{Text: Text{Value: d.String()}, At: func(now time.Time) time.Time { return now.Add(d) }}
	return r
}

// snoozeSource has a snooze mailbox in each account.
func snoozeSource(rules ...RuleSource) Source {
	src := baseSource(rules...)
	src.Accounts[0].Snooze, src.Accounts[1].Snooze = "Snoozed", "Later"
	return src
}

func TestSnooze(t *testing.T) {
	now := sampleInput().Now
	for _, test := range []struct {
		name, mailbox string
		d             time.Duration
		plan, err     string
	}{
		{"to the second", "INBOX", time.Hour + time.Millisecond, "snooze: {until: 2026-02-10T13:00:00Z}", ""},
		{"the longest", "INBOX", actions.MaxSnooze, "snooze: {until: 2027-02-11T12:00:00Z}", ""},
		{"too far off", "INBOX", actions.MaxSnooze + time.Second, "keep", "a message can be snoozed for at most 366 days"},
		{"it has come", "INBOX", 0, "keep", ""},
		{"it is past", "INBOX", -time.Hour, "keep", ""},
		{"where it is already", "Work", time.Hour, "snooze: {until: 2026-02-10T13:00:00Z}", ""},
	} {
		in := sampleInput()
		in.Mailbox.Name = test.mailbox
		d := mustCompile(t, snoozeSource(snoozing("later", test.d).inside("INBOX", "Work"))).Evaluate(in)
		err := ""
		if len(d.Verdicts) == 1 && d.Verdicts[0].Err != nil {
			err = d.Verdicts[0].Err.Error()
		}
		if d.Plan.String() != test.plan || !strings.Contains(err, test.err) || (err == "") != (test.err == "") {
			t.Errorf("%s, at %s: %s, %q", test.name, now, d.Plan, err)
		}
	}
}

// TestSnoozeWhereSnoozedMailIs: a message in the snooze mailbox is not put away again.
func TestSnoozeWhereSnoozedMailIs(t *testing.T) {
	rs := mustCompile(t, snoozeSource(snoozing("later", time.Hour).inside("Later").by("home")))
	for account, want := range map[string]string{"home": "snooze: {until: 2026-02-10T13:00:00Z}", "work": "keep"} {
		in := sampleInput()
		in.Account, in.Mailbox.Name = account, "Later"
		if got := rs.Evaluate(in).Plan.String(); got != want {
			t.Errorf("%s: %s", account, got)
		}
	}
}

func TestSnoozeMailboxesAreTargets(t *testing.T) {
	for _, test := range []struct {
		rules []RuleSource
		want  string
	}{
		{[]RuleSource{snoozing("own", time.Hour).inside("INBOX", "Later")}, `the target "Later" is in the rule's own in: Later`},
		{[]RuleSource{snoozing("own", time.Hour).inside("*")}, `the target "Snoozed" is in the rule's own in: *`},
		{[]RuleSource{snoozing("own", time.Hour).inside("INBOX", "Later").by("home")}, ""},
		{[]RuleSource{snoozing("a", time.Hour), rule("b", "seen", "add_flags: $x").inside("Snoozed")}, `"a" files mail into Snoozed, and such mail does not fire this rule`},
		{[]RuleSource{snoozing("a", time.Hour), rule("b", "seen", "trash")}, `the moves overlap: "a" before it moves the same messages`},
		{[]RuleSource{rule("a", "seen", "snooze")}, "snooze takes a while or a time"},
	} {
		_, problems := Compile(snoozeSource(test.rules...))
		got := ""
		for _, p := range problems {
			got += p.Message + "\n"
		}
		if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	rs := mustCompile(t, snoozeSource(snoozing("both", time.Hour), snoozing("one", time.Hour).by("work").stopping()))
	if got := fmt.Sprint(rs.Moves()); got != "[{both INBOX Snoozed false} {both INBOX Later false} {one INBOX Later false}]" {
		t.Error(got)
	}
}
