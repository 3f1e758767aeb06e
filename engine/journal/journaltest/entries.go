package journaltest

import (
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

func testReplaceEntry(s *store) {
	own := s.own("home")
	s.commit(own, journal.Batch{Entries: []journal.Entry{open(1), open(2)}})
	want := entry(1)
	want.Mailbox, want.UIDValidity, want.UID, want.Print = "Moved", 5, 6, print(7)
	s.commit(own, journal.Batch{Entries: []journal.Entry{want}})
	s.reopen()
	s.equal("entries", s.entries(journal.Query{Account: "home"}), []journal.Entry{want, open(2)})
	minimal := journal.Entry{Seq: 2, Mailbox: "INBOX", UIDValidity: 1, UID: 1, State: journal.Held, Updated: day(5)}
	own = s.own("home")
	s.commit(own, journal.Batch{Entries: []journal.Entry{minimal}})
	s.equal("minimal", s.entries(journal.Query{Account: "home", States: []journal.EntryState{journal.Held}}), []journal.Entry{minimal})
}

// testHostileBytes stores what a hostile sender or a broken server may send.
func testHostileBytes(s *store) {
	own := s.own("home")
	for i, text := range []string{"", "a\x00b", "\xff\xfe", "'; DROP TABLE entry; --", "\r\n. BYE", "\u202e\"\\", "日本"} {
		e := open(int64(i + 1))
		e.Print.MessageID, e.Mailbox = text, "M"+text
		k := journal.KnownBatch{Mailbox: e.Mailbox, UIDValidity: 1, Messages: []journal.Known{{UID: 1, Print: e.Print}}}
		c := cursor(e.Mailbox, 1)
		s.commit(own, journal.Batch{Entries: []journal.Entry{e}, Known: []journal.KnownBatch{k}, Cursors: []journal.Cursor{c}})
		s.equal("known", s.known("home", e.Mailbox, 1), k.Messages)
		if text != "" {
			s.commit(own, journal.Batch{References: []journal.Reference{{MessageID: text, Mailbox: e.Mailbox, UIDValidity: 1, UID: 1}}})
			got := s.seen("home", text)[text]
			s.equal("seen", []any{len(got.Sightings), got.Referred}, []any{1, true})
			s.equal("seen in", got.Sightings[0].Mailbox, e.Mailbox)
		}
		s.equal("by mailbox", s.entries(journal.Query{Mailbox: e.Mailbox}), []journal.Entry{e})
		done := entry(e.Seq)
		done.Print, done.Mailbox = e.Print, e.Mailbox
		s.commit(own, journal.Batch{Entries: []journal.Entry{done}})
		got, err := s.journal.Acted(s.Context(), "home", []journal.Fingerprint{e.Print})
		s.check(err)
		s.equal("by fingerprint", got, []journal.Entry{done})
	}
}

func testExtremeDates(s *store) {
	own := s.own("home")
	for i, when := range []time.Time{
		{}, time.Unix(0, 0), time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 5*3600+1800)),
	} {
		e := entry(int64(i + 1))
		e.Print.Received = when
		s.commit(own, journal.Batch{Entries: []journal.Entry{e}})
		got, err := s.journal.Acted(s.Context(), "home", []journal.Fingerprint{e.Print})
		s.check(err)
		e.Print.Received = when.UTC()
		s.equal(when.String(), got, []journal.Entry{e})
	}
}

