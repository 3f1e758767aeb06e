package sqlite

import (
	"testing"
	"time"

	"imapilot/engine/journal"
)

// A call that waits for an entry is kept as long as the entry, and goes with it.
func TestPruneOfACallThatWaits(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir()+"/j.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	own, _, err := db.Acquire(t.Context(), "home", "test")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	batch := journal.Batch{At: began}
	for i, s := range []journal.EntryState{journal.Failed, journal.Open} {
		batch.Entries = append(batch.Entries, journal.Entry{Seq: int64(i + 1), Mailbox: "INBOX", State: s, Decided: began})
		batch.Deliveries = append(batch.Deliveries, journal.Delivery{
			ID: string(s), Account: "home", Endpoint: "ci", Seq: int64(i + 1), State: journal.Waiting, Created: began, Next: began, Payload: []byte("{}"),
		})
	}
	if err := db.Commit(t.Context(), own, batch); err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(t.Context(), own, journal.Batch{At: began.Add(Retention + time.Hour)}); err != nil {
		t.Fatal(err)
	}
	left, err := db.Deliveries(t.Context(), journal.DeliveryQuery{Account: "home"})
	if err != nil || len(left) != 1 || left[0].ID != string(journal.Open) {
		t.Errorf("%+v, %v", left, err)
	}
}
