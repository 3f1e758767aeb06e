package schedule

import (
	"testing"
	"time"
)

// walk is what a zone's clock shows at each minute from an instant on: the
// expectation of the tests, found without any of the package's arithmetic.
type walk struct {
	loc      *time.Location
	from, to time.Time
	shows    []time.Time // the local date and time of day, written as UTC
	first    []passed
}

// passed is a reading that the clock shows or jumps over for the first time.
type passed struct {
	reading time.Time
	minute  int
}

func newWalk(loc *time.Location, from, to time.Time) walk {
	w := walk{loc: loc, from: from, to: to}
	for at := from; !at.After(to); at = at.Add(time.Minute) {
		local := at.In(loc)
		y, m, d := local.Date()
		w.shows = append(w.shows, time.Date(y, m, d, local.Hour(), local.Minute(), 0, 0, time.UTC))
	}
	w.pass()
	return w
}

// pass finds when each reading is passed first, on dates that the zone has.
func (w *walk) pass() {
	dates := map[time.Time]bool{}
	for _, shown := range w.shows {
		dates[shown.Truncate(day)] = true
	}
	next := w.shows[0].Add(time.Minute)
	for i, shown := range w.shows {
		for ; !next.After(shown); next = next.Add(time.Minute) {
			if dates[next.Truncate(day)] {
				w.first = append(w.first, passed{next, i})
			}
		}
	}
}

func (w walk) at(i int) time.Time { return w.from.Add(time.Duration(i) * time.Minute) }

// rhythm returns each instant whose reading matches.
func (w walk) rhythm(matches func(shown time.Time) bool) []time.Time {
	var all []time.Time
	for i, shown := range w.shows {
		if i > 0 && matches(shown) {
			all = append(all, w.at(i))
		}
	}
	return all
}

// fixed returns the instants of readings that each run once.
func (w walk) fixed(matches func(shown time.Time) bool) []time.Time {
	var all []time.Time
	last := 0
	for _, p := range w.first {
		if p.minute > last && matches(p.reading) {
			all = append(all, w.at(p.minute))
			last = p.minute
		}
	}
	return all
}

// compare asks the schedule for all its instants in the walk.
func (w walk) compare(t *testing.T, s Schedule, want []time.Time) {
	t.Helper()
	at := s.Next(w.from)
	for i, expected := range want {
		if !at.Equal(expected) {
			t.Fatalf("run %d is at %v, want %v", i, at, expected.In(w.loc))
		}
		at = s.Next(at)
	}
	if !at.After(w.to) {
		t.Errorf("a run at %v that nobody expects", at)
	}
}