func testQuery(s *store) {
	home, work := s.own("home"), s.own("work")
	first, second, third, fourth := entry(1), open(2), open(3), entry(4)
	second.State, second.Mailbox, second.Updated = journal.Held, "Archive", day(20)
	third.Updated = day(1)
	third.Steps, third.Plan = nil, actions.Plan{Items: []actions.Item{{Action: &actions.Action{Kind: actions.Trash}, Rule: "other"}}}
	third.Trigger = journal.TriggerUndo
	fourth.UID, fourth.Updated, fourth.State = 99, day(21), journal.Failed
	s.commit(home, journal.Batch{Entries: []journal.Entry{fourth, first, third, second}})
	s.commit(work, journal.Batch{Entries: []journal.Entry{entry(1)}})
	for _, c := range []struct {
		name string
		q    journal.Query
		want []int64
	}{
		{"all", journal.Query{Account: "home"}, []int64{1, 2, 3, 4}},
		{"all accounts", journal.Query{}, []int64{1, 1, 2, 3, 4}},
		{"no such account", journal.Query{Account: "nobody"}, nil},
		{"mailbox", journal.Query{Account: "home", Mailbox: "Archive"}, []int64{2}},
		{"planned rule", journal.Query{Account: "home", Rule: "other"}, []int64{3}},
		{"superseded rule", journal.Query{Account: "home", Rule: "bin"}, []int64{1, 2, 4}},
		{"failed rule", journal.Query{Account: "home", Rule: "broken"}, []int64{1, 4}},
		{"skipped rule", journal.Query{Account: "home", Rule: "moved"}, []int64{1, 4}},
		{"part of a rule's name", journal.Query{Account: "home", Rule: "othe"}, nil},
		{"message ID", journal.Query{Account: "home", MessageID: print(3).MessageID}, []int64{3}},
		{"message ID without brackets", journal.Query{Account: "home", MessageID: "3@example.org"}, []int64{3}},
		{"part of a message ID", journal.Query{Account: "home", MessageID: "3@example"}, nil},
		{"UID", journal.Query{Account: "home", UID: 99}, []int64{4}},
		{"sequences", journal.Query{Account: "home", Seqs: []int64{4, 2, 77}}, []int64{2, 4}},
		{"the most sequences", journal.Query{Account: "home", Seqs: make([]int64, journal.MaxSeqs)}, nil},
		{"one state", journal.Query{Account: "home", States: []journal.EntryState{journal.Held}}, []int64{2}},
		{"two states", journal.Query{Account: "home", States: []journal.EntryState{journal.Failed, journal.Held}}, []int64{2, 4}},
		{"trigger", journal.Query{Account: "home", Trigger: journal.TriggerUndo}, []int64{3}},
		{"acts", journal.Query{Account: "home", Acted: true}, []int64{1, 4}},
		{"acts in a mailbox", journal.Query{Account: "home", Acted: true, Mailbox: "Archive"}, nil},
		{"since", journal.Query{Account: "home", Since: day(20)}, []int64{2, 4}},
		{"until", journal.Query{Account: "home", Until: day(20)}, []int64{1, 2, 3}},
		{"by time", journal.Query{Account: "home", ByTime: true}, []int64{3, 1, 2, 4}},
		{"by time in all accounts", journal.Query{ByTime: true, Limit: 3}, []int64{3, 1, 1}},
		{"newest two by time", journal.Query{Account: "home", ByTime: true, Newest: true, Limit: 2}, []int64{2, 4}},
		{"next page by time", journal.Query{Account: "home", ByTime: true, Limit: 2, After: journal.Mark{Updated: day(2), Seq: 1}}, []int64{2, 4}},
		{"next page begins within one time", journal.Query{Account: "home", ByTime: true, Limit: 2, After: journal.Mark{Updated: day(20), Seq: 1}}, []int64{2, 4}},
		{"oldest two", journal.Query{Account: "home", Limit: 2}, []int64{1, 2}},
		{"newest two", journal.Query{Account: "home", Limit: 2, Newest: true}, []int64{3, 4}},
		{"several conditions", journal.Query{Account: "home", Mailbox: "INBOX", Rule: "lists", Since: day(20), UID: 99}, []int64{4}},
	} {
		s.equal(c.name, s.seqs(c.q), c.want)
		any, err := s.journal.Any(s.Context(), c.q)
		s.check(err)
		s.equal(c.name+": any", any, len(c.want) > 0)
	}
}

