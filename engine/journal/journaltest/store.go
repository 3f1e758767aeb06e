package journaltest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// store is one journal under test.
type store struct {
	*testing.T
	open    Open
	journal journal.Journal
}

func newStore(t *testing.T, open Open) *store {
	s := &store{T: t, open: open}
	s.reopen()
	t.Cleanup(func() { s.check(s.journal.Close()) })
	return s
}

// reopen closes the journal, if it is open, and opens it again.
func (s *store) reopen() {
	s.Helper()
	if s.journal != nil {
		s.check(s.journal.Close())
	}
	var err error
	s.journal, err = s.open()
	s.check(err)
}

func (s *store) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// equal fails the test where two values differ.
func (s *store) equal(what string, got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func (s *store) acquire(account string) (journal.Ownership, journal.Snapshot) {
	s.Helper()
	own, snap, err := s.journal.Acquire(s.Context(), account, "test:1")
	s.check(err)
	return own, snap
}

// own is acquire for tests that do not look at the snapshot.
func (s *store) own(account string) journal.Ownership {
	s.Helper()
	own, _ := s.acquire(account)
	return own
}

func (s *store) commit(own journal.Ownership, b journal.Batch) {
	s.Helper()
	s.check(s.try(own, b))
}

func (s *store) try(own journal.Ownership, b journal.Batch) error {
	if b.At.IsZero() {
		b.At = time.Now()
	}
	return s.journal.Commit(context.WithoutCancel(s.Context()), own, b)
}

func (s *store) entries(q journal.Query) []journal.Entry {
	s.Helper()
	out, err := s.journal.Entries(s.Context(), q)
	s.check(err)
	return out
}

func (s *store) seqs(q journal.Query) []int64 {
	s.Helper()
	return seqsOf(s.entries(q))
}

func seqsOf(entries []journal.Entry) []int64 {
	var out []int64
	for _, e := range entries {
		out = append(out, e.Seq)
	}
	return out
}

func (s *store) deliveries(q journal.DeliveryQuery) []journal.Delivery {
	s.Helper()
	out, err := s.journal.Deliveries(s.Context(), q)
	s.check(err)
	return out
}

func (s *store) known(account, mailbox string, validity uint32) []journal.Known {
	s.Helper()
	out, err := s.journal.Known(s.Context(), account, mailbox, validity)
	s.check(err)
	for i := range out {
		out[i].Order = 0 // testSeenRenumbered is about it
	}
	return out
}

func (s *store) tail(account string, after int64, limit int) []journal.Event {
	s.Helper()
	out, err := s.journal.Tail(s.Context(), account, after, limit)
	s.check(err)
	return out
}

// day is a moment shortly before every test begins: a bubble starts in 2000.
func day(d int) time.Time {
	return time.Date(1999, 12, d, 8, 30, 15, 123456000, time.UTC)
}

func print(n int) journal.Fingerprint {
	return journal.Fingerprint{
		MessageID: fmt.Sprintf("<%d@example.org>", n),
		Received:  time.Date(1998, 12, 1, 0, 0, n, 0, time.UTC), Size: int64(1000 + n),
	}
}

// entry is a finished move with every field set.
func entry(seq int64) journal.Entry {
	move := &actions.Action{Kind: actions.Move, Mailbox: "Lists/go"}
	flag := &actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{imap.FlagSeen, "$List"}}
	plan := actions.Plan{Items: []actions.Item{
		{Action: flag, Rule: "lists", Hash: "h1"},
		{Action: move, Rule: "lists", Hash: "h1", Index: 1},
		{Action: &actions.Action{Kind: actions.Trash}, Rule: "bin", SupersededBy: "lists"},
	}}
	return journal.Entry{
		Seq: seq, Mailbox: "INBOX", UIDValidity: 4294967295, UID: imap.UID(seq), Print: print(int(seq)),
		From: "Ann <ann@example.org>", Subject: "Hello & <welcome>", Trigger: "arrival", Decided: day(1),
		Flags: []imap.Flag{imap.FlagFlagged}, Plan: plan, State: journal.Done, Reason: "because",
		Steps: []journal.Step{
			{Action: flag, Rule: "lists", Hash: "h1", State: journal.StepDone, At: day(2)},
			{Action: move, Rule: "lists", Hash: "h1", Index: 1, Target: "Lists.go", TargetValidity: 7,
				TargetNext: 40, State: journal.StepLeft, TargetUID: 41, At: day(2), Error: "none"},
		},
		Errors: map[string]string{"broken": "no such header"}, Skipped: map[string]string{"moved": "it was moved back"},
		Tries: 2, NextTry: day(3), Updated: day(2), Run: day(1), Undoes: 40, UndoneBy: []int64{42, 41}, OfCopy: true,
	}
}

// open makes an entry whose steps are to be done.
func open(seq int64) journal.Entry {
	e := entry(seq)
	e.State, e.Skipped, e.Errors = journal.Open, nil, nil
	for i := range e.Steps {
		e.Steps[i].State, e.Steps[i].TargetUID = journal.Recorded, 0
	}
	return e
}

func cursor(mailbox string, version int64) journal.Cursor {
	return journal.Cursor{
		Mailbox: mailbox, UIDValidity: 17, Floor: 100, Handled: set(102, 103, 104, 200),
		HighestModSeq: 1 << 62, Scanned: day(4), Version: version,
	}
}

func set(uids ...imap.UID) imap.UIDSet { return imap.UIDSetNum(uids...) }

func delivery(id string, next time.Time) journal.Delivery {
	return journal.Delivery{
		ID: id, Account: "home", Endpoint: "ci", Rule: "lists", Seq: 3, Payload: []byte(`{"version":1}`),
		Created: day(1), Attempts: 2, Next: next, State: journal.Pending,
		LastStatus: 503, LastError: "HTTP 503", Updated: day(2),
	}
}
