package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// BenchmarkCommit records decisions as a scan does: 500 entries with their
// steps, their fingerprints and the cursor in one synced transaction.
func BenchmarkCommit(b *testing.B) {
	const batch = 500
	db, err := sqlite.Open(b.Context(), b.TempDir()+"/j.db")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	own, _, err := db.Acquire(b.Context(), "home", "x")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	seq := int64(0)
	for b.Loop() {
		c := journal.Batch{At: now, Known: []journal.KnownBatch{{Mailbox: "INBOX", UIDValidity: 1}}}
		for range batch {
			seq++
			e := decision(seq, now)
			c.Entries = append(c.Entries, e)
			c.Known[0].Messages = append(c.Known[0].Messages, journal.Known{UID: e.UID, Print: e.Print})
		}
		c.Cursors = []journal.Cursor{{Mailbox: "INBOX", UIDValidity: 1, Floor: imap.UID(seq), Scanned: now, Version: seq / batch}}
		if err := db.Commit(b.Context(), own, c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "entries/s")
}

func decision(seq int64, now time.Time) journal.Entry {
	move := &actions.Action{Kind: actions.Move, Mailbox: "Lists/go"}
	return journal.Entry{
		Seq: seq, Mailbox: "INBOX", UIDValidity: 1, UID: imap.UID(seq), Trigger: "arrival", State: journal.Open,
		Print: journal.Fingerprint{MessageID: fmt.Sprintf("<%d.abcdef@lists.example.org>", seq*7919), Received: now, Size: 4000 + seq},
		From:  "Ann Example <ann@example.org>", Subject: "[go-nuts] A subject of the usual length", Decided: now, Updated: now,
		Plan: actions.Plan{Items: []actions.Item{{Action: move, Rule: "lists", Hash: "0123456789abcdef"}}},
		Steps: []journal.Step{{Action: move, Rule: "lists", Hash: "0123456789abcdef", Target: "Lists/go",
			TargetValidity: 7, TargetNext: 100, State: journal.Recorded}},
	}
}

// BenchmarkOutcomes records what became of 10,000 messages that one run moved to
// 250 mailboxes: those of each mailbox lie apart, and 32 mailboxes share a commit.
func BenchmarkOutcomes(b *testing.B) {
	const messages, targets, together = 10_000, 250, 32
	for b.Loop() {
		b.StopTimer()
		db, own, entries := decided(b, messages)
		b.StartTimer()
		for first := 0; first < targets; first += together {
			c := journal.Batch{At: time.Now()}
			for target := first; target < min(first+together, targets); target++ {
				for i := target; i < messages; i += targets {
					c.Entries = append(c.Entries, moved(entries[i]))
				}
			}
			if err := db.Commit(b.Context(), own, c); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(messages*b.N)/b.Elapsed().Seconds(), "entries/s")
}

// decided is a journal with that many messages to move.
func decided(b *testing.B, messages int) (*sqlite.DB, journal.Ownership, []journal.Entry) {
	b.Helper()
	db, err := sqlite.Open(b.Context(), b.TempDir()+"/j.db")
	if err != nil {
		b.Fatal(err)
	}
	own, _, err := db.Acquire(b.Context(), "home", "x")
	if err != nil {
		b.Fatal(err)
	}
	var all []journal.Entry
	for len(all) < messages {
		c := journal.Batch{At: time.Now()}
		for range 1000 {
			c.Entries = append(c.Entries, decision(int64(len(all)+len(c.Entries)+1), c.At))
		}
		if err := db.Commit(b.Context(), own, c); err != nil {
			b.Fatal(err)
		}
		all = append(all, c.Entries...)
	}
	return db, own, all
}

func moved(e journal.Entry) journal.Entry {
	e.Steps = slices.Clone(e.Steps)
	e.Steps[0].State, e.Steps[0].TargetUID, e.Steps[0].At = journal.StepDone, 20, e.Updated
	e.State = journal.Done
	return e
}

// BenchmarkDecisions records 10,000 decisions of one run, 1,000 a commit.
func BenchmarkDecisions(b *testing.B) {
	const messages = 10_000
	for b.Loop() {
		db, _, _ := decided(b, messages)
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(messages*b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkManyAccounts is a message in each of 2,000 accounts at once: what its scan
// asks, what it decides and what came of it.
func BenchmarkManyAccounts(b *testing.B) {
	const accounts = 2000
	for b.Loop() {
		b.StopTimer()
		db, err := sqlite.Open(b.Context(), b.TempDir()+"/j.db")
		if err != nil {
			b.Fatal(err)
		}
		var owners []journal.Ownership
		for i := range accounts {
			own, _, err := db.Acquire(b.Context(), fmt.Sprint("account ", i), "x")
			if err != nil {
				b.Fatal(err)
			}
			owners = append(owners, own)
		}
		b.StartTimer()
		var wg sync.WaitGroup
		for _, own := range owners {
			wg.Go(func() {
				if err := oneMessage(b.Context(), db, own); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(accounts*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func oneMessage(ctx context.Context, db *sqlite.DB, own journal.Ownership) error {
	now := time.Now()
	e := decision(1, now)
	_, err1 := db.Entries(ctx, journal.Query{Account: own.Account, Mailbox: "INBOX", States: []journal.EntryState{journal.Held}, Since: now})
	_, err2 := db.Acted(ctx, own.Account, []journal.Fingerprint{e.Print})
	_, err3 := db.Entries(ctx, journal.Query{Account: own.Account, Since: now.Add(-time.Hour)})
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	err := db.Commit(ctx, own, journal.Batch{
		At: now, Entries: []journal.Entry{e},
		Known:   []journal.KnownBatch{{Mailbox: "INBOX", UIDValidity: 1, Messages: []journal.Known{{UID: 1, Print: e.Print}}}},
		Cursors: []journal.Cursor{{Mailbox: "INBOX", UIDValidity: 1, Floor: 1, Scanned: now, Version: 1}},
	})
	if err != nil {
		return err
	}
	return db.Commit(ctx, own, journal.Batch{At: now, Entries: []journal.Entry{moved(e)}})
}