// testEveryState takes an entry from every state to every other one.
func testEveryState(s *store) {
	own := s.own("home")
	e := open(1)
	for _, from := range journal.States() {
		for _, to := range journal.States() {
			for _, e.State = range []journal.EntryState{from, to} {
				s.commit(own, journal.Batch{Entries: []journal.Entry{e}})
			}
			name := string(from + " to " + to)
			for _, state := range journal.States() {
				var want []int64
				if state == to {
					want = []int64{1}
				}
				s.equal(name+", is "+string(state), s.seqs(journal.Query{Account: "home", States: []journal.EntryState{state}}), want)
			}
			s.equal(name+", is any", s.seqs(journal.Query{States: journal.States()}), []int64{1})
			sums, err := s.journal.Summary(s.Context())
			s.check(err)
			s.equal(name+", counted", sums[0].Entries, map[journal.EntryState]int{to: 1})
		}
	}
}

// testOutcomes counts what one run did.
func testOutcomes(s *store) {
	own := s.own("home")
	began := day(10)
	var all []journal.Entry
	for i, c := range []struct {
		trigger          string
		state            journal.EntryState
		decided, updated time.Time
	}{
		{journal.TriggerApply, journal.Done, day(10), day(10)},
		{journal.TriggerApply, journal.Done, day(9), day(11)}, // an earlier run's, done in this one
		{journal.TriggerApply, journal.Held, day(11), day(11)},
		{journal.TriggerApply, journal.Withdrawn, day(9), day(11)}, // decided again
		{journal.TriggerApply, journal.Withdrawn, day(11), day(11)},
		{journal.TriggerApply, journal.Undone, day(9), day(11)}, // by an undo
		{journal.TriggerApply, journal.Done, day(9), day(9)},
		{journal.TriggerArrival, journal.Done, day(11), day(11)},
	} {
		e := open(int64(i + 1))
		e.Trigger, e.State, e.Decided, e.Updated = c.trigger, c.state, c.decided, c.updated
		all = append(all, e)
	}
	s.commit(own, journal.Batch{Entries: all})
	s.commit(s.own("work"), journal.Batch{Entries: all[:1]})
	s.reopen()
	got, err := s.journal.Outcomes(s.Context(), "home", journal.TriggerApply, began)
	s.check(err)
	s.equal("outcomes", got, map[journal.EntryState]int{journal.Done: 2, journal.Held: 1, journal.Withdrawn: 1})
	got, err = s.journal.Outcomes(s.Context(), "nobody", journal.TriggerApply, began)
	s.check(err)
	s.equal("of nobody", got, map[journal.EntryState]int{})
}

// testSpelled asks for a mailbox as users write it, beside the function that
// says how that is.
func testSpelled(s *store) {
	own := s.own("home")
	servers := []string{"INBOX", "inbox", "Lists/go", "Lists.go", "INBOX.Lists.go", "INBOX/Lists/go", "INBOX.Lists", "a'b%", "A.b"}
	for i, name := range servers {
		e := open(int64(i + 1))
		e.Mailbox = name
		s.commit(own, journal.Batch{Entries: []journal.Entry{e}})
	}
	for _, typed := range []string{"INBOX", "Inbox", "Lists/go", "Lists.go", "INBOX/Lists/go", "INBOX.Lists.go", "Lists", "lists", "go", "a'b%", "a_b%", "A/b", "%", "a/b"} {
		var want []int64
		for i, name := range servers {
			if journal.SpelledAs(name, typed) {
				want = append(want, int64(i+1))
			}
		}
		s.equal(typed, s.seqs(journal.Query{Account: "home", Spelled: typed}), want)
	}
	s.equal("a level", s.seqs(journal.Query{Account: "home", Spelled: "Lists/go"}), []int64{3, 4, 5, 6})
	s.equal("INBOX", s.seqs(journal.Query{Account: "home", Spelled: "inbox"}), []int64{1, 2})
	s.equal("the start of a name", s.seqs(journal.Query{Account: "home", Spelled: "List"}), []int64(nil))
}

func (s *store) acted(account string, prints ...journal.Fingerprint) []int64 {
	s.Helper()
	got, err := s.journal.Acted(s.Context(), account, prints)
	s.check(err)
	return seqsOf(got)
}

