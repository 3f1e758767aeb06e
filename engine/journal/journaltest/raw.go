package journaltest

import (
	"bytes"

	"imapilot/engine/journal"
)

// rawOf is what is kept of a delivery's message.
func (s *store) rawOf(account, id string) (journal.Raw, bool) {
	s.Helper()
	raw, kept, err := s.journal.Raw(s.Context(), account, id)
	s.check(err)
	return raw, kept
}

// kept says of each delivery how many octets were recorded and whether they are there.
func (s *store) kept() map[string][2]any {
	out := map[string][2]any{}
	for _, d := range s.deliveries(journal.DeliveryQuery{Account: "home", Bare: true}) {
		out[d.ID] = [2]any{d.RawSize, d.RawKept}
	}
	return out
}

func testRaw(s *store) {
	own, work := s.own("home"), s.own("work")
	theirs := delivery("a", day(1))
	theirs.Account = "work"
	s.commit(work, journal.Batch{Deliveries: []journal.Delivery{theirs}})
	small := journal.Raw{ID: "a", Data: []byte("From: x\r\n\r\n\x00\xff"), Truncated: true}
	large := journal.Raw{ID: "b", Data: bytes.Repeat([]byte("0123456789\r\n"), 300_000)}
	s.commit(own, journal.Batch{
		Deliveries: []journal.Delivery{delivery("a", day(1)), delivery("b", day(1)), delivery("c", day(1))},
		Raws:       []journal.Raw{small, large, {ID: "gone", Data: []byte("x")}},
	})
	s.reopen()
	for _, want := range []journal.Raw{small, large} {
		got, kept := s.rawOf("home", want.ID)
		s.equal("kept", kept, true)
		s.equal("truncated", got.Truncated, want.Truncated)
		s.equal("the octets", bytes.Equal(got.Data, want.Data), true)
	}
	s.equal("kept", s.kept(), map[string][2]any{"a": {int64(len(small.Data)), true}, "b": {int64(len(large.Data)), true}, "c": {int64(0), false}})
	for _, c := range [][2]string{{"home", "c"}, {"work", "a"}, {"home", "gone"}, {"nobody", "a"}} {
		_, kept := s.rawOf(c[0], c[1])
		s.equal(c[0]+" "+c[1], kept, false)
	}
	own = s.own("home")
	small.Data, small.Truncated = []byte("another"), false
	s.commit(own, journal.Batch{Raws: []journal.Raw{small}})
	got, _ := s.rawOf("home", "a")
	s.equal("replaced", got, small)
}

// What nothing sends any more goes in the commit that ends the sending.
func testRawDropped(s *store) {
	own := s.own("home")
	var batch journal.Batch
	for _, id := range []string{"pending", "dead", "delivered", "cancelled", "gathered", "released", "unsent"} {
		d := delivery(id, day(1))
		if id == "released" || id == "unsent" {
			d.State = journal.Waiting
		}
		batch.Deliveries, batch.Raws = append(batch.Deliveries, d), append(batch.Raws, journal.Raw{ID: id, Data: []byte("octets")})
	}
	s.commit(own, batch)
	var next journal.Batch
	for _, d := range batch.Deliveries[1:5] {
		d.State = journal.DeliveryState(d.ID)
		next.Deliveries = append(next.Deliveries, d)
	}
	next.Release = []journal.Release{{Seq: 3, ID: "released", State: journal.Pending, Result: []byte("{}")}, {Seq: 3, ID: "unsent", State: journal.Cancelled}}
	s.commit(own, next)
	s.reopen()
	s.equal("kept", s.kept(), map[string][2]any{
		"pending": {int64(6), true}, "dead": {int64(6), true}, "released": {int64(6), true},
		"delivered": {int64(6), false}, "cancelled": {int64(6), false}, "gathered": {int64(6), false}, "unsent": {int64(6), false},
	})
	for id, want := range map[string]bool{"dead": true, "delivered": false} {
		raw, kept := s.rawOf("home", id)
		s.equal(id, kept, want)
		s.equal(id, len(raw.Data) > 0, want)
	}
	own = s.own("home")
	again := batch.Deliveries[3]
	s.commit(own, journal.Batch{Deliveries: []journal.Delivery{again}, Raws: []journal.Raw{{ID: "cancelled", Data: []byte("anew")}}})
	raw, kept := s.rawOf("home", "cancelled")
	s.equal("owed again", string(raw.Data)+" "+string(again.State), "anew pending")
	s.equal("owed again", kept, true)
}
