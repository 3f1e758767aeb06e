package sqlite

import (
	"strings"
	"testing"

	"imapilot/engine/journal"
)

// TestSightingsStartFromTheMessageID holds SQLite to the index: without it
// each look for a Message-ID would read every fingerprint of the file.
func TestSightingsStartFromTheMessageID(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir()+"/j.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, sql := range []string{sightingsOldest(), sightingsNewest()} {
		var plan []string
		err := db.once(func(c *columns) error {
			c.next = 3
			plan = append(plan, c.text())
			return nil
		}, "EXPLAIN QUERY PLAN "+sql, "<a@x>", 1, 10, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(plan, "; ")
		if !strings.HasPrefix(got, "SEARCH k USING INDEX known_message (message_id=?)") || strings.Contains(got, "SCAN") || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("the plan is %q", got)
		}
	}
}

// TestReferencesBeyondTheWindowLeaveTheDisk: that they do not count any more is
// for the suite, that they take no room is not.
func TestReferencesBeyondTheWindowLeaveTheDisk(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir()+"/j.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	own, _, err := db.Acquire(t.Context(), "home", "x")
	if err != nil {
		t.Fatal(err)
	}
	const newest = journal.ReferenceWindow + referenceSlack
	if err := db.do("INSERT INTO reference VALUES (1, '<old>', 1, 'INBOX', 1, 1, 1000000000000000000)"); err != nil {
		t.Fatal(err)
	}
	if err := db.exec("INSERT INTO reference VALUES (1, '<new>', ?, 'INBOX', 1, 2, ?)", newest, int64(1e18)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{2, 3} { // nothing to do, then two come and the oldest goes
		b := journal.Batch{}
		if i == 1 {
			b.References = []journal.Reference{{MessageID: "<a@x>"}, {MessageID: "<b@x>"}}
		}
		if err := db.Commit(t.Context(), own, b); err != nil {
			t.Fatal(err)
		}
		if n, err := db.number("SELECT count(*) FROM reference"); n != want || err != nil {
			t.Errorf("%d rows after commit %d, want %d (%v)", n, i, want, err)
		}
	}
}
