package engine

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestPendingFiltersTheLastMessageAndKeepsGaps(t *testing.T) {
	c := baseline("INBOX", 7, []imap.UID{1, 2, 5})
	c.Floor = 1
	// "n:*" returned the last handled one again; 3 became visible late.
	if got, want := pending(c, []imap.UID{5, 3, 1, 6, 6}), []imap.UID{3, 6}; !slices.Equal(got, want) {
		t.Fatalf("pending = %v, want %v", got, want)
	}
	handle(&c, []imap.UID{6})
	if got, want := pending(c, []imap.UID{3, 4, 6}), []imap.UID{3, 4}; !slices.Equal(got, want) {
		t.Fatalf("after handling 6: pending = %v, want %v", got, want)
	}
}

func TestHandleDoesNotTouchTheOldCursor(t *testing.T) {
	old := baseline("INBOX", 7, []imap.UID{1})
	next := old
	handle(&next, []imap.UID{2})
	if old.Handled.Contains(2) {
		t.Fatal("the cursor in memory changed before the journal had it")
	}
}

func TestTrimRaisesTheFloorAboveTheWindow(t *testing.T) {
	var uids []imap.UID
	for i := range journal.Window * 2 {
		uids = append(uids, imap.UID(i*2+1))
	}
	c := baseline("INBOX", 1, uids)
	if n := len(uidsOf(c.Handled)); n != journal.Window {
		t.Fatalf("kept %d UIDs, want %d", n, journal.Window)
	}
	if got := pending(c, uids); len(got) != 0 {
		t.Fatalf("%d handled UIDs became pending", len(got))
	}
}

func fp(id string, at time.Time, size int64) journal.Fingerprint {
	return journal.Fingerprint{MessageID: id, Received: at, Size: size}
}

func TestMatchKnown(t *testing.T) {
	old := noon.AddDate(0, -1, 0)
	before := []journal.Known{
		{UID: 1, Print: fp("<a>", old, 10), Order: 5},
		{UID: 2, Print: fp("<b>", old, 10), Order: 7},
		{UID: 3, Print: fp("", old, 33), Order: 9},
		{UID: 4, Print: fp("<>", old, 10), Order: 11},
	}
	now := []journal.Known{
		{UID: 11, Print: fp("<a>", old, 10)},                    // known
		{UID: 12, Print: fp("<b>", noon, 12)},                   // rewritten by the server
		{UID: 13, Print: fp("", old, 33)},                       // known without Message-ID
		{UID: 14, Print: fp("<a>", noon, 10)},                   // a second delivery: matches nothing any more
		{UID: 15, Print: fp("<new>", noon, 10)},                 // new
		{UID: 16, Print: fp("<old>", old, 10)},                  // unknown but old: baseline
		{UID: 17, Print: fp("", noon.Add(-time.Hour), 33)},      // new, no identity
		{UID: 18, Print: fp("<y>", noon.Add(-25*time.Hour), 1)}, // older than the mark less a day
		{UID: 19, Print: fp("<>", noon, 10)},                    // new: this names nothing
	}
	ordered, handled, fresh := matchKnown(before, now, noon)
	for i, want := range []int64{5, 7, 9, 0, 0, 0, 0, 0, 0} {
		if got := ordered[i]; got.Order != want || got.UID != now[i].UID {
			t.Errorf("UID %d has order %d, want that of UID %d: %d", got.UID, got.Order, now[i].UID, want)
		}
	}
	if want := []imap.UID{14, 15, 17, 19}; !slices.Equal(fresh, want) {
		t.Errorf("fresh = %v, want %v", fresh, want)
	}
	if want := []imap.UID{11, 12, 13, 16, 18}; !slices.Equal(handled, want) {
		t.Errorf("handled = %v, want %v", handled, want)
	}
}

func TestBackoffGrowsParksAndForgets(t *testing.T) {
	b := backoff{timing: new(Timing{}.withDefaults())}
	lost := &imapsession.Error{Class: imapsession.Connection}
	var last time.Duration
	for i := range 8 {
		v := b.failed(lost, 0)
		if v.parked {
			t.Fatal("parked by a lost connection")
		}
		if i > 0 && i < 5 && v.wait <= last {
			t.Errorf("failure %d waits %v after %v", i, v.wait, last)
		}
		last = v.wait
	}
	if last < time.Minute {
		t.Errorf("steady failure logs in every %v, more than once a minute", last)
	}
	if v := b.failed(lost, time.Hour); v.wait > 2*time.Second {
		t.Errorf("after a proven connection it waits %v", v.wait)
	}
}

