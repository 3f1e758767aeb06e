package sqlite

import (
	"strings"
	"testing"
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
