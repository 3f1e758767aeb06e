package engine

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

var updatePage = flag.Bool("update", false, "rewrite the page of errors")

// The page that a reader sees is the table that the daemon uses.
func TestPageOfErrors(t *testing.T) {
	const path = "ERRORS.md"
	want := errorsPage()
	if *updatePage {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not the table of imapsession.Table: run go test ./engine -run TestPageOfErrors -update (%v)", path, err)
	}
}

func errorsPage() string {
	var b strings.Builder
	b.WriteString("# What the daemon makes of a server's refusals\n\n" +
		"Generated from imapsession.Table and reactionTo: go test ./engine -run TestPageOfErrors -update\n\n" +
		"A code says more than words, words more than the command. Throttling and a refused user are believed on words alone.\n\n" +
		"## Reactions\n\n| class | reaction |\n|---|---|\n")
	for class := imapsession.Connection; class <= imapsession.Expunged; class++ {
		fmt.Fprintf(&b, "| %s | %s |\n", class, reactionTo(class))
	}
	b.WriteString("\n## Classes\n\n| by | match | class | why | source |\n|---|---|---|---|---|\n")
	for _, r := range imapsession.Table() {
		match := r.Match
		if match == "" {
			match = "(any other)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.By, match, r.Class, r.Why, r.Source)
	}
	fmt.Fprintf(&b, "\n## Codes that say nothing about a failure\n\n%s.\n", strings.Join(imapsession.Silent(), ", "))
	return b.String()
}

func TestReactions(t *testing.T) {
	for class, want := range map[imapsession.Class]reaction{
		imapsession.Connection: reconnect, imapsession.Config: reconnect, imapsession.Auth: park,
		imapsession.Throttled: slowDown, imapsession.Expunged: refresh, imapsession.Limit: smaller,
		imapsession.TryAgain: pauseBriefly, imapsession.Target: pause, imapsession.Message: oneByOne,
		imapsession.Bad: otherWay, imapsession.Expunged + 1: reconnect,
	} {
		if got := reactionTo(class); got != want {
			t.Errorf("%v: %v, want %v", class, got, want)
		}
	}
}

func TestMailboxOnly(t *testing.T) {
	for _, c := range []struct {
		e    imapsession.Error
		want bool
	}{
		{imapsession.Error{Class: imapsession.Connection}, false},
		{imapsession.Error{Class: imapsession.Throttled, Status: "NO"}, false},
		{imapsession.Error{Class: imapsession.Auth, Status: "BAD"}, false},
		{imapsession.Error{Class: imapsession.Limit, Status: "NO"}, true},
		{imapsession.Error{Class: imapsession.Limit, Status: "OK"}, true}, // MESSAGELIMIT
		{imapsession.Error{Class: imapsession.TryAgain, Status: "OK"}, true},
		{imapsession.Error{Class: imapsession.Target, Status: "OK"}, true},
		{imapsession.Error{Class: imapsession.Target}, true},
		{imapsession.Error{Class: imapsession.Bad}, false}, // the session is over
		{imapsession.Error{Class: imapsession.Expunged, Status: "NO"}, true},
	} {
		if got := mailboxOnly(&c.e); got != c.want {
			t.Errorf("%+v: %v", c.e, got)
		}
	}
}

// Six tries make about a day.
func TestRetryScheduleIsAboutADay(t *testing.T) {
	e := journal.Entry{State: journal.Open, Steps: []journal.Step{{Action: &actions.Action{Kind: actions.Move}, State: journal.Recorded}}}
	now := noon
	for e.State == journal.Open {
		failTry(&e, 0, "no", now)
		if e.State == journal.Open {
			now = e.NextTry
		}
	}
	if d := now.Sub(noon); e.Tries != 6 || e.State != journal.Failed || d < 22*time.Hour || d > 26*time.Hour {
		t.Errorf("%s after %d tries and %v", e.State, e.Tries, d)
	}
}

// A login that works is no proof of the password: Exchange refuses afterwards.
func TestRefusedAfterTheLoginParks(t *testing.T) {
	b := backoff{timing: new(Timing{}.withDefaults())}
	refused := &imapsession.Error{Class: imapsession.Auth}
	for i := range 3 {
		b.connected()
		if parked := b.failed(refused, time.Second).parked; parked != (i == 2) {
			t.Errorf("refusal %d: parked %v", i+1, parked)
		}
	}
	b.connected()
	if b.failed(refused, time.Hour).parked {
		t.Error("parked though the last connection worked for an hour")
	}
}

func TestThrottledWithoutATimeWaitsAMinute(t *testing.T) {
	b := backoff{timing: new(Timing{}.withDefaults())}
	if v := b.failed(&imapsession.Error{Class: imapsession.Throttled}, 0); v.wait < time.Minute {
		t.Errorf("waits %v", v.wait)
	}
}