func TestThreeRefusedLoginsPark(t *testing.T) {
	b := backoff{timing: new(Timing{}.withDefaults())}
	refused := &imapsession.Error{Class: imapsession.Auth}
	busy := &imapsession.Error{Class: imapsession.TryAgain}
	for range 5 {
		if b.failed(busy, 0).parked {
			t.Fatal("UNAVAILABLE parked the account")
		}
	}
	parked := []bool{b.failed(refused, 0).parked, b.failed(refused, 0).parked, b.failed(refused, 0).parked}
	if !slices.Equal(parked, []bool{false, false, true}) {
		t.Fatalf("parked = %v", parked)
	}
	b.connected()
	b.failed(busy, 0)
	if b.failed(refused, 0).parked {
		t.Fatal("a login that worked did not clear the refusals")
	}
}

func TestThrottlingIsObeyed(t *testing.T) {
	b := backoff{timing: new(Timing{}.withDefaults())}
	v := b.failed(&imapsession.Error{Class: imapsession.Throttled, RetryAfter: 5 * time.Minute}, 0)
	if v.wait < 5*time.Minute {
		t.Fatalf("waits %v, the server said 5 minutes", v.wait)
	}
}

func TestImport(t *testing.T) {
	old := slices.Repeat([]time.Time{noon.AddDate(-1, 0, 0)}, importSize+1)
	recent := slices.Repeat([]time.Time{noon.Add(-time.Hour)}, importSize+1)
	for _, c := range []struct {
		name     string
		received []time.Time
		last     time.Time
		want     bool
	}{
		{"a migration", old, noon, true},
		{"a busy hour", recent, noon, false},
		{"exactly the limit", old[:importSize], noon, false},
		{"never scanned", old, time.Time{}, false},
		{"three weeks offline", recent, noon.AddDate(0, 0, -21), false},
	} {
		if got := isImport(c.received, c.last); got != c.want {
			t.Errorf("%s: isImport = %v", c.name, got)
		}
	}
}

func TestQuotaHoldsAndForgets(t *testing.T) {
	q := newQuota(nil)
	rule := rules.Rule{Name: "r", MaxMoves: 2, MaxExpunges: 1}
	take := func(kind actions.Kind, at time.Time, hours int) bool {
		_, ok := q.take(rule, kind, at, hours)
		return ok
	}
	got := []bool{take(actions.Move, noon, 1), take(actions.Move, noon, 1), take(actions.Move, noon, 1)}
	if !slices.Equal(got, []bool{true, true, false}) {
		t.Fatal("the limit of 2 does not hold")
	}
	if !take(actions.Move, noon, 3) {
		t.Fatal("three hours offline have no allowance of moves")
	}
	if take(actions.Expunge, noon, 100) {
		t.Fatal("hours offline gave an allowance of expunges")
	}
	if !take(actions.Move, noon.Add(61*time.Minute), 1) {
		t.Fatal("an hour later the limit still counts")
	}
}

func entryWith(steps ...journal.Step) journal.Entry {
	return journal.Entry{Seq: 1, UID: 9, State: journal.Open, Steps: steps}
}

func step(kind actions.Kind, rule, target string, state journal.StepState) journal.Step {
	s := journal.Step{Action: &actions.Action{Kind: kind, Mailbox: target}, Rule: rule, Target: target, State: state}
	if kind == actions.AddFlags {
		s.Action.Flags, s.Action.Mailbox = []imap.Flag{imap.FlagSeen}, ""
	}
	return s
}

func TestSettleWalksTheChain(t *testing.T) {
	e := entryWith(step(actions.Copy, "a", "A", journal.Recorded), step(actions.Move, "b", "B", journal.Recorded))
	settle(&e, 0, actions.Outcome{State: actions.Done, Target: 4}, noon)
	if e.State != journal.Open || e.Next() != 1 {
		t.Fatalf("after the copy: %s, next %d", e.State, e.Next())
	}
	settle(&e, 1, actions.Outcome{State: actions.DoneLeft, Target: 5}, noon)
	if e.State != journal.Done || e.Steps[1].State != journal.StepLeft {
		t.Fatalf("after the move: %+v", e)
	}
}

