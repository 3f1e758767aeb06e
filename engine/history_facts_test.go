package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// TestHistoryKeepsTheOrderOfTwins: identical deliveries keep their own places
// over a renumbering, and so does one whose date the server rewrote.
func TestHistoryKeepsTheOrderOfTwins(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "b", noon)
	d.take("Junk")
	d.deliver("Lists", "b", noon.Add(time.Hour), "X: redelivery")
	d.want("redelivery", d.take("Lists"), 1, duplicate())
	d.srv.Delete(d, "Junk")
	d.srv.Create(d, "Junk")
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "b", noon.Add(time.Minute))
	d.take("Junk")
	got := d.again("Junk", 1, 2, 3)
	d.want("the first", got, 1, facts.History{})
	d.want("the second", got, 2, duplicate())
	d.want("with another date than before", got, 3, facts.History{})
}

// TestHistoryOfDrafts: each save of a draft is a message with the same
// Message-ID, and none of them was delivered.
func TestHistoryOfDrafts(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.c.dir = newDirectory('/', "", []imapsession.MailboxInfo{{Name: "Junk", Role: "drafts"}})
	d.deliver("Junk", "a", noon)
	d.take("Junk")
	d.deliver("Junk", "a", noon.Add(time.Minute), "X: more")
	d.want("the next save", d.take("Junk"), 2, facts.History{})
	d.deliver("Lists", "a", noon.Add(time.Hour), "X: sent, and back by the list")
	d.want("what came of it", d.take("Lists"), 1, facts.History{})
	d.srv.Move(d, "Lists", "INBOX")
	d.want("moved", d.take("INBOX"), 1, moved("Lists"))
	d.deliver("Junk", "a", noon.Add(2*time.Hour), "X: and once more, longer")
	d.want("saved after it came", d.take("Junk"), 3, facts.History{})
}

func TestHistoryMovedOutOfSent(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.c.dir = newDirectory('/', "", []imapsession.MailboxInfo{{Name: "Lists", Role: "sent"}})
	d.deliver("Lists", "a", noon)
	d.take("Lists")
	d.srv.Move(d, "Lists", "INBOX")
	d.want("moved", d.take("INBOX"), 1, moved("Lists"))
}

// TestHistoryMovedByAServerThatRewrites: a move changes the size or the date
// there, so that what left its place may be this very message.
func TestHistoryMovedByAServerThatRewrites(t *testing.T) {
	for what, again := range map[string]func(d *desk) imap.UID{
		"size": func(d *desk) imap.UID { return d.deliver("Lists", "a", noon, "X-Moved: 1") },
		"date": func(d *desk) imap.UID { return d.deliver("Lists", "a", noon.Add(time.Hour)) },
	} {
		d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
		d.deliver("INBOX", "a", noon)
		d.take("INBOX")
		uid := again(d)
		d.want(what+": beside the other", d.take("Lists"), uid, duplicate())
		d.srv.Empty(d, "INBOX")
		d.want(what+": the other left", d.again("Lists", uid), uid, facts.History{})
	}
}

// TestHistoryOfCopiesThatAServerRewrote: what a rule copied is no delivery, also
// where the copy has another date.
func TestHistoryOfCopiesThatAServerRewrote(t *testing.T) {
	for what, target := range map[string]imap.UID{"with COPYUID": 1, "without": 0} {
		d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
		first := d.deliver("INBOX", "a", noon)
		d.take("INBOX")
		d.acts(first, journal.Step{Action: &actions.Action{Kind: actions.Copy, Mailbox: "Lists"}, Target: "Lists",
			TargetValidity: d.srv.UIDValidity(d, "Lists"), TargetUID: target})
		d.deliver("Lists", "a", noon.Add(time.Hour)) // the copy
		d.take("Lists")
		d.srv.Empty(d, "INBOX")
		d.deliver("Junk", "a", noon)
		d.want(what, d.take("Junk"), 1, moved("INBOX"))
	}
}

// TestHistoryOfACopyWhoseOriginalIsForgotten: it is found by the print of the
// message that is decided.
func TestHistoryOfACopyWhoseOriginalIsForgotten(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	first := d.deliver("INBOX", "a", noon)
	d.take("INBOX")
	d.acts(first, journal.Step{Action: &actions.Action{Kind: actions.Copy, Mailbox: "Lists"}, Target: "Lists",
		TargetValidity: d.srv.UIDValidity(d, "Lists"), TargetUID: 1})
	d.deliver("Lists", "a", noon.Add(time.Hour)) // the copy
	d.take("Lists")
	d.c.cursors.set("INBOX", journal.Cursor{})
	d.deliver("Junk", "a", noon)
	d.want("the original, in another place", d.take("Junk"), 1, facts.History{})
}

