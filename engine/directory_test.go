package engine

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"imapilot/engine/imapsession"
)

// An account watches so many mailboxes and no more, the first ones of its list.
func TestWatchedHasALimit(t *testing.T) {
	var entries []imapsession.MailboxInfo
	for i := range maxWatched + 1 {
		entries = append(entries, imapsession.MailboxInfo{Name: fmt.Sprintf("%06d", i)})
	}
	c := &connection{account: &account{log: slog.New(slog.DiscardHandler)}, dir: newDirectory('/', "", entries)}
	for _, n := range []int{maxWatched, maxWatched + 1} {
		all := c.dir.watched([]string{"*"}, nil)[:n]
		c.watched = slices.Clone(all)
		c.limitWatched()
		if !slices.Equal(c.watched, all[:maxWatched]) {
			t.Errorf("of %d mailboxes %d are watched", n, len(c.watched))
		}
	}
}

// The role of each of very many mailboxes is found at once, in a listing of
// names that are long and alike.
func TestRolesOfVeryManyMailboxes(t *testing.T) {
	entries := []imapsession.MailboxInfo{{Name: "Junk"}, {Name: "Bin", Role: "trash"}, {Name: "Trash"}}
	for i := range 50_000 {
		entries = append(entries, imapsession.MailboxInfo{Name: fmt.Sprintf("%0900d", i)})
	}
	d := newDirectory('/', "", entries)
	began := time.Now()
	for _, e := range entries {
		want := map[string]string{"Junk": "junk", "Bin": "trash"}[e.Name]
		if got := d.role(e.Name); got != want || !d.exists(e.Name) || d.holdsNone(e.Name) {
			t.Fatalf("the role of %.20s is %q, want %q", e.Name, got, want)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A server may list a mailbox twice, and say more of it the second time.
func TestAMailboxListedTwice(t *testing.T) {
	d := newDirectory('/', "", []imapsession.MailboxInfo{{Name: "a", NonExistent: true, NoSelect: true}, {Name: "a", Role: "sent"}})
	if !d.exists("a") || !d.holdsNone("a") || d.role("a") != "sent" {
		t.Errorf("%v %v %q", d.exists("a"), d.holdsNone("a"), d.role("a"))
	}
	d.remove("a")
	d.add("inbox")
	if d.exists("a") || !d.exists("INBOX") {
		t.Error("remove and add")
	}
}