func TestAFailedStepStopsTheChain(t *testing.T) {
	e := entryWith(step(actions.Copy, "a", "A", journal.Recorded), step(actions.Move, "b", "B", journal.Recorded))
	for i := range maxTries {
		if e.State != journal.Open {
			t.Fatalf("failed after %d tries", i)
		}
		settle(&e, 0, actions.Outcome{State: actions.NotDone}, noon)
	}
	if e.State != journal.Failed || e.Reason == "" || e.Steps[1].State != journal.Recorded {
		t.Fatalf("after %d tries: %+v", maxTries, e)
	}
}

func TestWithdraw(t *testing.T) {
	e := entryWith(
		step(actions.AddFlags, "r", "", journal.StepDone),
		step(actions.Copy, "gone", "A", journal.Recorded),
		step(actions.Move, "r", "B", journal.Recorded),
	)
	e.Steps[2].TargetNext = 77
	withdraw(&e, []journal.Step{
		step(actions.AddFlags, "r", "", journal.Recorded),
		step(actions.Copy, "new", "C", journal.Recorded),
		step(actions.Move, "r", "B", journal.Recorded),
	})
	var got []string
	for _, s := range e.Steps {
		got = append(got, s.Action.String()+" "+string(s.State))
	}
	want := []string{`add_flags: [\Seen] done`, "copy: C recorded", "move: B recorded", "copy: A withdrawn"}
	if !slices.Equal(got, want) {
		t.Fatalf("steps = %q, want %q", got, want)
	}
	if e.Steps[2].TargetNext != 77 {
		t.Fatal("the recorded UIDNEXT of an unfinished step was lost")
	}
}

func TestAsDecidedHidesOurOwnFlags(t *testing.T) {
	e := entryWith(step(actions.AddFlags, "r", "", journal.Recorded))
	got := asDecided([]imap.Flag{imap.FlagSeen, imap.FlagFlagged}, e)
	if hasFlag(got, imap.FlagSeen) || !hasFlag(got, imap.FlagFlagged) {
		t.Fatalf("flags = %v", got)
	}
	e.Flags = []imap.Flag{imap.FlagSeen}
	if !hasFlag(asDecided(nil, e), imap.FlagSeen) {
		t.Fatal("a flag that the decision saw is gone")
	}
}

func TestAssignGivesEachCopyOnce(t *testing.T) {
	p := fp("<a>", noon, 10)
	s := step(actions.Copy, "r", "T", journal.Recorded)
	s.TargetNext = 5
	make := func(uid imap.UID) *task {
		e := entryWith(s)
		e.UID, e.Print = uid, p
		return &task{Entry: e}
	}
	group := []*task{make(1), make(2), make(3)}
	there := []journal.Known{{UID: 4, Print: p}, {UID: 5, Print: p}, {UID: 6, Print: p}, {UID: 7, Print: fp("<b>", noon, 10)}}
	got, _ := assign(group, there, map[imap.UID]bool{6: true})
	if len(got) != 1 || got[1] != 5 {
		t.Fatalf("assign = %v: 4 is below the recorded UIDNEXT, 6 is claimed, 7 is another message", got)
	}
}

func TestDirectorySpellsBothWays(t *testing.T) {
	d := newDirectory('.', "INBOX.", []imapsession.MailboxInfo{
		{Name: "INBOX"}, {Name: "INBOX.Lists.go"}, {Name: "INBOX.Trash", Role: "trash"}, {Name: "INBOX.a/b"}, {Name: "Shared", NoSelect: true},
	})
	for server, config := range map[string]string{
		"INBOX": "INBOX", "INBOX.Lists.go": "Lists/go", "INBOX.Trash": "Trash", "INBOX.a/b": "a_b", "INBOX.New.x": "New/x",
	} {
		if got := d.config(server); got != config {
			t.Errorf("config(%q) = %q, want %q", server, got, config)
		}
		if got := d.server(config); got != server {
			t.Errorf("server(%q) = %q, want %q", config, got, server)
		}
	}
	if got := d.watched([]string{"inbox", "Lists/*", "role:trash", "*"}, nil); !slices.Equal(got, []string{"INBOX", "INBOX.Lists.go", "INBOX.Trash", "INBOX.a/b"}) {
		t.Errorf("watched = %q", got)
	}
}

