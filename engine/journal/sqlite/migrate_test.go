package sqlite_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/ncruces/go-sqlite3"

	"imapilot/engine/journal"
)

// TestVersion1 opens a file of the first version, as people have them.
func TestVersion1(t *testing.T) {
	sql, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := path(t)
	script(t, path, string(sql))
	db := open(t, path)
	own, snap, err := db.Acquire(t.Context(), "home", "new")
	if err != nil {
		t.Fatal(err)
	}
	y2k := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	want := journal.Cursor{Mailbox: "INBOX", UIDValidity: 17, Floor: 100, HighestModSeq: 9, Scanned: y2k, Version: 3,
		Handled: imap.UIDSetNum(102, 103, 104, 200)}
	if own.Epoch != 6 || snap.Fresh || snap.NextSeq != 8 || !snap.Listed.Equal(y2k) || !reflect.DeepEqual(snap.Cursors, []journal.Cursor{want}) {
		t.Errorf("%+v", snap)
	}
	if len(snap.Open) != 1 || snap.Open[0].Plan.String() != "trash" || len(snap.Expected) != 1 || len(snap.Pauses) != 1 {
		t.Errorf("%+v", snap)
	}
	due, err := db.Deliveries(t.Context(), journal.DeliveryQuery{Due: y2k})
	if err != nil || len(due) != 1 || string(due[0].Payload) != "{}" {
		t.Errorf("%+v, %v", due, err)
	}
}

// TestUpgradedSchemaIsTheNewOne compares a file that was upgraded from the
// first version with one that was made now.
func TestUpgradedSchemaIsTheNewOne(t *testing.T) {
	sql, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	old, fresh := path(t), path(t)
	script(t, old, string(sql))
	open(t, old).Close()
	open(t, fresh).Close()
	if got, want := schemaOf(t, old), schemaOf(t, fresh); got != want {
		t.Errorf("upgraded:\n%s\nfresh:\n%s", got, want)
	}
}

func schemaOf(t *testing.T, path string) string {
	t.Helper()
	conn, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stmt, _, err := conn.Prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	var out []string
	for stmt.Step() {
		out = append(out, stmt.ColumnText(0))
	}
	if err := stmt.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d objects", len(out))
	}
	return strings.Join(out, "\n")
}
