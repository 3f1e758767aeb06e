package sqlite

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"imapilot/engine/journal"
)

// TestUpgradeFindsEveryState upgrades a file of version 8 that has 30 entries in each
// state.
func TestUpgradeFindsEveryState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	writeVersion8(t, path, 30)
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := map[journal.EntryState]int{}
	for _, state := range journal.States() {
		want[state] = 30
		found, err := db.Entries(t.Context(), journal.Query{Account: "home", States: []journal.EntryState{state}})
		if err != nil || len(found) != 30 || slices.ContainsFunc(found, func(e journal.Entry) bool { return e.State != state }) {
			t.Errorf("%s: %d, %v", state, len(found), err)
		}
	}
	sums, err := db.Summary(t.Context())
	if err != nil || !maps.Equal(sums[0].Entries, want) {
		t.Errorf("%v, %v", sums, err)
	}
	if _, snap, err := db.Acquire(t.Context(), "home", "x"); err != nil || len(snap.Open) != 30 {
		t.Errorf("%d open, %v", len(snap.Open), err)
	}
	if got, err := db.text("PRAGMA integrity_check"); err != nil || got != "ok" {
		t.Errorf("%s, %v", got, err)
	}
}

func writeVersion8(t *testing.T, path string, entries int) {
	t.Helper()
	d := &DB{path: path}
	if err := d.connect("", sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	script := slices.Clone(migrations()[:8])
	script = append(script, "PRAGMA user_version = 8", "INSERT INTO account VALUES (1, 'home', 1, 'x', 0, 0, 1, 1000, 1)")
	for _, sql := range script {
		if err := d.do(sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.exec("PRAGMA application_id = 1229803596"); err != nil {
		t.Fatal(err)
	}
	seq := 0
	for range entries {
		for _, state := range journal.States() {
			seq++
			err := d.exec(`INSERT INTO entry (account, seq, mailbox, uidvalidity, uid, message_id, received, size, state, acted, rules, decided, updated, body)
				VALUES (1, ?1, 'INBOX', 1, ?1, '', 0, 0, ?2, 0, '[]', 0, 0, '{}')`, seq, string(state))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
