package sqlite

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
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

// A raw message is in the file as long as its call is owed or may be replayed, and
// not an octet of it afterwards.
func TestRawLeavesTheFile(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	path := t.TempDir() + "/j.db"
	call := func(id string, state journal.DeliveryState) journal.Delivery {
		return journal.Delivery{ID: id, Account: "home", State: state, Created: began, Next: began, Updated: began, Payload: []byte("{}")}
	}
	texts := map[string]string{"small": "octets-of-small", "large": strings.Repeat("octets-of-large ", 50_000)}
	commit := func(batch journal.Batch) {
		db, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		own, _, err := db.Acquire(t.Context(), "home", "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Commit(t.Context(), own, batch); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(word string) bool {
		found := false
		for _, file := range []string{path, path + "-wal"} {
			content, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			found = found || bytes.Contains(content, []byte(word))
		}
		return found
	}
	recorded := journal.Batch{At: began}
	for id, text := range texts {
		recorded.Deliveries = append(recorded.Deliveries, call(id, journal.Pending))
		recorded.Raws = append(recorded.Raws, journal.Raw{ID: id, Data: []byte(text)})
	}
	for name, end := range map[string]journal.Batch{
		"delivered": {At: began, Deliveries: []journal.Delivery{call("small", journal.Delivered), call("large", journal.Delivered)}},
		"pruned":    {At: began.Add(Retention + time.Hour)},
	} {
		commit(recorded)
		if !holds("octets-of-small") || !holds("octets-of-large") {
			t.Errorf("%s: it was not there before", name)
		}
		if name == "pruned" {
			commit(journal.Batch{At: began, Deliveries: []journal.Delivery{call("small", journal.Dead), call("large", journal.Dead)}})
			if !holds("octets-of-small") || !holds("octets-of-large") {
				t.Error("what was given up cannot be replayed")
			}
		}
		commit(end)
		if holds("octets-of-small") || holds("octets-of-large") {
			t.Errorf("%s: octets are left", name)
		}
	}
}
