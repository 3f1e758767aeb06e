package journaltest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

func testConflict(s *store) {
	own := s.own("home")
	for _, bad := range []int64{0, 2, -1} {
		if err := s.try(own, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", bad)}}); !errors.Is(err, journal.ErrConflict) {
			s.Fatalf("a first version of %d got %v", bad, err)
		}
	}
	s.commit(own, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", 1)}})
	for _, bad := range []int64{1, 3} {
		if err := s.try(own, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", bad)}}); !errors.Is(err, journal.ErrConflict) {
			s.Fatalf("version %d after 1 got %v", bad, err)
		}
	}
	second := cursor("INBOX", 2)
	second.Handled, second.Floor = nil, 300
	s.commit(own, journal.Batch{Cursors: []journal.Cursor{second, cursor("Archive", 1)}})
	_, snap := s.acquire("home")
	s.equal("cursors", snap.Cursors, []journal.Cursor{cursor("Archive", 1), second})
}

// testAtomic fails a batch in a part that any driver must check before it can
// know that all is well, and looks for traces of every other part.
func testAtomic(s *store) {
	own := s.own("home")
	s.commit(own, journal.Batch{
		Cursors: []journal.Cursor{cursor("INBOX", 1), cursor("Old", 1)}, Entries: []journal.Entry{open(1)},
		Known:  []journal.KnownBatch{{Mailbox: "Old", UIDValidity: 1, Messages: []journal.Known{{UID: 1, Print: print(1)}}}},
		Expect: []journal.Expected{{ID: "1.0", Mailbox: "A", Print: print(1), Recorded: day(1)}},
		Pauses: []journal.Pause{{Target: "A", Reason: "quota", Since: day(1), Probe: day(1)}},
	})
	err := s.try(own, journal.Batch{
		Cursors: []journal.Cursor{cursor("INBOX", 2), cursor("Archive", 5)}, Forget: []string{"Old"},
		Known:      []journal.KnownBatch{{Mailbox: "INBOX", UIDValidity: 17, Messages: []journal.Known{{UID: 9, Print: print(9)}}}},
		References: []journal.Reference{{MessageID: "<a@x>", Mailbox: "INBOX", UIDValidity: 17, UID: 9}},
		Entries:    []journal.Entry{entry(1), open(2)}, Expect: []journal.Expected{{ID: "2.0", Mailbox: "A", Print: print(2), Recorded: day(1)}},
		Arrived: []string{"1.0"}, Deliveries: []journal.Delivery{delivery("d", day(1))}, Resume: []string{"A"},
		Pauses: []journal.Pause{{Target: "B", Since: day(1), Probe: day(1)}}, Created: []journal.Creation{{Rule: "r", Mailbox: "m", At: time.Now()}},
		Events: []journal.Event{{At: day(1), Kind: "held"}}, Listed: day(1),
	})
	if !errors.Is(err, journal.ErrConflict) {
		s.Fatalf("got %v", err)
	}
	s.reopen()
	_, snap := s.acquire("home")
	s.equal("snapshot", snap, journal.Snapshot{
		NextSeq: 2, Cursors: []journal.Cursor{cursor("INBOX", 1), cursor("Old", 1)}, Open: []journal.Entry{open(1)},
		Expected: []journal.Expected{{ID: "1.0", Mailbox: "A", Print: print(1), Recorded: day(1)}},
		Pauses:   []journal.Pause{{Target: "A", Reason: "quota", Since: day(1), Probe: day(1)}},
	})
	s.equal("known", []int{len(s.known("home", "Old", 1)), len(s.known("home", "INBOX", 17))}, []int{1, 0})
	s.equal("seen", len(s.seen("home", print(9).MessageID, "<a@x>")), 0)
	s.equal("deliveries", len(s.deliveries(journal.DeliveryQuery{})), 0)
	s.equal("events", len(s.tail("", 0, 10)), 0)
}

func testCancelled(s *store) {
	own := s.own("home")
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	err := s.journal.Commit(ctx, own, journal.Batch{At: day(1), Entries: []journal.Entry{open(1)}})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, journal.ErrUnavailable) {
		s.Fatalf("got %v", err)
	}
	s.equal("entries", len(s.entries(journal.Query{})), 0)
	if _, _, err := s.journal.Acquire(ctx, "home", "x"); !errors.Is(err, context.Canceled) {
		s.Fatalf("acquire got %v", err)
	}
	if _, err := s.journal.Entries(ctx, journal.Query{}); !errors.Is(err, context.Canceled) {
		s.Fatalf("entries got %v", err)
	}
	s.commit(own, journal.Batch{Entries: []journal.Entry{open(1)}})
}