// TestHistoryDoesNotLookInVain: where the answer would change nothing, a mailbox
// that cannot be opened holds nothing up.
func TestHistoryDoesNotLookInVain(t *testing.T) {
	now := ""
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("Lists", &now))
	d.c.dir = newDirectory('/', "", []imapsession.MailboxInfo{{Name: "Lists", Role: "sent"}})
	d.deliver("Lists", "a", noon)
	d.take("Lists")
	d.deliver("INBOX", "a", noon.Add(time.Hour))
	cursor, all := d.fetch("INBOX")
	now = "NO [INUSE] locked"
	d.want("sent with another date", d.told(cursor, all), 1, facts.History{})
	now = ""
	d.c.dir.entries[0].Role = ""
	d.deliver("INBOX", "a", noon)
	_, all = d.fetch("INBOX", 2)
	all[0].again = true // and the journal does not remember it
	now = "NO [INUSE] locked"
	d.want("its place is forgotten", d.told(cursor, all), 2, facts.History{})
}

// TestHistoryOutlivesOurMoves: the second of two identical deliveries stays the
// duplicate when a rule has moved the first meanwhile, and it is decided again.
func TestHistoryOutlivesOurMoves(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	d.deliver("INBOX", "a", noon)
	decided := time.Now()
	d.want("the second", d.take("INBOX"), 2, duplicate())
	d.deliver("Old", "a", noon)
	d.acts(1, journal.Step{Action: &actions.Action{Kind: actions.Move, Mailbox: "Old"}, Target: "Old", At: decided.Add(time.Second),
		TargetValidity: d.srv.UIDValidity(d, "Old"), TargetUID: 1})
	for at, want := range map[time.Time]facts.History{decided: duplicate(), decided.Add(time.Minute): {}} {
		cursor, all := d.fetch("INBOX", 2)
		all[0].again, all[0].at = true, at
		d.want(fmt.Sprintf("decided first %s before the move", decided.Add(time.Second).Sub(at)), d.told(cursor, all), 2, want)
	}
}

// TestHistoryWaitsForItsOwnMailbox: that the mailbox whose messages are decided
// cannot be looked at is no reason to decide them without.
func TestHistoryWaitsForItsOwnMailbox(t *testing.T) {
	now := ""
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("INBOX", &now))
	d.deliver("INBOX", "a", noon)
	d.take("INBOX")
	d.deliver("INBOX", "a", noon)
	cursor, all := d.fetch("INBOX")
	now = "NO [UNAVAILABLE] later"
	for range 2 * maxTries {
		if err := d.c.histories(t.Context(), cursor, all); !mailboxOnly(err) {
			t.Fatalf("got %v", err)
		}
	}
}

// TestCameBackForgivesNoMailboxThatWasNotLookedAt: a mailbox that is gone took the
// copy with it, and says nothing of whether it could be opened.
func TestCameBackForgivesNoMailboxThatWasNotLookedAt(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.c.blind = map[string]int{"Old": 3}
	e := act(actions.Move, "INBOX/1", "Old/0")
	if back, err := d.c.cameFrom(t.Context(), &candidate{}, e); back != departed || err != nil || d.c.blind["Old"] != 3 {
		t.Errorf("%v %v, %d failed looks", back, err, d.c.blind["Old"])
	}
	d.deliver("Old", "a", noon)
	e = act(actions.Move, "INBOX/1", "Old/1")
	if err := d.c.use(t.Context(), "Old"); err != nil {
		t.Fatal(err)
	}
	known, err := d.c.prints(t.Context(), []imap.UID{1})
	if err != nil || len(known) != 1 {
		t.Fatal(known, err)
	}
	e.Print = known[0].Print
	e.Steps[1].TargetValidity = d.srv.UIDValidity(d, "Old")
	if back, err := d.c.cameFrom(t.Context(), &candidate{}, e); back != present || err != nil || d.c.blind["Old"] != 0 {
		t.Errorf("%v %v, %d failed looks", back, err, d.c.blind["Old"])
	}
}

// TestCameBackWaitsForAllItsPlaces: one mailbox that was given up does not make
// a message go on that waits for another.
func TestCameBackWaitsForAllItsPlaces(t *testing.T) {
	now := "NO [SERVERBUG] oops"
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("Old", &now))
	e := act(actions.Move, "INBOX/1", "Old/1")
	m := &candidate{}
	for i := range maxTries {
		if back, err := d.c.cameFrom(t.Context(), m, e); back != waiting || err != nil || !m.absent {
			t.Errorf("look %d: %v %v, waits: %v", i+1, back, err, m.absent)
		}
	}
	for _, absent := range []bool{false, true} {
		m = &candidate{absent: absent}
		if back, err := d.c.cameFrom(t.Context(), m, e); back != departed || err != nil || m.absent != absent {
			t.Errorf("given up: %v %v, waits: %v, want %v", back, err, m.absent, absent)
		}
	}
}
