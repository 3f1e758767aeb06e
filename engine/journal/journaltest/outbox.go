package journaltest

import (
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

func testDeliveriesOrder(s *store) {
	home, work := s.own("home"), s.own("work")
	late, early, done, chat, tie := delivery("late", day(5)), delivery("early", day(2)), delivery("done", day(1)), delivery("chat", day(3)), delivery("tie", day(2))
	done.State, chat.Endpoint = journal.Delivered, "chat"
	late.Seq, done.Seq = 7, 8
	late.Sender, done.Sender = "ann@example.net", "ann@example.net"
	s.commit(home, journal.Batch{Deliveries: []journal.Delivery{late, early, done, chat, tie}})
	theirs := delivery("theirs", day(4))
	theirs.Account = "work"
	s.commit(work, journal.Batch{Deliveries: []journal.Delivery{theirs}})
	pending := []journal.DeliveryState{journal.Pending}
	for _, c := range []struct {
		name string
		q    journal.DeliveryQuery
		want []string
	}{
		{"all", journal.DeliveryQuery{}, []string{"done", "early", "tie", "chat", "theirs", "late"}},
		{"account", journal.DeliveryQuery{Account: "work"}, []string{"theirs"}},
		{"pending", journal.DeliveryQuery{Account: "home", States: pending}, []string{"early", "tie", "chat", "late"}},
		{"due", journal.DeliveryQuery{Account: "home", States: pending, Due: day(3)}, []string{"early", "tie", "chat"}},
		{"due to the instant", journal.DeliveryQuery{States: pending, Due: day(2).Add(-time.Microsecond)}, nil},
		{"endpoint", journal.DeliveryQuery{Endpoint: "chat"}, []string{"chat"}},
		{"ID", journal.DeliveryQuery{ID: "late"}, []string{"late"}},
		{"entries", journal.DeliveryQuery{Account: "home", Seqs: []int64{8, 7, 9}}, []string{"done", "late"}},
		{"sender", journal.DeliveryQuery{Account: "home", Sender: "ann@example.net"}, []string{"done", "late"}},
		{"next from", journal.DeliveryQuery{Account: "home", NextFrom: day(3)}, []string{"chat", "late"}},
		{"next from the instant", journal.DeliveryQuery{Account: "home", Sender: "ann@example.net", NextFrom: day(1).Add(time.Microsecond)}, []string{"late"}},
		{"limit", journal.DeliveryQuery{States: pending, Limit: 1}, []string{"early"}},
	} {
		var got []string
		for _, d := range s.deliveries(c.q) {
			got = append(got, d.ID)
		}
		s.equal(c.name, got, c.want)
	}
}

func testDeliveryReplaced(s *store) {
	own := s.own("home")
	d := delivery("d", day(2))
	d.URL = map[string]string{"list.name": "go <&>\x00", `capture(subject, "#(.)")`: "ä"}
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{d}})
	again := d
	again.URL, again.Payload = map[string]string{"size": "1"}, []byte("{}")
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{again}})
	s.equal("what stays", s.deliveries(journal.DeliveryQuery{Account: "home"}), []journal.Delivery{d})
	d.Attempts, d.Next, d.State, d.LastStatus, d.LastError, d.Updated = 3, day(9), journal.Dead, 0, "refused", day(3)
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{d}})
	s.reopen()
	s.equal("delivery", s.deliveries(journal.DeliveryQuery{Account: "home"}), []journal.Delivery{d})
}

func testTail(s *store) {
	home, work := s.own("home"), s.own("work")
	one := journal.Event{At: day(1), Kind: "held", Mailbox: "INBOX", UID: imap.UID(7), Rule: "lists", Seq: 3, Text: "an import"}
	two := journal.Event{At: day(1), Kind: "baseline", Text: "second"}
	s.commit(home, journal.Batch{Events: []journal.Event{one, two}})
	s.commit(work, journal.Batch{Events: []journal.Event{one}})
	s.commit(home, journal.Batch{Events: []journal.Event{two}})
	all := s.tail("", 0, 0)
	s.equal("how many", len(all), 4)
	for i := range all[1:] {
		if all[i+1].ID <= all[i].ID {
			s.Fatalf("identifiers do not rise: %+v", all)
		}
	}
	one.ID, one.Account = all[0].ID, "home"
	s.equal("first", all[0], one)
	s.equal("page", s.tail("", all[0].ID, 2), all[1:3])
	s.equal("account", s.tail("work", 0, 10), all[2:3])
	s.equal("newest", s.tail("", -1, 2), all[2:])
	s.equal("newest of an account", s.tail("home", -1, 2), []journal.Event{all[1], all[3]})
	s.reopen()
	s.equal("end", len(s.tail("home", all[3].ID, 10)), 0)
}

func testSummary(s *store) {
	got, err := s.journal.Summary(s.Context())
	s.check(err)
	s.equal("empty", len(got), 0)
	s.own("work")
	own := s.own("home")
	pause := journal.Pause{Target: "A", Reason: "quota", Since: day(1), Probe: day(2)}
	dead := delivery("dead", day(1))
	dead.State = journal.Dead
	s.commit(own, journal.Batch{
		Entries: []journal.Entry{open(1), open(2), entry(3)}, Cursors: []journal.Cursor{cursor("INBOX", 1)},
		Pauses: []journal.Pause{pause}, Deliveries: []journal.Delivery{delivery("a", day(1)), dead},
	})
	got, err = s.journal.Summary(s.Context())
	s.check(err)
	s.equal("accounts", len(got), 2)
	s.equal("home", got[0], journal.AccountSummary{
		Account: "home", Epoch: own.Epoch, Holder: "test:1", Acquired: time.Now().UTC(),
		Cursors: []journal.Cursor{cursor("INBOX", 1)}, Pauses: []journal.Pause{pause},
		Entries:    map[journal.EntryState]int{journal.Open: 2, journal.Done: 1},
		Deliveries: map[journal.DeliveryState]int{journal.Pending: 1, journal.Dead: 1},
	})
	s.commit(own, journal.Batch{}) // nobody was fenced
}
