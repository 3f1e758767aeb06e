package journaltest

import (
	"fmt"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

func (s *store) seen(account string, ids ...string) map[string]journal.Trace {
	s.Helper()
	out, err := s.journal.Seen(s.Context(), account, ids)
	s.check(err)
	return out
}

// places are the sightings of one Message-ID as "mailbox/uid", in their order.
func (s *store) places(account, id string) []string {
	s.Helper()
	var out []string
	last := int64(-1 << 62)
	for _, p := range s.seen(account, id)[id].Sightings {
		if p.Order <= last {
			s.Fatalf("order %d comes after %d", p.Order, last)
		}
		last = p.Order
		out = append(out, fmt.Sprintf("%s/%d", p.Mailbox, p.UID))
	}
	return out
}

func handled(mailbox string, validity uint32, messages ...journal.Known) journal.Batch {
	return journal.Batch{Known: []journal.KnownBatch{{Mailbox: mailbox, UIDValidity: validity, Messages: messages}}}
}

func testSeen(s *store) {
	own, work := s.own("home"), s.own("work")
	again := print(1) // the same Message-ID, another delivery
	again.Size, again.Received = 7, day(3)
	s.commit(own, handled("Lists", 17, journal.Known{UID: 9, Print: print(1)}))
	s.commit(own, handled("INBOX", 18, journal.Known{UID: 4, Print: again}, journal.Known{UID: 3, Print: print(2)}))
	s.commit(work, handled("INBOX", 1, journal.Known{UID: 1, Print: print(1)}))
	s.reopen()
	got := s.seen("home", print(1).MessageID, print(2).MessageID, print(3).MessageID, "", print(1).MessageID)
	s.equal("how many", len(got), 2)
	trace := got[print(1).MessageID]
	for i := range trace.Sightings {
		trace.Sightings[i].Order = 0
	}
	s.equal("places", trace, journal.Trace{Sightings: []journal.Sighting{
		{Mailbox: "Lists", UIDValidity: 17, UID: 9, Print: print(1)},
		{Mailbox: "INBOX", UIDValidity: 18, UID: 4, Print: again},
	}})
	s.equal("other account", s.places("work", print(1).MessageID), []string{"INBOX/1"})
	s.equal("no account", len(s.seen("nobody", print(1).MessageID)), 0)
	s.equal("nothing", len(s.seen("home")), 0)
}

// testSeenOrder: the order is that of handling, over all mailboxes and over
// restarts, and what is written again was not handled again.
func testSeenOrder(s *store) {
	own := s.own("home")
	one := func(uid imap.UID) journal.Known { return journal.Known{UID: uid, Print: print(1)} }
	s.commit(own, handled("INBOX", 17, one(5)))
	s.commit(own, handled("Archive", 17, one(9), one(2)))
	s.reopen()
	own = s.own("home")
	two := handled("Lists", 17, one(1))
	two.Known = append(two.Known, handled("INBOX", 17, one(6), one(5)).Known...)
	s.commit(own, two)
	s.equal("places", s.places("home", print(1).MessageID),
		[]string{"INBOX/5", "Archive/9", "Archive/2", "Lists/1", "INBOX/6"})
	// The server gave it another Message-ID: it is known by that one only.
	s.commit(own, handled("INBOX", 17, journal.Known{UID: 5, Print: print(2)}))
	s.equal("rewritten", s.places("home", print(2).MessageID), []string{"INBOX/5"})
	s.commit(own, journal.Batch{Forget: []string{"Archive"}})
	s.equal("forgotten", s.places("home", print(1).MessageID), []string{"Lists/1", "INBOX/6"})
}

// testSeenRenumbered: a mailbox is renumbered, and what was handled in it first
// stays ahead of what was handled elsewhere since.
func testSeenRenumbered(s *store) {
	own := s.own("home")
	one := journal.Known{UID: 5, Print: print(1)}
	s.commit(own, handled("INBOX", 17, one))
	s.commit(own, handled("Lists", 17, one))
	before, err := s.journal.Known(s.Context(), "home", "INBOX", 17)
	s.check(err)
	s.equal("how many", len(before), 1)
	before[0].UID = 3
	s.commit(own, handled("INBOX", 18, before[0], journal.Known{UID: 4, Print: print(1)}))
	s.reopen()
	var got []string
	for _, p := range s.seen("home", print(1).MessageID)[print(1).MessageID].Sightings {
		got = append(got, fmt.Sprintf("%s %d/%d", p.Mailbox, p.UIDValidity, p.UID))
	}
	s.equal("places", got, []string{"INBOX 17/5", "INBOX 18/3", "Lists 17/5", "INBOX 18/4"})
	// One that the counter has not reached yet: what comes next is later still.
	own = s.own("home")
	s.commit(own, handled("Old", 1, journal.Known{UID: 1, Print: print(2), Order: 1000}, journal.Known{UID: 2, Print: print(2)}))
	s.commit(own, handled("New", 1, journal.Known{UID: 3, Print: print(2)}))
	s.equal("later ones", s.places("home", print(2).MessageID), []string{"Old/1", "Old/2", "New/3"})
}

// testSeenShared: sightings of one order at the seam of both ends.
func testSeenShared(s *store) {
	own := s.own("home")
	for n := range journal.TraceEnds + 2 {
		s.commit(own, handled(fmt.Sprint("box", n), 1, journal.Known{UID: 1, Print: print(1), Order: 3}))
	}
	got := s.seen("home", print(1).MessageID)[print(1).MessageID].Sightings
	s.equal("how many", len(got), journal.TraceEnds+2)
	for i, p := range got {
		s.equal("mailbox", p.Mailbox, fmt.Sprint("box", i))
	}
}

// testSeenEnds: thousands of messages with one Message-ID, of which both ends
// count.
func testSeenEnds(s *store) {
	own := s.own("home")
	for n := range 2*journal.TraceEnds + 1 {
		want := min(n, 2*journal.TraceEnds)
		got := s.places("home", print(1).MessageID)
		s.equal("how many", len(got), want)
		if n > 0 && (got[0] != "INBOX/1" || got[want-1] != fmt.Sprintf("INBOX/%d", n)) {
			s.Fatalf("of %d: %v", n, got)
		}
		s.commit(own, handled("INBOX", 17, journal.Known{UID: imap.UID(n + 1), Print: print(1)}))
	}
	got := s.places("home", print(1).MessageID)
	s.equal("the middle is left out", got[journal.TraceEnds-1:journal.TraceEnds+1], []string{"INBOX/8", "INBOX/10"})
}

// testSeenWindow: what the window of a mailbox left behind was not seen.
func testSeenWindow(s *store) {
	own := s.own("home")
	s.commit(own, handled("INBOX", 17, journal.Known{UID: 1, Print: print(1)}))
	for first := 2; first <= journal.Window; first += 1111 {
		var all []journal.Known
		for uid := first; uid < first+1111; uid++ {
			all = append(all, journal.Known{UID: imap.UID(uid), Print: print(uid)})
		}
		s.equal("still in the window", s.places("home", print(1).MessageID), []string{"INBOX/1"})
		s.commit(own, handled("INBOX", 17, all...))
	}
	s.equal("in the window", s.places("home", print(1).MessageID), []string{"INBOX/1"})
	s.commit(own, handled("INBOX", 17, journal.Known{UID: 20_000, Print: print(20_000)}))
	s.equal("beyond it", s.places("home", print(1).MessageID), []string(nil))
}

func testReferences(s *store) {
	own, work := s.own("home"), s.own("work")
	refer := func(own journal.Ownership, uid imap.UID, ids ...string) {
		var b journal.Batch
		for _, id := range ids {
			b.References = append(b.References, journal.Reference{MessageID: id, Mailbox: "INBOX", UIDValidity: 17, UID: uid})
		}
		s.commit(own, b)
	}
	refer(own, 1, "<a@x>", "<b@x>", "", "<a@x>")
	refer(own, 2, "<b@x>")
	refer(work, 1, "<c@x>")
	s.commit(own, handled("INBOX", 17, journal.Known{UID: 3, Print: print(1)}))
	s.commit(own, journal.Batch{Forget: []string{"INBOX"}})
	s.reopen()
	got := s.seen("home", "<a@x>", "<b@x>", "<c@x>", "<A@X>", "")
	s.equal("referred", got, map[string]journal.Trace{"<a@x>": {Referred: true}, "<b@x>": {Referred: true}})
	s.equal("other account", s.seen("work", "<a@x>", "<c@x>"), map[string]journal.Trace{"<c@x>": {Referred: true}})
}

// testReferenceWindow: the newest references count, and one that is made again
// is new again.
func testReferenceWindow(s *store) {
	own := s.own("home")
	refer := func(first, last int) {
		var b journal.Batch
		for n := first; n <= last; n++ {
			b.References = append(b.References, journal.Reference{MessageID: print(n).MessageID, Mailbox: "INBOX", UIDValidity: 1, UID: 1})
		}
		s.commit(own, b)
	}
	isReferred := func(n int) bool { return s.seen("home", print(n).MessageID)[print(n).MessageID].Referred }
	refer(1, 3)
	for n := 4; n < journal.ReferenceWindow; n += 10_000 {
		refer(n, n+9_999)
	}
	total := 3 + journal.ReferenceWindow
	refer(2, 2)
	for n, want := range map[int]bool{1: false, 2: true, 3: false, 4: false, 5: true, total: true} {
		if isReferred(n) != want {
			s.Errorf("reference %d of %d counts: %v, want %v", n, total, !want, want)
		}
	}
	refer(total+1, total+2_500)
	s.equal("after it was cut", []bool{isReferred(2_000), isReferred(2_600), isReferred(total + 2_500)}, []bool{false, true, true})
}
