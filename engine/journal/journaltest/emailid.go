package journaltest

import (
	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

// marked is a fingerprint with an EMAILID.
func marked(n int, id string) journal.Fingerprint {
	p := print(n)
	p.EmailID = id
	return p
}

func testEmailID(s *store) {
	own := s.own("home")
	e, other := entry(1), entry(2)
	e.Print, other.Print = marked(1, "M1"), marked(1, "M2")
	k := []journal.Known{{UID: 9, Print: marked(1, "M0")}}
	x := journal.Expected{ID: "1.0", Mailbox: "Lists", Print: marked(1, "M1"), Recorded: day(1)}
	s.commit(own, journal.Batch{Entries: []journal.Entry{e, other}, Known: handled("INBOX", 17, k...).Known, Expect: []journal.Expected{x}})
	k[0].Print.EmailID = "M1" // it is learned later, as a server begins to tell it
	s.commit(own, handled("INBOX", 17, k...))
	s.reopen()
	s.equal("known", s.known("home", "INBOX", 17), k)
	s.equal("seen", s.seen("home", print(1).MessageID)[print(1).MessageID].Sightings[0].Print, marked(1, "M1"))
	_, snap := s.acquire("home")
	s.equal("expected", snap.Expected[0].Print, x.Print)
	s.equal("entries", s.entries(journal.Query{}), []journal.Entry{e, other})
	s.equal("by EMAILID alone", s.acted("home", marked(7, "M1")), []int64{1})
	s.equal("by EMAILID and the rest, once", s.acted("home", marked(1, "M2")), []int64{2, 1})
	s.equal("by the rest", s.acted("home", print(1)), []int64{2, 1})
	s.equal("another EMAILID", s.acted("home", marked(7, "m1")), []int64(nil))
	s.equal("other account", s.acted("work", marked(7, "M1")), []int64(nil))
}

func testEmailIDLimit(s *store) {
	own := s.own("home")
	var all []journal.Entry
	for seq := int64(1); seq <= 20; seq++ {
		e := entry(seq)
		e.UID, e.Print = imap.UID(seq), marked(int(seq), "M1")
		all = append(all, e)
	}
	s.commit(own, journal.Batch{Entries: all})
	got := s.acted("home", marked(99, "M1"))
	s.equal("how many", []int64{int64(len(got)), got[0], got[len(got)-1]}, []int64{16, 20, 5})
}