func testForget(s *store) {
	own := s.own("home")
	known := []journal.KnownBatch{{Mailbox: "INBOX", UIDValidity: 17, Messages: []journal.Known{{UID: 1, Print: print(1)}}}}
	s.commit(own, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", 1)}, Known: known})
	s.commit(own, journal.Batch{Forget: []string{"INBOX", "never seen"}})
	s.equal("known", len(s.known("home", "INBOX", 17)), 0)
	s.commit(own, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", 1)}, Known: known})
	// A mailbox that was deleted and made again, in one batch.
	known[0].Messages = []journal.Known{{UID: 2, Print: print(2)}}
	s.commit(own, journal.Batch{Forget: []string{"INBOX"}, Cursors: []journal.Cursor{cursor("INBOX", 1)}, Known: known})
	s.equal("known", s.known("home", "INBOX", 17), known[0].Messages)
}

func testKnown(s *store) {
	own := s.own("home")
	put := func(mailbox string, validity uint32, messages ...journal.Known) {
		s.commit(own, journal.Batch{Known: []journal.KnownBatch{{Mailbox: mailbox, UIDValidity: validity, Messages: messages}}})
	}
	put("INBOX", 17, journal.Known{UID: 2, Print: print(2)}, journal.Known{UID: 1, Print: print(1)})
	put("INBOX", 18, journal.Known{UID: 1, Print: print(3)})
	put("Archive", 17, journal.Known{UID: 1, Print: print(4)})
	put("INBOX", 17, journal.Known{UID: 2, Print: print(5)}) // the server rewrote it
	put("INBOX", 17)
	got := s.known("home", "INBOX", 17)
	slices.SortFunc(got, func(a, b journal.Known) int { return int(a.UID) - int(b.UID) })
	s.equal("INBOX 17", got, []journal.Known{{UID: 1, Print: print(1)}, {UID: 2, Print: print(5)}})
	s.equal("INBOX 18", s.known("home", "INBOX", 18), []journal.Known{{UID: 1, Print: print(3)}})
	s.equal("nothing", len(s.known("home", "INBOX", 19))+len(s.known("work", "INBOX", 17)), 0)
}

func testKnownWindow(s *store) {
	own := s.own("home")
	total := journal.Window + 2500
	for first := 1; first <= total; first += 1250 {
		b := journal.KnownBatch{Mailbox: "INBOX", UIDValidity: 17}
		for uid := first; uid < first+1250 && uid <= total; uid++ {
			b.Messages = append(b.Messages, journal.Known{UID: imap.UID(uid), Print: print(uid)})
		}
		s.commit(own, journal.Batch{Known: []journal.KnownBatch{b}})
	}
	// Writing some of them again must not push others out.
	again := journal.KnownBatch{Mailbox: "INBOX", UIDValidity: 17}
	for uid := total - 500; uid <= total; uid++ {
		again.Messages = append(again.Messages, journal.Known{UID: imap.UID(uid), Print: print(uid)})
	}
	s.commit(own, journal.Batch{Known: []journal.KnownBatch{again}})
	got := s.known("home", "INBOX", 17)
	s.equal("how many", len(got), journal.Window)
	for _, k := range got {
		if int(k.UID) <= total-journal.Window {
			s.Fatalf("UID %d is older than the window", k.UID)
		}
	}
}

func testExpectPause(s *store) {
	own := s.own("home")
	x := journal.Expected{ID: "1.0", Mailbox: "A", UIDNext: 3, Print: print(1), Recorded: day(1)}
	p := journal.Pause{Target: "A", Reason: "over quota", Since: day(1), Probe: day(2)}
	s.commit(own, journal.Batch{Expect: []journal.Expected{x}, Pauses: []journal.Pause{p}})
	x.UIDNext, p.Probe = 4, day(3)
	came := journal.Expected{ID: "2.0", Mailbox: "A", Print: print(2), Recorded: day(1)}
	s.commit(own, journal.Batch{
		Expect: []journal.Expected{x, came}, Arrived: []string{"2.0", "unknown"},
		Resume: []string{"A", "unknown"}, Pauses: []journal.Pause{p},
	})
	own, snap := s.acquire("home")
	s.equal("expected", snap.Expected, []journal.Expected{x})
	s.equal("pauses", snap.Pauses, []journal.Pause{p})
	s.commit(own, journal.Batch{Arrived: []string{"1.0"}, Resume: []string{"A"}})
	_, snap = s.acquire("home")
	s.equal("what is left", len(snap.Expected)+len(snap.Pauses), 0)
}
