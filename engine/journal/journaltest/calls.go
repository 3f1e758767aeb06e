package journaltest

import (
	"time"

	"imapilot/engine/journal"
)

func testDeliveriesOfAMessage(s *store) {
	own := s.own("home")
	first, second, other, elsewhere, none := delivery("1", day(5)), delivery("2", day(1)), delivery("3", day(2)), delivery("4", day(3)), delivery("5", day(4))
	first.About, second.About, elsewhere.About, other.About = "INBOX 1 7", "INBOX 1 7", "INBOX 1 7", "INBOX 1 8"
	elsewhere.Endpoint = "chat"
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{first, second, other, elsewhere, none}})
	q := journal.DeliveryQuery{Account: "home", States: []journal.DeliveryState{journal.Pending}, First: true}
	s.equal("first", idsOf(s.deliveries(q)), []string{"3", "4", "5", "1"})
	first.State = journal.Dead
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{first}})
	s.equal("then the second", idsOf(s.deliveries(q)), []string{"2", "3", "4", "5"})
	first.Created = day(7)
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{first}})
	s.equal("since", idsOf(s.deliveries(journal.DeliveryQuery{Since: day(2)})), []string{"1"})
	s.equal("newest", idsOf(s.deliveries(journal.DeliveryQuery{Newest: true, Limit: 2})), []string{"1", "5"})
}

func testDeliveriesByPrefix(s *store) {
	own := s.own("home")
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{delivery("msg_a", day(1)), delivery("msg_ab", day(2)), delivery("msg_b", day(3)), delivery("msg", day(4))}})
	for prefix, want := range map[string][]string{"msg_a": {"msg_a", "msg_ab"}, "msg_ab": {"msg_ab"}, "msg_": {"msg_a", "msg_ab", "msg_b"}, "msg_%": nil, "MSG": nil} {
		s.equal(prefix, idsOf(s.deliveries(journal.DeliveryQuery{Account: "home", IDPrefix: prefix})), want)
	}
	bare := delivery("msg_b", day(3))
	whole := s.deliveries(journal.DeliveryQuery{IDPrefix: "msg_b"})
	got := s.deliveries(journal.DeliveryQuery{IDPrefix: "msg_b", Bare: true})
	s.equal("whole", string(whole[0].Payload), string(bare.Payload))
	s.equal("bare", len(got[0].Payload), 0)
	whole[0].Payload, got[0].Payload = nil, nil
	s.equal("but for that", got, whole)
}

func idsOf(all []journal.Delivery) []string {
	var out []string
	for _, d := range all {
		out = append(out, d.ID)
	}
	return out
}

func testAttempts(s *store) {
	home, work := s.own("home"), s.own("work")
	theirs := delivery("d", day(1))
	theirs.Account = "work"
	s.commit(home, journal.Batch{Deliveries: []journal.Delivery{delivery("d", day(1))}})
	s.commit(work, journal.Batch{Deliveries: []journal.Delivery{theirs}})
	one := journal.Attempt{ID: "d", N: 1, At: day(1), Took: 1500 * time.Millisecond, Error: "no answer"}
	two := journal.Attempt{ID: "d", N: 3, At: day(2), Took: time.Microsecond, Status: 503, Error: "the receiver answered 503", Answer: "busy\n"}
	s.commit(home, journal.Batch{Attempts: []journal.Attempt{two, one, {ID: "gone", N: 1, At: day(1)}}})
	s.reopen()
	got, err := s.journal.Attempts(s.Context(), "home", "d")
	s.check(err)
	s.equal("attempts", got, []journal.Attempt{one, two})
	got, err = s.journal.Attempts(s.Context(), "work", "d")
	s.check(err)
	s.equal("of the other account", len(got), 0)
}

