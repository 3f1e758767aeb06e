package journaltest

import (
	"time"

	"imapilot/engine/journal"
)

// testSnoozed: of an entry there is one, in every detail, in the order in which they
// are due, until it is woken.
func testSnoozed(s *store) {
	own := s.own("home")
	first := journal.Snoozed{Seq: 7, Rule: "later", Mailbox: "Snoozed", UIDValidity: 4294967295, UID: 4294967295, Print: print(1), Back: "INBOX.Lists", Due: day(9)}
	first.Print.EmailID = "M1"
	untold := journal.Snoozed{Seq: 3, Rule: "later", Mailbox: "Snoozed", Print: print(2), Back: "INBOX", Due: day(10)}
	gone := journal.Snoozed{Seq: 4, Mailbox: "Snoozed", Print: print(3), Back: "INBOX", Due: day(1)}
	s.commit(own, journal.Batch{Snoozed: []journal.Snoozed{{Seq: 7, Mailbox: "Old", Due: day(20)}, untold, gone}})
	s.commit(own, journal.Batch{Snoozed: []journal.Snoozed{first}, Woken: []int64{4, 99}})
	s.reopen()
	own, snap := s.acquire("home")
	s.equal("snoozed", snap.Snoozed, []journal.Snoozed{first, untold})
	found, err := s.journal.Snoozed(s.Context(), "home")
	s.check(err)
	s.equal("without a lease", found, snap.Snoozed)
	none, err := s.journal.Snoozed(s.Context(), "nobody")
	s.check(err)
	s.equal("of nobody", none, []journal.Snoozed(nil))
	_, work := s.acquire("work")
	s.equal("of another account", work.Snoozed, []journal.Snoozed(nil))
	sums, err := s.journal.Summary(s.Context())
	s.check(err)
	s.equal("summary", sums[0].Snoozed, journal.SnoozedSummary{Messages: 2, Next: day(9)})
	s.equal("summary of another account", sums[1].Snoozed, journal.SnoozedSummary{})
	s.commit(own, journal.Batch{Snoozed: []journal.Snoozed{untold}, Woken: []int64{3, 7}})
	_, snap = s.acquire("home")
	s.equal("woken", snap.Snoozed, []journal.Snoozed(nil))
}

// testSnoozedEntry: what put a message away is known when it comes back, a year
// later.
func testSnoozedEntry(s *store) {
	own := s.own("home")
	kept, other := entry(1), entry(2)
	kept.Updated, other.Updated = time.Now(), time.Now()
	s.commit(own, journal.Batch{Entries: []journal.Entry{kept, other}, Snoozed: []journal.Snoozed{{Seq: 1, Mailbox: "Snoozed", Due: day(1)}}})
	year := time.Now().Add(366 * 24 * time.Hour)
	s.commit(own, journal.Batch{At: year})
	s.equal("while it is snoozed", s.seqs(journal.Query{Account: "home"}), []int64{1})
	s.commit(own, journal.Batch{At: year.Add(time.Hour), Woken: []int64{1}})
	s.commit(own, journal.Batch{At: year.Add(2 * time.Hour)})
	s.equal("when it is back", s.seqs(journal.Query{Account: "home"}), []int64(nil))
}