func testActed(s *store) {
	own := s.own("home")
	other := print(1)
	other.Size++
	later := print(1)
	later.Received = later.Received.Add(time.Second)
	a, b, c := entry(1), entry(2), entry(3)
	b.Print, c.Print = print(1), print(9)
	bare := entry(4)
	bare.Print.MessageID = ""
	s.commit(own, journal.Batch{Entries: []journal.Entry{a, b, c, bare}})
	s.equal("two of one message", s.acted("home", print(1)), []int64{2, 1})
	s.equal("asked twice", s.acted("home", print(1), print(1)), []int64{2, 1})
	s.equal("two messages", s.acted("home", print(1), print(9)), []int64{3, 2, 1})
	s.equal("without Message-ID", s.acted("home", bare.Print), []int64{4})
	s.equal("other size, other date", s.acted("home", other, later), []int64(nil))
	s.equal("other account", s.acted("work", print(1)), []int64(nil))
	s.equal("nothing", s.acted("home"), []int64(nil))
}

func testActedLimit(s *store) {
	own := s.own("home")
	var all []journal.Entry
	for seq := int64(1); seq <= 20; seq++ {
		e := entry(seq)
		e.Print = print(1)
		all = append(all, e)
	}
	s.commit(own, journal.Batch{Entries: all})
	got := s.acted("home", print(1))
	if len(got) != 16 || got[0] != 20 || got[15] != 5 {
		s.Fatalf("got %v", got)
	}
}

func testActedStates(s *store) {
	own := s.own("home")
	webhook := actions.Plan{Items: []actions.Item{{Action: &actions.Action{Kind: actions.Webhook, Endpoint: "ci"}, Rule: "r"}}}
	for i, c := range []struct {
		name  string
		want  bool
		entry func(e *journal.Entry)
	}{
		{"nothing done yet", false, func(*journal.Entry) {}},
		{"one step done", true, func(e *journal.Entry) { e.Steps[0].State = journal.StepDone }},
		{"original left", true, func(e *journal.Entry) { e.Steps[1].State = journal.StepLeft }},
		{"failed", false, func(e *journal.Entry) { e.State, e.Steps[0].State = journal.Failed, journal.StepFailed }},
		{"failed after one step", true, func(e *journal.Entry) { e.State, e.Steps[0].State = journal.Failed, journal.StepDone }},
		{"dry run", false, func(e *journal.Entry) { e.State, e.Steps = journal.DryRun, nil }},
		{"held", false, func(e *journal.Entry) { e.State, e.Steps = journal.Held, nil }},
		{"the user won", true, func(e *journal.Entry) {
			e.State, e.Steps, e.Skipped = journal.Kept, nil, map[string]string{"r": "moved back"}
		}},
		{"not evaluated", false, func(e *journal.Entry) {
			e.State, e.Steps, e.Errors = journal.Kept, nil, map[string]string{"r": "no"}
		}},
		{"webhook recorded", true, func(e *journal.Entry) { e.Steps, e.Plan = nil, webhook }},
		{"webhook delivered", true, func(e *journal.Entry) { e.State, e.Steps, e.Plan = journal.Done, nil, webhook }},
		{"webhook in a dry run", false, func(e *journal.Entry) { e.State, e.Steps, e.Plan = journal.DryRun, nil, webhook }},
		{"webhook held", false, func(e *journal.Entry) { e.State, e.Steps, e.Plan = journal.Held, nil, webhook }},
	} {
		e := open(int64(i + 1))
		c.entry(&e)
		s.commit(own, journal.Batch{Entries: []journal.Entry{e}})
		s.equal(c.name, len(s.acted("home", e.Print)) == 1, c.want)
	}
	undone := open(2)
	undone.UID = imap.UID(2)
	s.commit(own, journal.Batch{Entries: []journal.Entry{undone}})
	s.equal("an act that was taken back", s.acted("home", undone.Print), []int64(nil))
}
