package sqlite

import (
	"strings"
	"testing"
	"time"

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
		got := planOf(t, db, sql, []any{"<a@x>", 1, 10, 10})
		if !strings.HasPrefix(got, "SEARCH k USING INDEX known_message (message_id=?)") || strings.Contains(got, "SCAN") || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("the plan is %q", got)
		}
	}
}

// TestHistoryReadsNoMoreThanItShows holds SQLite to the indexes behind the
// history: a file may hold a million entries.
func TestHistoryReadsNoMoreThanItShows(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir()+"/j.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mark := journal.Mark{Updated: time.Now(), Seq: 1}
	for _, tt := range []struct {
		name, want string
		q          journal.Query
	}{
		{"newest", "entry_updated (account=?)", journal.Query{Newest: true, Limit: 50}},
		{"next page", "entry_updated (account=? AND updated>?)", journal.Query{After: mark, Limit: 50}},
		{"since", "entry_updated (account=? AND updated>?)", journal.Query{Since: mark.Updated}},
		{"message", "entry_print (account=? AND message_id=?)", journal.Query{MessageID: "<a@x>"}},
		{"dry run", "entry_updated (account=?)", journal.Query{States: []journal.EntryState{journal.DryRun}, Newest: true, Limit: 50}},
		{"failed", "entry_state (account=? AND state=?)", journal.Query{States: []journal.EntryState{journal.Failed, journal.Unsure}, Newest: true, Limit: 50}},
		{"done", "entry_updated (account=?)", journal.Query{States: []journal.EntryState{journal.Done}, Newest: true, Limit: 50}},
		{"place", "entry_place (account=? AND mailbox=? AND uidvalidity=? AND uid>? AND uid<?)", journal.Query{Mailbox: "INBOX", UIDValidity: 1, FirstUID: 1, LastUID: 9}},
		{"entries", "sqlite_autoindex_entry_1 (account=? AND seq=?)", journal.Query{Seqs: []int64{1, 2}}},
	} {
		tt.q.Account, tt.q.ByTime = "home", true
		sql, args := entriesSQL(tt.q)
		if plan := planOf(t, db, sql, args); !strings.Contains(plan, tt.want) || strings.Contains(plan, "SCAN") {
			t.Errorf("%s: %s", tt.name, plan)
		}
	}
	held, args := entriesSQL(journal.Query{Account: "home", States: []journal.EntryState{journal.Held}, Limit: 1000})
	if plan := planOf(t, db, held, args); !strings.Contains(plan, "entry_state (account=? AND state=?)") {
		t.Errorf("held, in order: %s", plan)
	}
	sql, args := deliveriesSQL(journal.DeliveryQuery{Account: "home", Seqs: []int64{1, 2}})
	if plan := planOf(t, db, sql, args); !strings.Contains(plan, "delivery_seq (account=? AND seq=?)") {
		t.Errorf("deliveries: %s", plan)
	}
	for _, latest := range []bool{false, true} {
		fresh, args := deliveriesSQL(journal.DeliveryQuery{
			Account: "home", Endpoint: "ci", States: []journal.DeliveryState{journal.Pending}, Fresh: true, Latest: latest, Limit: 1,
		})
		if plan := planOf(t, db, fresh, args); !strings.Contains(plan, "delivery_next (account=? AND state=? AND endpoint=?)") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("fresh deliveries: %s", plan)
		}
	}
	since, args := deliveriesSQL(journal.DeliveryQuery{
		Account: "home", Endpoint: "reply", Sender: "a@x", NextFrom: mark.Updated, States: []journal.DeliveryState{journal.Delivered, journal.Pending},
	})
	if plan := planOf(t, db, since, args); !strings.Contains(plan, "delivery_next (account=? AND state=? AND endpoint=? AND next>?)") {
		t.Errorf("deliveries since: %s", plan)
	}
	sql, args = deliveriesSQL(journal.DeliveryQuery{Account: "home", IDPrefix: "msg_a0"})
	if plan := planOf(t, db, sql, args); !strings.Contains(plan, "(account=? AND id>? AND id<?)") {
		t.Errorf("the begin of an ID: %s", plan)
	}
	due, args := deliveriesSQL(journal.DeliveryQuery{
		Account: "home", Endpoint: "ci", States: []journal.DeliveryState{journal.Pending}, First: true, Limit: 200,
	})
	plan := planOf(t, db, due, args)
	if !strings.Contains(plan, "delivery_next (account=? AND state=? AND endpoint=?)") || !strings.Contains(plan, "delivery_about (account=? AND endpoint=? AND about=?") ||
		strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("due deliveries: %s", plan)
	}
}

// TestStatesAreFoundByTheirIndex: an index of some states only is of use to no question
// that does not say so itself.
func TestStatesAreFoundByTheirIndex(t *testing.T) {
	db := open(t)
	plans := map[string]string{"open": planOf(t, db, openSQL(), []any{1})}
	for _, state := range journal.States() {
		for name, q := range map[string]journal.Query{
			"all":     {},
			"newest":  {Newest: true, Limit: 100},
			"of rule": {Rule: "a", Trigger: journal.TriggerSnooze},
		} {
			q.Account, q.States = "home", []journal.EntryState{state, journal.Unsure}
			if areFew(q.States) {
				sql, args := entriesSQL(q)
				plans[name+", "+string(state)] = planOf(t, db, sql, args)
			}
		}
	}
	sql, args := entriesSQL(journal.Query{Account: "home", Mailbox: "INBOX", States: []journal.EntryState{journal.Open, journal.Held, journal.Failed, journal.Unsure}})
	plans["of a mailbox"] = planOf(t, db, sql, args)
	for name, plan := range plans {
		if !strings.HasPrefix(plan, "SEARCH entry USING INDEX entry_state (account=? AND state=?)") {
			t.Errorf("%s: %s", name, plan)
		}
	}
}

// TestSummaryReadsNoEntry: a row takes many times the room of what indexes have of it.
func TestSummaryReadsNoEntry(t *testing.T) {
	db := open(t)
	for sql, want := range map[string]string{
		othersSQL: "SEARCH entry USING COVERING INDEX entry_state (account=?)",
		allSQL:    "SEARCH entry USING COVERING INDEX entry_updated (account=?)",
	} {
		if plan := planOf(t, db, sql, []any{1}); plan != want {
			t.Errorf("%s: %s", sql, plan)
		}
	}
}

func planOf(t *testing.T, db *DB, sql string, args []any) string {
	t.Helper()
	var plan []string
	if err := db.once(func(c *columns) error {
		c.next = 3
		plan = append(plan, c.text())
		return nil
	}, "EXPLAIN QUERY PLAN "+sql, args...); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "; ")
}

// TestActsAreFoundByAnIndex does the same for the entries.
func TestActsAreFoundByAnIndex(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir()+"/j.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for sql, index := range map[string]string{actedByItems(): "entry_print", actedByEmailID(): "entry_email"} {
		if got := planOf(t, db, sql, nil); !strings.HasPrefix(got, "SEARCH entry USING INDEX "+index) {
			t.Errorf("the plan of %s is %q", index, got)
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
