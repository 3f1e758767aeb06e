package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

const historyConfig = `
state: state.db
accounts:
  home: {host: imap.example.org, username: me@example.org, password: {env: NONE}}
  work: {host: imap.example.com, username: me@example.com, password: {env: NONE}}
webhooks: {ci: {url: "https://hooks.example.org/ci"}}
rules:
  - {name: newsletters, if: 'list.id != ""', then: [{add_flags: ['\Seen']}, {move: 'Lists/${list.name}'}]}
  - {name: builds, if: 'has(subject, "failed")', then: [{webhook: ci}]}
`

// atHistory is when the tests of the history take place: a bubble begins at it.
func atHistory(before time.Duration) time.Time {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-before)
}

func moved(seq int64, state journal.EntryState, subject string) journal.Entry {
	flag := &actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{imap.FlagSeen}}
	move := &actions.Action{Kind: actions.Move, Mailbox: "Lists/go"}
	const hash = "0123456789abcdef0123"
	e := journal.Entry{
		Seq: seq, Mailbox: "INBOX", UIDValidity: 17, UID: imap.UID(4700 + seq), State: state, Trigger: "arrival",
		Print: journal.Fingerprint{MessageID: fmt.Sprintf("<%d@example.net>", seq), Received: atHistory(50 * time.Hour), Size: 2100},
		From:  "Ann Example <ann@example.net>", Subject: subject, Decided: atHistory(time.Duration(100-seq) * time.Hour), Updated: atHistory(time.Duration(100-seq) * time.Hour),
		Plan: actions.Plan{Items: []actions.Item{
			{Action: flag, Rule: "newsletters", Hash: hash}, {Action: move, Rule: "newsletters", Hash: hash, Index: 1},
			{Action: &actions.Action{Kind: actions.Trash}, Rule: "old offers", Hash: "fedcba9876543210", SupersededBy: "newsletters"},
		}},
		Steps: []journal.Step{
			{Action: flag, Rule: "newsletters", Hash: hash, State: journal.StepDone, At: atHistory(50 * time.Hour)},
			{Action: move, Rule: "newsletters", Hash: hash, Index: 1, Target: "Lists.go", TargetValidity: 7, TargetNext: 9, State: journal.StepDone, TargetUID: 9, At: atHistory(50 * time.Hour)},
		},
	}
	return e
}

// historyEntries has an entry of each outcome.
func historyEntries() []journal.Entry {
	var out []journal.Entry
	add := func(state journal.EntryState, subject string, change func(*journal.Entry)) {
		e := moved(int64(len(out)+1), state, subject)
		if change != nil {
			change(&e)
		}
		out = append(out, e)
	}
	add(journal.Done, "Gophers weekly 411", nil)
	add(journal.Done, "日本語のニュースレターと、とても長い件名がここにあります", func(e *journal.Entry) {
		e.From, e.Mailbox = "ニュース <news@example.jp>", "INBOX.Lists.日本"
	})
	add(journal.Done, "Build 4711 failed on main", func(e *journal.Entry) {
		e.Steps, e.From = nil, "builds@ci.example.com"
		e.Plan = actions.Plan{Items: []actions.Item{{Action: &actions.Action{Kind: actions.Webhook, Endpoint: "ci"}, Rule: "builds"}}}
	})
	add(journal.Held, "An offer", func(e *journal.Entry) {
		e.Steps, e.Reason = nil, `limit reached: rule "newsletters" may take away 1000 messages in 1 h`
	})
	add(journal.Failed, "Gophers weekly 412", func(e *journal.Entry) {
		e.Reason, e.Tries = "move: Lists/go: the server refused the name: NO [CANNOT] Invalid mailbox name", 6
		e.Steps[1].State, e.Steps[1].TargetUID, e.Steps[1].Error = journal.StepFailed, 0, "the server refused the name: NO [CANNOT] Invalid mailbox name"
	})
	add(journal.Unsure, "Gophers weekly 413", func(e *journal.Entry) {
		e.Reason = "move: Lists/go: it cannot be told whether it happened: two alike are in the target"
		e.Steps[1].State, e.Steps[1].TargetUID = journal.StepUnsure, 0
	})
	add(journal.Open, "Gophers weekly 414", func(e *journal.Entry) {
		e.Tries, e.NextTry = 2, atHistory(-time.Hour)
		e.Steps[1].State, e.Steps[1].TargetUID, e.Steps[1].At, e.Steps[1].Error = journal.Recorded, 0, time.Time{}, "the message is locked"
	})
	add(journal.Open, "Gophers weekly 415", func(e *journal.Entry) {
		e.Steps[1].State, e.Steps[1].TargetUID, e.Steps[1].At, e.Steps[1].Target = journal.Recorded, 0, time.Time{}, "Full"
	})
	add(journal.Kept, "Lunch?", func(e *journal.Entry) {
		e.Steps, e.Plan, e.Skipped = nil, actions.Plan{}, map[string]string{"newsletters": "you moved the message back"}
	})
	add(journal.Kept, "", func(e *journal.Entry) {
		e.Steps, e.Plan, e.From, e.Mailbox = nil, actions.Plan{}, "", "J\x1b[2J\u202e"
		e.Print.MessageID, e.Errors = "\x1b[2J\xff", map[string]string{"builds": "the message has more than 500 parts"}
	})
	for _, s := range []journal.EntryState{journal.DryRun, journal.Withdrawn, journal.Gone, journal.Skipped} {
		add(s, "Gophers weekly 416", func(e *journal.Entry) {
			e.Steps = nil
			e.Reason = map[journal.EntryState]string{journal.Gone: "the message was not in the mailbox any more", journal.Skipped: "skipped by the user"}[s]
		})
	}
	return out
}

func historyHooks() []journal.Delivery {
	return []journal.Delivery{{
		ID: "msg_a06b54a5", Account: "home", Endpoint: "ci", Rule: "builds", Seq: 3, Payload: []byte("{}"), Created: atHistory(3 * time.Hour), Attempts: 4,
		Next: atHistory(-5 * time.Minute), State: journal.Pending, LastStatus: 503, LastError: "HTTP 503 Service Unavailable", Updated: atHistory(time.Hour),
	}}
}

// historyFolder makes the working folder one with a configuration and a journal.
func historyFolder(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("IMAPILOT_CONFIG", "")
	t.Setenv("NO_COLOR", "1")
	if err := os.WriteFile("imapilot.yaml", []byte(historyConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	recordIn(t, "home", journal.Batch{
		Entries: historyEntries(), Deliveries: historyHooks(),
		Pauses: []journal.Pause{{Target: "Full", Reason: "over quota", Since: atHistory(2 * time.Hour), Probe: atHistory(-30 * time.Minute)}},
		Events: []journal.Event{
			{At: atHistory(101 * time.Hour), Kind: "baseline", Mailbox: "INBOX", Text: "INBOX: 412 messages were there before and are left alone"},
			{At: atHistory(2 * time.Hour), Kind: "paused", Mailbox: "Full", Text: "Full: paused: over quota"},
		},
	})
	late := moved(1, journal.Done, "Minutes")
	late.Updated = atHistory(91 * time.Hour)
	recordIn(t, "work", journal.Batch{Entries: []journal.Entry{late}})
}

func recordIn(t *testing.T, account string, b journal.Batch) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), "state.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	own, _, err := db.Acquire(t.Context(), account, "test:1")
	if err != nil {
		t.Fatal(err)
	}
	b.At = time.Now()
	if err := db.Commit(t.Context(), own, b); err != nil {
		t.Fatal(err)
	}
}
