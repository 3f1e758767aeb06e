package sqlite_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/ncruces/go-sqlite3"

	"imapilot/engine/journal"
)

var update = flag.Bool("update", false, "make the schema of new files anew")

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
	if found, err := db.Entries(t.Context(), journal.Query{Account: "home"}); err != nil || len(found) != 1 || found[0].Trigger != journal.TriggerArrival {
		t.Errorf("%+v, %v", found, err)
	}
	due, err := db.Deliveries(t.Context(), journal.DeliveryQuery{Due: y2k})
	if err != nil || len(due) != 1 || string(due[0].Payload) != "{}" || due[0].URL != nil || due[0].RawSize != 0 || due[0].RawKept {
		t.Errorf("%+v, %v", due, err)
	}
	const id = "<1@example.org>"
	if err := db.Commit(t.Context(), own, journal.Batch{
		Known:      []journal.KnownBatch{{Mailbox: "New", UIDValidity: 1, Messages: []journal.Known{{UID: 1, Print: journal.Fingerprint{MessageID: id}}}}},
		References: []journal.Reference{{MessageID: id, Mailbox: "New", UIDValidity: 1, UID: 1}},
	}); err != nil {
		t.Fatal(err)
	}
	want2 := journal.Trace{Referred: true, Sightings: []journal.Sighting{
		{Mailbox: "INBOX", UIDValidity: 17, UID: 102, Order: 1, Print: journal.Fingerprint{MessageID: id, Received: y2k, Size: 1001}},
		{Mailbox: "New", UIDValidity: 1, UID: 1, Order: 2, Print: journal.Fingerprint{MessageID: id, Received: time.Time{}}},
	}}
	if got, err := db.Seen(t.Context(), "home", []string{id}); err != nil || !reflect.DeepEqual(got[id], want2) {
		t.Errorf("got %+v, %v", got[id], err)
	}
}

// TestUpgradeOrdersWhatWasHandled: what was handled before there was an order
// gets one that keeps that of each mailbox, in each account for itself, and by
// arrival over mailboxes; all that follows is later.
func TestUpgradeOrdersWhatWasHandled(t *testing.T) {
	sql, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := path(t)
	script(t, path, string(sql))
	script(t, path, `
		INSERT INTO account VALUES (2, 'work', 1, 'old:1', 0, 0, 1, 1);
		INSERT INTO mailbox VALUES (2, 1, 'Archive', 1, 17, 100, '', 0, 0, 1), (3, 2, 'INBOX', 1, 1, 1, '', 0, 0, 1);
		INSERT INTO known VALUES (2, 1, 17, 7, '<1@example.org>', 946684900000000, 1), (2, 2, 17, 8, '<1@example.org>', 946684700000000, 1),
			(3, 1, 1, 1, '<1@example.org>', 946684600000000, 1);`)
	db := open(t, path)
	for account, want := range map[string]string{"home": "INBOX/102=1 Archive/7=2 Archive/8=3", "work": "INBOX/1=1"} {
		got, err := db.Seen(t.Context(), account, []string{"<1@example.org>"})
		var places []string
		for _, s := range got["<1@example.org>"].Sightings {
			places = append(places, fmt.Sprintf("%s/%d=%d", s.Mailbox, s.UID, s.Order))
		}
		if strings.Join(places, " ") != want || err != nil {
			t.Errorf("%s: %v, %v", account, places, err)
		}
	}
}

// TestNewSchemaIsUpToDate compares what a new file gets with what the migrations make.
func TestNewSchemaIsUpToDate(t *testing.T) {
	const header = "-- What all migrations make of an empty file, in their order. It is made from them: go test -run NewSchema -update\n\n"
	made := path(t)
	for version := 1; ; version++ {
		sql, err := os.ReadFile(fmt.Sprintf("schema/%d.sql", version))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		script(t, made, string(sql))
	}
	want := header + strings.Join(schemaOf(t, made, "rowid"), ";\n\n") + ";\n"
	if *update {
		if err := os.WriteFile("schema/new.sql", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile("schema/new.sql"); err != nil || string(file) != want {
		t.Errorf("schema/new.sql is not what the migrations make (run with -update): %v", err)
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
	if got, want := schemaOf(t, old, "name"), schemaOf(t, fresh, "name"); !slices.Equal(got, want) {
		t.Errorf("upgraded:\n%s\nfresh:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// schemaOf are the statements that made what is in a file, in some order.
func schemaOf(t *testing.T, path, order string) []string {
	t.Helper()
	conn, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stmt, _, err := conn.Prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY " + order)
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
	return out
}
