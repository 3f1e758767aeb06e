package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/journal"
)

// needing are entries of an account that need a person for the same reason.
func needing(account, mailbox string, state journal.EntryState, reason string, uids ...uint32) []waitingEntry {
	var out []waitingEntry
	for _, uid := range uids {
		e := waitingEntry{Account: account}
		e.Mailbox, e.State, e.Reason, e.Subject = mailbox, state, reason, fmt.Sprintf("A letter with a subject that is long (%d)", uid)
		e.UID = imap.UID(uid)
		out = append(out, e)
	}
	return out
}

// TestStatusGolden holds what status looks like at 80 columns: what waits for the
// same reason stands together.
func TestStatusGolden(t *testing.T) {
	path, err := filepath.Abs("testdata/status/status.golden")
	if err != nil {
		t.Fatal(err)
	}
	const long = "the server says NO [OVERQUOTA] and goes on for longer than a line of a terminal is, which has eighty columns"
	s := answer{Status: engine.Status{Config: "imapilot.yaml", State: strings.Repeat("state/", 11) + "imapilot.db", DryRun: true, Accounts: []engine.AccountStatus{
		{
			Name: "home", Host: "imap.example.org", State: engine.Waiting, Error: long, Fallbacks: []engine.Fallback{{Feature: "MOVE", Instead: "COPY", Reason: long}},
			Mailboxes:  []engine.MailboxStatus{{Name: "INBOX", Watch: "idle"}, {Name: strings.Repeat("Lists/Deep/", 6), Watch: "poll 1m0s", Error: long}},
			RuleErrors: []engine.RuleErrors{{Rule: "letters", Messages: 2, Last: long}}, Pauses: []journal.Pause{{Target: "Full", Reason: long}},
			Resting: []engine.Resting{{Endpoint: "forward", Why: long}},
			Entries: map[journal.EntryState]int{journal.Held: 15}, Deliveries: map[journal.DeliveryState]int{journal.Pending: 3},
		},
		{Name: "work", Host: "imap.example.net", State: engine.Stopped},
	}}, Webhooks: []owedCalls{{Account: "home", Webhook: "ci", Pending: 3, Attempts: 2, LastError: long}}, said: []string{"--since", "2 days"}}
	const limit = `limit reached: rule "letters" may take away 3 messages in one run`
	s.Waiting = append(needing("home", "INBOX", journal.Held, limit, 1, 2, 3), needing("home", "Archive", journal.Held, limit, 4)...)
	s.Waiting = append(s.Waiting, needing("home", "INBOX", journal.Held, "they look imported", 5, 6)...)
	s.Waiting = append(s.Waiting, needing("work", "INBOX", journal.Failed, long, 7)...)
	out := &strings.Builder{}
	(&app{out: out}).printStatus(s, time.UTC)
	golden(t, path, out.String())
	fitsCells(t, out.String(), screenWidth)
}