func TestUsualNamesOnlyWithoutSpecialUse(t *testing.T) {
	d := newDirectory('/', "", []imapsession.MailboxInfo{{Name: "Trash"}, {Name: "Bin", Role: "trash"}})
	if got, _ := d.byRole("trash"); got != "Bin" {
		t.Errorf("byRole = %q, want the one that the server calls so", got)
	}
	if _, ok := d.byRole("junk"); ok {
		t.Error("found a junk mailbox that is not there")
	}
}

func TestErrorsWithoutAClass(t *testing.T) {
	if isClass(errors.New("x"), imapsession.Connection) || retryAfter(errors.New("x")) != 0 {
		t.Fatal("a foreign error has a class")
	}
}

// A look-alike that arrives at the same time is not taken for ours.
func TestExpectedArrivalsAreGivenToTheExactMessageFirst(t *testing.T) {
	ours, other := fp("<a>", noon, 10), fp("<a>", noon, 12)
	c := &connection{account: &account{expected: map[string]journal.Expected{
		"1.0": {ID: "1.0", Mailbox: "Lists", UIDNext: 5, Print: ours},
	}}}
	all := []*candidate{{print: other}, {print: ours}}
	all[0].fetched.UID, all[1].fetched.UID = 5, 6
	c.recognise(journal.Cursor{Mailbox: "Lists", UIDValidity: 1}, all)
	if all[0].arrived != "" || all[1].arrived != "1.0" {
		t.Errorf("the look-alike got %q, ours %q", all[0].arrived, all[1].arrived)
	}
}

// What was held is kept from acting by what another entry did since, and by nothing
// that was known when it was held.
func TestActedSince(t *testing.T) {
	held := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	before, after := held.Add(-time.Hour), held.Add(time.Hour)
	for _, c := range []struct {
		trigger, other string
		state          journal.EntryState
		updated        time.Time
		want           bool
	}{
		{journal.TriggerApply, journal.TriggerArrival, journal.Open, after, true},
		{journal.TriggerApply, journal.TriggerArrival, journal.Done, after, true},
		{journal.TriggerApply, journal.TriggerArrival, journal.Done, before, false},
		{journal.TriggerApply, journal.TriggerArrival, journal.Skipped, after, false},
		{journal.TriggerSchedule, journal.TriggerSchedule, journal.Done, before, false},
		{journal.TriggerFlags, journal.TriggerFlags, journal.Done, after, false},
		{journal.TriggerFlags, journal.TriggerApply, journal.Done, after, true},
		{journal.TriggerApply, journal.TriggerFlags, journal.Done, after, true},
	} {
		got := actedSince(journal.Entry{Trigger: c.trigger, Decided: held}, journal.Entry{Trigger: c.other, State: c.state, Updated: c.updated})
		if got != c.want {
			t.Errorf("%s, then %s %s at %v: %v", c.trigger, c.other, c.state, c.updated, got)
		}
	}
}

// Logins in a row that come to nothing are a minute apart from the second on, whether the
// server takes them or does not answer; refusals, of which there are three, and attempts that
// end before a login may follow sooner.
func TestFailingLoginsAreAMinuteApart(t *testing.T) {
	timing := new(Timing{}.withDefaults())
	for _, tc := range []struct {
		op    string
		class imapsession.Class
		in    bool // the login worked
		least time.Duration
	}{
		{"AUTHENTICATE", imapsession.Connection, false, time.Minute},
		{"LOGIN", imapsession.Auth, false, 0},
		{"LIST", imapsession.Connection, true, time.Minute},
		{"CONNECT", imapsession.Connection, false, 0},
		{"LOGIN", imapsession.Config, false, 0}, // there was nothing to show
	} {
		b := backoff{timing: timing}
		for i := range 4 {
			if tc.in {
				b.connected()
			}
			v := b.failed(&imapsession.Error{Op: tc.op, Class: tc.class}, 0)
			if i == 0 && v.wait > 2*time.Second || i > 0 && v.wait < tc.least || i == 1 && tc.least == 0 && v.wait > 6*time.Second {
				t.Errorf("%s, class %v: %s after failure %d", tc.op, tc.class, v.wait, i+1)
			}
		}
	}
}