func testRelease(s *store) {
	own := s.own("home")
	done, never, pending, one := delivery("done", day(1)), delivery("never", day(1)), delivery("pending", day(1)), delivery("one", day(1))
	done.State, never.State, one.State, never.Seq = journal.Waiting, journal.Waiting, journal.Waiting, 4
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{done, never, pending, one}})
	s.commit(own, journal.Batch{At: day(3), Release: []journal.Release{
		{Seq: 3, ID: "one", State: journal.Cancelled},
		{Seq: 3, State: journal.Pending, Result: []byte(`{"mailbox":"A","uid":7}`)}, {Seq: 4, State: journal.Cancelled},
	}})
	s.reopen()
	done.State, done.Next, done.Updated = journal.Pending, day(3), day(3)
	done.Payload = []byte(`{"version":1,"result":{"mailbox":"A","uid":7}}`)
	never.State, never.Next, never.Updated = journal.Cancelled, day(3), day(3)
	one.State, one.Next, one.Updated = journal.Cancelled, day(3), day(3)
	s.equal("released", s.deliveries(journal.DeliveryQuery{Account: "home"}), []journal.Delivery{pending, done, never, one})
}

func testReleaseFrom(s *store) {
	own := s.own("home")
	all := map[string]journal.Delivery{}
	var made []journal.Delivery
	for _, state := range journal.DeliveryStates() {
		d := delivery(string(state), day(1))
		d.State, d.Attempts, d.Seq = state, 2, 3
		all[d.ID], made = d, append(made, d)
	}
	s.commit(own, journal.Batch{Deliveries: made})
	again := []journal.DeliveryState{journal.Dead, journal.Cancelled}
	s.commit(own, journal.Batch{At: day(3), Release: []journal.Release{
		{Seq: 3, ID: "dead", State: journal.Pending, From: again}, {Seq: 3, ID: "delivered", State: journal.Pending, From: again},
		{Seq: 4, ID: "cancelled", State: journal.Pending, From: again}, {Seq: 3, ID: "gathered", State: journal.Cancelled},
		{Seq: 3, ID: "pending", State: journal.Cancelled, From: []journal.DeliveryState{journal.Waiting, journal.Pending}},
	}})
	s.reopen()
	for _, d := range s.deliveries(journal.DeliveryQuery{Account: "home"}) {
		want := all[d.ID]
		switch d.ID {
		case "dead":
			want.State, want.Restarted, want.Next, want.Updated = journal.Pending, 2, day(3), day(3)
		case "pending":
			want.State, want.Next, want.Updated = journal.Cancelled, day(3), day(3)
		}
		s.equal(d.ID, d, want)
	}
}

func testDisabled(s *store) {
	own := s.own("home")
	ci, chat := journal.Disabled{Endpoint: "ci", URL: "a", Since: day(1), Reason: "410"}, journal.Disabled{Endpoint: "chat", URL: "b", Since: day(2)}
	s.commit(own, journal.Batch{Disabled: []journal.Disabled{ci, chat}})
	s.commit(own, journal.Batch{Enabled: []string{"chat"}})
	s.reopen()
	_, snap, err := s.journal.Acquire(s.Context(), "home", "test:2")
	s.check(err)
	s.equal("snapshot", snap.Disabled, []journal.Disabled{ci})
	sum, err := s.journal.Summary(s.Context())
	s.check(err)
	s.equal("summary", sum[0].Disabled, []journal.Disabled{ci})
}

func testCutAttempts(s *store) {
	own := s.own("home")
	failed, cut, never, done := delivery("failed", day(1)), delivery("cut", day(1)), delivery("never", day(1)), delivery("done", day(1))
	never.Attempts, done.State = 0, journal.Delivered
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{failed, cut, never, done}})
	s.commit(own, journal.Batch{Attempts: []journal.Attempt{{ID: "failed", N: 2, At: day(1)}, {ID: "cut", N: 1, At: day(1)}}})
	for range 2 { // whoever takes the lease again finds nothing more
		s.reopen()
		s.own("home")
	}
	want := map[string]int{"failed": 0, "cut": 1, "never": 0, "done": 0}
	for _, d := range s.deliveries(journal.DeliveryQuery{Account: "home"}) {
		s.equal("not counted of "+d.ID, d.Restarted, want[d.ID])
	}
	got, err := s.journal.Attempts(s.Context(), "home", "cut")
	s.check(err)
	s.equal("attempts", got, []journal.Attempt{{ID: "cut", N: 1, At: day(1)}, {ID: "cut", N: 2, At: day(2), Error: journal.CutOff}})
}
