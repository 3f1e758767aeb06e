package journaltest

import (
	"time"

	"imapilot/engine/journal"
)

// testRuns: the last run of a rule is kept by account, in every detail.
func testRuns(s *store) {
	own := s.own("home")
	first := journal.Run{Rule: "purge", Due: day(1), Started: day(2)}
	other := journal.Run{Rule: "digest", Due: day(3)}
	s.commit(own, journal.Batch{Runs: []journal.Run{first, other}})
	last := journal.Run{Rule: "purge", Due: day(4), Started: day(5), Ended: day(6), Missed: 2, Looked: 30, Acted: 20, Held: 10, Error: "cut off"}
	s.commit(own, journal.Batch{Runs: []journal.Run{last}})
	s.reopen()
	_, snap := s.acquire("home")
	s.equal("runs", snap.Runs, []journal.Run{other, last})
	if _, work := s.acquire("work"); len(work.Runs) > 0 {
		s.Errorf("another account has %+v", work.Runs)
	}
	sums, err := s.journal.Summary(s.Context())
	s.check(err)
	s.equal("runs of the summary", sums[0].Runs, []journal.Run{other, last})
}

// testFlagged: of a mailbox and a flag there is one set, in whatever case the flag
// is spelled, which goes with the mailbox.
func testFlagged(s *store) {
	own := s.own("home")
	star := journal.Flagged{Mailbox: "INBOX", Flag: `\Flagged`, UIDValidity: 17, ModSeq: 1 << 62, UIDs: set(1, 2, 3, 9)}
	none := journal.Flagged{Mailbox: "Lists", Flag: "$Todo", UIDValidity: 4294967295}
	s.commit(own, journal.Batch{Flagged: []journal.Flagged{{Mailbox: "INBOX", Flag: `\flagged`, UIDs: set(5)}, {Mailbox: "Lists", Flag: "$todo", UIDs: set(6)}}})
	s.commit(own, journal.Batch{Flagged: []journal.Flagged{star, none}})
	s.reopen()
	own, snap := s.acquire("home")
	s.equal("flagged", snap.Flagged, []journal.Flagged{star, none})
	s.commit(own, journal.Batch{Forget: []string{"INBOX"}})
	_, snap = s.acquire("home")
	s.equal("after INBOX was forgotten", snap.Flagged, []journal.Flagged{none})
}

// testPlaces: entries are found by where their messages lay.
func testPlaces(s *store) {
	own := s.own("home")
	var all []journal.Entry
	for seq := range int64(6) {
		e := entry(seq + 1)
		e.Trigger, e.Walk, e.Occasion = journal.TriggerSchedule, []string{"lists"}, "2026-01-01T03:00:00Z"
		all = append(all, e)
	}
	all[5].UIDValidity = 5
	s.commit(own, journal.Batch{Entries: all})
	got := s.entries(journal.Query{Account: "home", Mailbox: "INBOX", UIDValidity: 4294967295, FirstUID: 2, LastUID: 6})
	s.equal("entries", got, all[1:5])
}

// testKeep: what a rule on a clock did is kept for longer than the rest, and
// again as long when the rule saw the message again.
func testKeep(s *store) {
	own := s.own("home")
	kept, arrived := entry(1), entry(2)
	kept.Trigger = journal.TriggerSchedule
	kept.Updated, arrived.Updated = time.Now(), time.Now()
	s.commit(own, journal.Batch{Entries: []journal.Entry{kept, arrived}})
	left := func(after time.Duration, b journal.Batch) (seqs []int64) {
		b.At = time.Now().Add(after)
		s.commit(own, b)
		for _, e := range s.entries(journal.Query{Account: "home"}) {
			seqs = append(seqs, e.Seq)
		}
		return seqs
	}
	s.equal("in between", left(journal.ActKept-time.Hour, journal.Batch{Keep: []int64{1}}), []int64{1})
	s.equal("seen again", left(2*journal.ActKept-2*time.Hour, journal.Batch{}), []int64{1})
	s.equal("not seen any more", left(2*journal.ActKept, journal.Batch{}), []int64(nil))
}
