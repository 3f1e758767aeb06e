package engine

import (
	"slices"
	"testing"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/schedule"
)

func daily(t *testing.T, catchUp bool) timer {
	t.Helper()
	at, err := schedule.Parse("0 3 * * *", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return timer{RuleSchedule: config.RuleSchedule{Rule: "r", At: at, CatchUp: catchUp}}
}

func TestFirings(t *testing.T) {
	day := func(d, h int) time.Time { return time.Date(2026, 6, d, h, 0, 0, 0, time.UTC) }
	ended := func(due time.Time) journal.Run { return journal.Run{Rule: "r", Due: due, Started: due, Ended: due} }
	cut := journal.Run{Rule: "r", Due: day(1, 3), Started: day(1, 3)}
	for _, test := range []struct {
		name     string
		timer    timer
		last     *journal.Run
		running  bool
		now      time.Time
		starting bool
		due      time.Time // of the firing, zero for none
		missed   int
		seen     time.Time // of what is only noted
	}{
		{name: "a rule that is new starts its clock", timer: daily(t, true), now: day(1, 4), starting: true, seen: day(1, 4)},
		{name: "not yet", timer: daily(t, true), last: &journal.Run{Rule: "r", Due: day(1, 4)}, now: day(2, 2)},
		{name: "due", timer: daily(t, true), last: &journal.Run{Rule: "r", Due: day(1, 4)}, now: day(2, 3), due: day(2, 3)},
		{name: "done already", timer: daily(t, true), last: new(ended(day(2, 3))), now: day(2, 20)},
		{name: "one run for three days", timer: daily(t, true), last: new(ended(day(1, 3))), now: day(4, 12), starting: true, due: day(4, 3), missed: 2},
		{name: "not caught up", timer: daily(t, false), last: new(ended(day(1, 3))), now: day(4, 12), starting: true, seen: day(4, 3)},
		{name: "due while it runs, without catching up", timer: daily(t, false), last: new(ended(day(1, 3))), now: day(2, 3), due: day(2, 3)},
		{name: "never two at a time", timer: daily(t, true), last: &cut, running: true, now: day(2, 3)},
		{name: "cut off, it goes on", timer: daily(t, false), last: &cut, now: day(1, 5), starting: true, due: day(1, 3)},
	} {
		runs := map[string]journal.Run{}
		if test.last != nil {
			runs["r"] = *test.last
		}
		out, seen := firings("home", []timer{test.timer}, runs, map[string]bool{"r": test.running}, test.now, test.starting)
		if (len(out) == 1) != !test.due.IsZero() || len(out) > 0 && (!out[0].run.Due.Equal(test.due) || out[0].run.Missed != test.missed) {
			t.Errorf("%s: firings %+v", test.name, out)
		}
		if (len(seen) == 1) != !test.seen.IsZero() || len(seen) > 0 && !seen[0].Due.Equal(test.seen) {
			t.Errorf("%s: noted %+v", test.name, seen)
		}
	}
}

// TestAnUnknownClockBeginsAtOnce: a rule that the journal does not know, as where
// the commit that said so failed, is not left until something else wakes the owner.
func TestAnUnknownClockBeginsAtOnce(t *testing.T) {
	a := &account{timers: []timer{daily(t, true)}, runs: map[string]journal.Run{}}
	c := &connection{account: a}
	if at := c.nextRun(); at.IsZero() || at.After(time.Now()) {
		t.Errorf("its clock begins at %v", at)
	}
	put(&a.runs, "r", journal.Run{Rule: "r", Due: time.Now()})
	if at := c.nextRun(); !at.After(time.Now()) {
		t.Errorf("it begins at %v, which is not the next time", at)
	}
}

// TestJitterMovesTheBeginning: a run begins later, and at the same instant after a
// restart.
func TestJitterMovesTheBeginning(t *testing.T) {
	clock := daily(t, true)
	clock.Jitter = time.Hour
	due := time.Date(2026, 6, 2, 3, 0, 0, 0, time.UTC)
	begins := clock.begins("home", due)
	if !begins.After(due) || begins.After(due.Add(time.Hour)) || begins.Equal(clock.begins("work", due)) {
		t.Fatalf("begins at %v, of another account at %v", begins, clock.begins("work", due))
	}
	runs := map[string]journal.Run{"r": {Rule: "r", Due: due.Add(-24 * time.Hour), Started: due, Ended: due}}
	before, _ := firings("home", []timer{clock}, runs, nil, begins.Add(-time.Second), false)
	at, _ := firings("home", []timer{clock}, runs, nil, begins, false)
	if len(before) != 0 || len(at) != 1 {
		t.Errorf("%d firings before, %d at its time", len(before), len(at))
	}
}

// TestTwoYearsOfClocks runs the loop's own decisions over two years in three zones,
// an hour at a time: each daily rule is run once a local day, whatever the clocks
// do.
func TestTwoYearsOfClocks(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, expr := range []string{"15 2 * * *", "30 2 * * *"} {
			at, err := schedule.Parse(expr, loc)
			if err != nil {
				t.Fatal(err)
			}
			timers := []timer{{RuleSchedule: config.RuleSchedule{Rule: "r", At: at, CatchUp: true}}}
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, loc)
			runs := map[string]journal.Run{"r": {Rule: "r", Due: start}}
			var days []string
			for now := start; now.Before(start.AddDate(2, 0, 0)); now = now.Add(7 * time.Minute) {
				out, _ := firings("home", timers, runs, nil, now, false)
				for _, f := range out {
					days = append(days, f.run.Due.In(loc).Format(time.DateOnly))
					f.run.Ended = now
					runs["r"] = f.run
				}
			}
			var want []string
			for d := start; d.Before(start.AddDate(2, 0, 0)); d = d.AddDate(0, 0, 1) {
				want = append(want, d.Format(time.DateOnly))
			}
			if !slices.Equal(days, want) {
				t.Errorf("%s, %s: %d runs, want %d", zone, expr, len(days), len(want))
			}
		}
	}
}
