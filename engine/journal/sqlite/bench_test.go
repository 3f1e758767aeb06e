package sqlite_test

import (
	"fmt"
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
	move := actions.Action{Kind: actions.Move, Mailbox: "Lists/go"}
	return journal.Entry{
		Seq: seq, Mailbox: "INBOX", UIDValidity: 1, UID: imap.UID(seq), Trigger: "arrival", State: journal.Open,
		Print: journal.Fingerprint{MessageID: fmt.Sprintf("<%d.abcdef@lists.example.org>", seq*7919), Received: now, Size: 4000 + seq},
		From:  "Ann Example <ann@example.org>", Subject: "[go-nuts] A subject of the usual length", Decided: now, Updated: now,
		Plan: actions.Plan{Items: []actions.Item{{Action: move, Rule: "lists", Hash: "0123456789abcdef"}}},
		Steps: []journal.Step{{Action: move, Rule: "lists", Hash: "0123456789abcdef", Target: "Lists/go",
			TargetValidity: 7, TargetNext: 100, State: journal.Recorded}},
	}
}
