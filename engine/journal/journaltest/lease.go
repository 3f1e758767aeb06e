package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"imapilot/engine/journal"
)

func testFresh(s *store) {
	own, snap := s.acquire("home")
	if !snap.Fresh || snap.NextSeq != 1 || !snap.Listed.IsZero() {
		s.Fatalf("a new account is fresh and starts at sequence 1: %+v", snap)
	}
	s.commit(own, journal.Batch{Events: []journal.Event{{At: day(1), Kind: "login", Text: "refused"}}})
	if _, snap = s.acquire("home"); !snap.Fresh {
		s.Fatal("an event alone does not make an account known")
	}
	listed := s.own("listed")
	s.commit(listed, journal.Batch{Listed: day(5)})
	_, snap = s.acquire("listed")
	s.equal("listed", snap.Listed, day(5))
	if snap.Fresh {
		s.Fatal("a listed account is not fresh")
	}
	own = s.own("home")
	s.commit(own, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", 1)}})
	own, snap = s.acquire("home")
	if snap.Fresh {
		s.Fatal("an account with a cursor is not fresh")
	}
	s.commit(own, journal.Batch{Forget: []string{"INBOX"}})
	if _, snap = s.acquire("home"); snap.Fresh || len(snap.Cursors) != 0 {
		s.Fatalf("an account that lost its mailboxes is not fresh: %+v", snap)
	}
}

func testSnapshot(s *store) {
	own := s.own("home")
	want := journal.Snapshot{
		NextSeq: 3, Listed: day(9),
		Cursors:  []journal.Cursor{cursor("Archive", 1), cursor("INBOX", 1)},
		Open:     []journal.Entry{open(1), open(2)},
		Expected: []journal.Expected{{ID: "1.0", Mailbox: "Lists.go", UIDValidity: 7, UIDNext: 40, Print: print(1), Recorded: day(2)}},
		Pauses:   []journal.Pause{{Target: "", Reason: "parked", Since: day(1), Probe: day(2)}, {Target: "B", Reason: "over quota", Since: day(1), Probe: day(2)}},
		Created:  []journal.Creation{{Rule: "lists", Mailbox: "Lists.go", At: time.Now().UTC()}},
	}
	s.commit(own, journal.Batch{
		Cursors: []journal.Cursor{want.Cursors[1], want.Cursors[0]}, Entries: want.Open, Expect: want.Expected,
		Pauses: []journal.Pause{want.Pauses[1], want.Pauses[0]}, Created: want.Created, Listed: want.Listed,
	})
	s.reopen()
	next, snap := s.acquire("home")
	s.equal("snapshot", snap, want)
	if next.Epoch <= own.Epoch {
		s.Fatalf("the epoch went from %d to %d", own.Epoch, next.Epoch)
	}
}

func testSnapshotOpenOnly(s *store) {
	own := s.own("home")
	var all []journal.Entry
	for i, state := range journal.States() {
		e := open(int64(i + 1))
		e.State = state
		all = append(all, e)
	}
	s.commit(own, journal.Batch{Entries: all})
	_, snap := s.acquire("home")
	s.equal("open entries", seqsOf(snap.Open), []int64{1})
}

func testNextSeq(s *store) {
	own := s.own("home")
	s.commit(own, journal.Batch{Entries: []journal.Entry{entry(41)}})
	s.commit(own, journal.Batch{Entries: []journal.Entry{entry(7)}})
	_, snap := s.acquire("home")
	s.equal("next sequence", snap.NextSeq, int64(42))
}

func testCreatedWindow(s *store) {
	own := s.own("home")
	s.commit(own, journal.Batch{Created: []journal.Creation{{Rule: "a", Mailbox: "X", At: time.Now()}}})
	time.Sleep(23 * time.Hour) // of the bubble's clock
	s.commit(own, journal.Batch{Created: []journal.Creation{{Rule: "b", Mailbox: "Y", At: time.Now()}}})
	own, snap := s.acquire("home")
	s.equal("within a day", len(snap.Created), 2)
	time.Sleep(2 * time.Hour)
	s.commit(own, journal.Batch{})
	_, snap = s.acquire("home")
	if len(snap.Created) != 1 || snap.Created[0].Rule != "b" {
		s.Fatalf("after a day: %+v", snap.Created)
	}
}

func testFenced(s *store) {
	old := s.own("home")
	s.commit(old, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", 1)}})
	now := s.own("home")
	err := s.try(old, journal.Batch{Entries: []journal.Entry{open(1)}, Cursors: []journal.Cursor{cursor("INBOX", 2)}})
	if !errors.Is(err, journal.ErrFenced) {
		s.Fatalf("the old holder got %v", err)
	}
	s.equal("entries", len(s.entries(journal.Query{})), 0)
	s.commit(now, journal.Batch{Cursors: []journal.Cursor{cursor("INBOX", 2)}})
	future := now
	future.Epoch++
	if err := s.try(future, journal.Batch{}); !errors.Is(err, journal.ErrFenced) {
		s.Fatalf("an epoch that was never given got %v", err)
	}
}

func testNoLease(s *store) {
	err := s.try(journal.Ownership{Account: "nobody", Epoch: 1}, journal.Batch{Entries: []journal.Entry{open(1)}})
	if !errors.Is(err, journal.ErrFenced) {
		s.Fatalf("got %v", err)
	}
	s.equal("entries", len(s.entries(journal.Query{})), 0)
}

func testAccountsApart(s *store) {
	home, work := s.own("home"), s.own("work")
	s.own("work") // fences work, not home
	b := journal.Batch{
		Entries: []journal.Entry{open(1)}, Cursors: []journal.Cursor{cursor("INBOX", 1)},
		Expect:     []journal.Expected{{ID: "1.0", Mailbox: "A", Print: print(1), Recorded: day(1)}},
		Deliveries: []journal.Delivery{delivery("d", day(1))}, Pauses: []journal.Pause{{Target: "A", Since: day(1), Probe: day(1)}},
	}
	s.commit(home, b)
	if err := s.try(work, b); !errors.Is(err, journal.ErrFenced) {
		s.Fatalf("work got %v", err)
	}
	own, snap := s.acquire("work")
	if len(snap.Open)+len(snap.Cursors)+len(snap.Expected)+len(snap.Pauses) != 0 || snap.NextSeq != 1 {
		s.Fatalf("work sees what is home's: %+v", snap)
	}
	b.Deliveries[0].State = journal.Dead
	s.commit(own, b)
	s.commit(own, journal.Batch{Forget: []string{"INBOX"}, Arrived: []string{"1.0"}, Resume: []string{"A"}})
	_, snap = s.acquire("home")
	s.equal("home keeps", []int{len(snap.Open), len(snap.Cursors), len(snap.Expected), len(snap.Pauses)}, []int{1, 1, 1, 1})
	got := s.deliveries(journal.DeliveryQuery{Account: "home"})
	if len(got) != 1 || got[0].State != journal.Pending {
		s.Fatalf("home's delivery was touched: %+v", got)
	}
}

func testConcurrent(s *store) {
	var group sync.WaitGroup
	errs := make(chan error, 4)
	for n := range 4 {
		account := fmt.Sprintf("a%d", n)
		own := s.own(account)
		group.Go(func() {
			for i := range 20 {
				err := s.journal.Commit(context.Background(), own, journal.Batch{
					At: day(1), Cursors: []journal.Cursor{cursor("INBOX", int64(i+1))}, Entries: []journal.Entry{open(int64(i + 1))}})
				if err != nil {
					errs <- err
					return
				}
				if _, err := s.journal.Acted(context.Background(), account, []journal.Fingerprint{print(1)}); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		s.Error(err)
	}
	s.equal("entries", len(s.entries(journal.Query{})), 80)
}
