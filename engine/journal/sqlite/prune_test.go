package sqlite_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// TestPruning lets what is finished grow old and checks that it goes, a
// bounded number at a time, and that work does not.
func TestPruning(t *testing.T) {
	db := open(t, path(t))
	own, _, err := db.Acquire(t.Context(), "home", "x")
	if err != nil {
		t.Fatal(err)
	}
	old := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	commit := func(b journal.Batch) {
		t.Helper()
		if err := db.Commit(t.Context(), own, b); err != nil {
			t.Fatal(err)
		}
	}
	first := journal.Batch{At: old, Events: []journal.Event{{At: old, Kind: "baseline"}}}
	states := journal.States()
	for i := range 700 {
		at := old.Add(time.Duration(i) * time.Second)
		first.Entries = append(first.Entries, journal.Entry{Seq: int64(i + 1), State: states[i%len(states)], Updated: at})
	}
	for i, s := range []journal.DeliveryState{journal.Pending, journal.Delivered, journal.Dead} {
		first.Deliveries = append(first.Deliveries, journal.Delivery{ID: fmt.Sprint(i), State: s, Next: old, Updated: old})
	}
	for i := range 700 {
		first.References = append(first.References, journal.Reference{MessageID: fmt.Sprint(i), Mailbox: "INBOX", UIDValidity: 1, UID: 1})
	}
	first.Expect = []journal.Expected{{ID: "1.0", Mailbox: "A", Recorded: old}}
	commit(first)

	commit(journal.Batch{At: old.Add(sqlite.Retention - time.Hour)})
	wantEntries(t, db, 700)
	wantReferred(t, db, "0", "499", "500", "501", "699")
	later := old.Add(sqlite.Retention + time.Hour)
	recent := journal.Entry{Seq: 701, State: journal.Done, Updated: later}
	commit(journal.Batch{At: later, Entries: []journal.Entry{recent}, Events: []journal.Event{{At: later, Kind: "held"}},
		References: []journal.Reference{{MessageID: "0"}}})
	wantEntries(t, db, 201)
	wantReferred(t, db, "0", "501", "699")
	commit(journal.Batch{At: later})
	wantEntries(t, db, 192) // 64 open, 64 held, 63 undone, 1 recent
	wantReferred(t, db, "0")

	deliveries, err := db.Deliveries(t.Context(), journal.DeliveryQuery{})
	if err != nil || len(deliveries) != 1 || deliveries[0].State != journal.Pending {
		t.Errorf("deliveries: %+v, %v", deliveries, err)
	}
	events, err := db.Tail(t.Context(), "", 0, 10)
	if err != nil || len(events) != 1 || events[0].ID != 2 {
		t.Errorf("events: %+v, %v", events, err)
	}
	_, snap, err := db.Acquire(t.Context(), "home", "x")
	if err != nil || snap.NextSeq != 702 || len(snap.Expected) != 0 {
		t.Errorf("snapshot: next %d, expected %v, %v", snap.NextSeq, snap.Expected, err)
	}
}

// wantReferred checks which of a few messages are referred to.
func wantReferred(t *testing.T, j journal.Journal, want ...string) {
	t.Helper()
	got, err := j.Seen(t.Context(), "home", []string{"0", "499", "500", "501", "699"})
	if ids := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(ids, want) {
		t.Fatalf("referred to are %v, want %v (%v)", ids, want, err)
	}
}