// TestStatusOfWhatIsNotAlive holds what a running daemon shows of mailboxes that are not
// ready, and the line of --check.
func TestStatusOfWhatIsNotAlive(t *testing.T) {
	path, err := filepath.Abs("testdata/status/alive.golden")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	troubles := []engine.Trouble{
		{Account: "work", Kind: engine.TroubleParked, Text: "the server refuses the login; last error: NO [AUTHENTICATIONFAILED]; correct the credentials and run 'imapilot reload'"},
		{Account: "home", Mailbox: "INBOX", Kind: engine.TroubleStale, Text: "the server has proved nothing for 7m30s, and may for 6m; last error: IDLE INBOX: i/o timeout"},
	}
	for i := range 6 {
		troubles = append(troubles, engine.Trouble{Account: "home", Mailbox: fmt.Sprint("Lists/", i), Kind: engine.TroubleStale, Text: "the server has proved nothing for 7m, and may for 6m"})
	}
	s := answer{Running: true, Status: engine.Status{Version: "1.2.3", PID: 4711, Started: at, Config: "imapilot.yaml", State: "imapilot.db", Rules: 3, Troubles: troubles, Accounts: []engine.AccountStatus{
		{
			Name: "home", Host: "imap.example.org", State: engine.Waiting, Error: "IDLE INBOX: i/o timeout", NextTry: at.Add(time.Minute), LastProof: now.Add(-450 * time.Second),
			Mailboxes: []engine.MailboxStatus{
				{Name: "INBOX", Messages: 1204, LastProof: now.Add(-450 * time.Second), LastMessage: now.Add(-3 * time.Hour), Stale: true},
				{Name: "Lists/a\x1b", Watch: "idle", Messages: 12, LastProof: now.Add(-59*time.Minute - time.Second), LastScan: now.Add(-50 * time.Hour), Lag: engine.Seconds(3 * time.Minute),
					Error: "SELECT Lists/a: NO [INUSE]", NextTry: at.Add(2 * time.Minute)},
			},
		},
		{Name: "work", Host: "imap.example.net", State: engine.Parked, Error: "NO [AUTHENTICATIONFAILED]", NextTry: at.Add(6 * time.Hour)},
	}}}
	out := &strings.Builder{}
	a := &app{out: out}
	a.printStatus(s, time.UTC)
	err = a.printReady(s)
	if err == nil || !strings.HasSuffix(err.Error(), "(and 7 other troubles)") {
		t.Errorf("%v", err)
	}
	fitsCells(t, out.String(), screenWidth)
	s.Troubles = nil
	if err := a.printReady(s); err != nil {
		t.Error(err)
	}
	golden(t, path, out.String())
}

// TestStatusZone: its times are by the clock of timezone, as all others are.
func TestStatusZone(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	out := &strings.Builder{}
	s := answer{Running: true, Status: engine.Status{Started: at, Accounts: []engine.AccountStatus{
		{Name: "home", NextTry: at.Add(time.Minute), Pauses: []journal.Pause{{Target: "Full", Probe: at.Add(time.Hour)}}},
	}}}
	(&app{out: out}).printStatus(s, time.FixedZone("", 7200))
	for _, want := range []string{"running since 2026-05-04 14:00:00", "next try: 2026-05-04 14:01:00", "tried again 2026-05-04 15:00:00"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

// TestGrouped: messages are counted by account, state and reason, so that a thousand
// with one cause take a line, and many causes do not fill the screen.
func TestGrouped(t *testing.T) {
	all := append(needing("a", "X", journal.Held, "r", 9, 8), needing("b", "X", journal.Held, "r", 7)...)
	all = append(all, needing("a", "Y", journal.Failed, "r", 6)...)
	all = append(all, needing("a", "Y", journal.Held, "r", 5)...)
	got := grouped(all)
	if len(got) != 3 || got[0].n != 3 || !got[0].several || got[0].UID != 9 || got[1].n != 1 || got[1].several || got[2].State != journal.Failed {
		t.Errorf("%+v", got)
	}
	var many []waitingEntry
	for i := range uint32(maxGroups + 2) {
		many = append(many, needing("a", "X", journal.Failed, fmt.Sprint("reason ", i), i)...)
	}
	s := &screen{width: screenWidth}
	s.needsYou(many, func(words ...string) string { return strings.Join(words, " ") })
	if text := s.b.String(); strings.Count(text, "  failed  X/") != maxGroups || !strings.Contains(text, "and 2 other reasons") || strings.Contains(text, "confirm") {
		t.Error(text)
	}
}

// What is ready because nothing is stale yet says so where there is no connection.
func TestReadyWithoutAConnection(t *testing.T) {
	for state, want := range map[engine.AccountState]string{
		engine.Watching: "ready: every watched mailbox is alive\n", engine.Waiting: "ready: nothing is stale yet; 1 account without a connection\n",
	} {
		s := screen{width: 80}
		s.ready([]engine.AccountStatus{{State: state}})
		if got := s.b.String(); got != want {
			t.Errorf("%s: %q", state, got)
		}
	}
}
