package sqlite

import (
	"testing"
	"time"

	"imapilot/engine/journal"
)

// TestAttemptsGoWithTheirDelivery lets a call grow old: nothing of it is left.
func TestAttemptsGoWithTheirDelivery(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir()+"/j.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	own, _, err := db.Acquire(t.Context(), "home", "x")
	if err != nil {
		t.Fatal(err)
	}
	old := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, want := range []int64{1, 0} {
		at := old.Add(time.Duration(i) * (Retention + time.Hour))
		b := journal.Batch{At: at}
		if i == 0 {
			b.Deliveries = []journal.Delivery{{ID: "d", State: journal.Delivered, Next: old, Updated: old}}
			b.Attempts = []journal.Attempt{{ID: "d", N: 1, At: old}}
		}
		if err := db.Commit(t.Context(), own, b); err != nil {
			t.Fatal(err)
		}
		if got, err := db.number("SELECT count(*) FROM attempt"); err != nil || got != want {
			t.Errorf("at %v: %d attempts, want %d, %v", at, got, want, err)
		}
	}
}
