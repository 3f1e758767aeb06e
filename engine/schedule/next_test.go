package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNextIsWhatAWalkOverTwoYearsFinds holds every run of two years, with all the
// changes of the clocks in them, against a walk over each minute.
func TestNextIsWhatAWalkOverTwoYearsFinds(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"} {
		t.Run(zone, func(t *testing.T) {
			loc := location(t, zone)
			from := time.Date(2026, time.January, 1, 0, 0, 0, 0, loc).Add(-time.Minute)
			w := newWalk(loc, from, time.Date(2028, time.January, 1, 0, 0, 0, 0, loc))
			for _, hhmm := range []string{"02:15", "02:30", "03:00", "00:00", "01:45", "02:00", "01:30"} {
				t.Run(hhmm, func(t *testing.T) { daily(t, w, hhmm) })
			}
			for _, test := range rhythms() {
				t.Run(test.expr, func(t *testing.T) {
					want := w.rhythm(test.matches)
					if len(want) < 2*365*8 {
						t.Fatalf("the walk found %d instants only", len(want))
					}
					w.compare(t, mustParse(t, test.expr, loc), want)
				})
			}
		})
	}
}

type rhythm struct {
	expr    string
	matches func(shown time.Time) bool
}

func rhythms() []rhythm {
	hourly := func(at time.Time) bool { return at.Minute() == 0 }
	return []rhythm{
		{"0 * * * *", hourly},
		{"@hourly", hourly},
		{"0 */1 * * *", hourly},
		{"0 ? * * *", hourly},
		{"15 * * * *", func(at time.Time) bool { return at.Minute() == 15 }},
		{"*/30 * * * *", func(at time.Time) bool { return at.Minute()%30 == 0 }},
		{"30 */2 * * *", func(at time.Time) bool { return at.Minute() == 30 && at.Hour()%2 == 0 }},
		{"30 */2,1 * * *", func(at time.Time) bool { return at.Minute() == 30 && (at.Hour()%2 == 0 || at.Hour() == 1) }},
	}
}

// daily expects one run on each date, none on another's, and where the walk
// finds it.
func daily(t *testing.T, w walk, hhmm string) {
	clock, err := time.Parse("15:04", hhmm)
	if err != nil {
		t.Fatal(err)
	}
	s := mustParse(t, clock.Format("4 15 * * *"), w.loc)
	w.compare(t, s, w.fixed(func(at time.Time) bool { return at.Hour() == clock.Hour() && at.Minute() == clock.Minute() }))
	date := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	at := s.Next(w.from)
	for range 730 {
		if got := at.Format(time.DateOnly); got != date.Format(time.DateOnly) {
			t.Fatalf("a run on %s, want the one of %v", got, date)
		}
		at, date = s.Next(at), date.AddDate(0, 0, 1)
	}
}

func TestNextAtAChangeOfTheClocks(t *testing.T) {
	tests := []struct{ name, zone, expr, after, runs string }{
		{"the gap", "Europe/Berlin", "30 2 * * *", "2026-03-28 12:00", "2026-03-29 03:00 +0200, 2026-03-30 02:30 +0200"},
		{"two in the gap", "Europe/Berlin", "15,45 2 * * *", "2026-03-28 12:00", "2026-03-29 03:00 +0200, 2026-03-30 02:15 +0200"},
		{"the gap and its end", "Europe/Berlin", "0 2,3 * * *", "2026-03-28 12:00", "2026-03-29 03:00 +0200, 2026-03-30 02:00 +0200"},
		{"the last reading before the gap", "Europe/Berlin", "59 1 * * *", "2026-03-28 12:00", "2026-03-29 01:59 +0100, 2026-03-30 01:59 +0200"},
		{"a range of all hours is fixed", "Europe/Berlin", "30 0-23 * * *", "2026-03-29 01:00", "2026-03-29 01:30 +0100, 2026-03-29 03:00 +0200, 2026-03-29 03:30 +0200"},
		{"so is a step from a number", "Europe/Berlin", "30 0/2 * * *", "2026-03-29 01:00", "2026-03-29 03:00 +0200, 2026-03-29 04:30 +0200"},
		{"a rhythm has none in the gap", "Europe/Berlin", "30 */2 * * *", "2026-03-29 01:00", "2026-03-29 04:30 +0200"},
		{"nor has one within a list", "Europe/Berlin", "30 1,?/2 * * *", "2026-03-29 01:00", "2026-03-29 01:30 +0100, 2026-03-29 04:30 +0200"},
		{"the overlap", "Europe/Berlin", "30 2 * * *", "2026-10-24 12:00", "2026-10-25 02:30 +0200, 2026-10-26 02:30 +0100"},
		{"between the two", "Europe/Berlin", "30 2 * * *", "2026-10-25 02:45 +0200", "2026-10-26 02:30 +0100"},
		{"before the second", "Europe/Berlin", "30 2 * * *", "2026-10-25 02:15 +0100", "2026-10-26 02:30 +0100"},
		{"minutes in the overlap run once", "Europe/Berlin", "*/30 2 * * *", "2026-10-24 12:00", "2026-10-25 02:00 +0200, 2026-10-25 02:30 +0200, 2026-10-26 02:00 +0100"},
		{"the end of the overlap", "Europe/Berlin", "0 3 * * *", "2026-10-25 02:59 +0200", "2026-10-25 03:00 +0100"},
		{"a rhythm runs in both", "Europe/Berlin", "@hourly", "2026-10-25 01:00", "2026-10-25 02:00 +0200, 2026-10-25 02:00 +0100, 2026-10-25 03:00 +0100"},
		{"half an hour forward", "Australia/Lord_Howe", "@hourly", "2026-10-04 00:30", "2026-10-04 01:00 +1030, 2026-10-04 03:00 +1100"},
		{"half an hour back", "Australia/Lord_Howe", "*/30 * * * *", "2026-04-05 01:15", "2026-04-05 01:30 +1100, 2026-04-05 01:30 +1030, 2026-04-05 02:00 +1030"},
		{"no midnight", "America/Santiago", "@daily", "2026-09-05 12:00", "2026-09-06 01:00 -0300, 2026-09-07 00:00 -0300"},
		{"midnight nearly twice", "America/Santiago", "@daily", "2026-04-04 12:00", "2026-04-05 00:00 -0400, 2026-04-06 00:00 -0400"},
		{"no midnight in Beirut", "Asia/Beirut", "@midnight", "2026-03-28 12:00", "2026-03-29 01:00 +0300, 2026-03-30 00:00 +0300"},
		{"a month without its first midnight", "America/Sao_Paulo", "@monthly", "1990-01-15 12:00", "1990-02-01 00:00 -0200, 1990-03-01 00:00 -0300"},
		{"a gap that ends at midnight", "America/Nuuk", "30 23 * * *", "2026-03-28 12:00", "2026-03-29 00:00 -0100, 2026-03-29 23:30 -0100"},
		{"and meets the next day's", "America/Nuuk", "0,30 0,23 * * *", "2026-03-28 12:00", "2026-03-29 00:00 -0100, 2026-03-29 00:30 -0100, 2026-03-29 23:00 -0100"},
		{"a date left out", "Pacific/Apia", "@daily", "2011-12-28 12:00", "2011-12-29 00:00 -1000, 2011-12-31 00:00 +1400, 2012-01-01 00:00 +1400"},
		{"its afternoon", "Pacific/Apia", "0 15 * * *", "2011-12-28 18:00", "2011-12-29 15:00 -1000, 2011-12-31 15:00 +1400"},
		{"a year without the date", "Pacific/Apia", "0 15 30 12 *", "2011-01-01 00:00", "2012-12-30 15:00 +1400"},
		{"a rhythm on a date left out", "Pacific/Apia", "0 */12 30 12 *", "2011-01-01 00:00", "2012-12-30 00:00 +1400, 2012-12-30 12:00 +1400"},
		{"a date left out of a clock with odd seconds", "Asia/Manila", "0 12 * * *", "1844-12-29 12:00", "1844-12-30 12:00 -1556, 1845-01-01 12:00 +0803"},
		{"a date shown twice", "America/Sitka", "0 12 * * *", "1867-10-17 13:00", "1867-10-18 12:00 +1458, 1867-10-19 12:00 +1458, 1867-10-20 12:00 -0901"},
		{"the last day of a far leap year", "Europe/Berlin", "0 */8 * * *", "2060-12-30 20:00", "2060-12-31 00:00 +0100, 2060-12-31 08:00 +0100, 2060-12-31 16:00 +0100, 2061-01-01 00:00 +0100"},
		{"the same with fixed hours", "Europe/Berlin", "30 23 31 12 *", "2060-12-30 20:00", "2060-12-31 23:30 +0100, 2061-12-31 23:30 +0100"},
		{"the gap of a far year", "America/New_York", "30 2 * * *", "2080-03-09 12:00", "2080-03-10 03:00 -0400, 2080-03-11 02:30 -0400"},
		{"no leap year in 2100", "Europe/Berlin", "0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00 +0100"},
		{"a rhythm over eight years", "Europe/Berlin", "0 */12 29 2 *", "2096-02-29 12:00", "2104-02-29 00:00 +0100"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			loc := location(t, test.zone)
			s := mustParse(t, test.expr, loc)
			at := instant(t, test.after, loc)
			for _, run := range strings.Split(test.runs, ", ") {
				at = s.Next(at)
				if got := at.Format("2006-01-02 15:04 -0700"); got != run {
					t.Fatalf("%s runs at %s, want %s", test.expr, got, run)
				}
			}
		})
	}
}

func TestDescriptorsAreTheirFields(t *testing.T) {
	chile := location(t, "America/Santiago")
	for descriptor, expr := range map[string]string{
		"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
		"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "  @daily ": "  0 0 * * * ",
	} {
		a, b := mustParse(t, descriptor, chile), mustParse(t, expr, chile)
		if a.fixed != b.fixed || a.fields != b.fields {
			t.Errorf("%s is not %s", descriptor, expr)
		}
	}
}

func TestDayFields(t *testing.T) {
	tests := []struct{ expr, runs string }{
		{"0 3 13 * 5", "2026-05-08, 2026-05-13, 2026-05-15"},
		{"0 3 13 * *", "2026-05-13, 2026-06-13"},
		{"0 3 * * fri", "2026-05-08, 2026-05-15"},
		{"0 3 */1 * fri", "2026-05-08, 2026-05-15"},
		{"0 3 */15 * fri", "2026-05-08, 2026-05-15, 2026-05-16"},
		{"0 3 13 * */1", "2026-05-13, 2026-06-13"},
		{"0 3 31 * ?", "2026-05-31, 2026-07-31"},
	}
	for _, test := range tests {
		t.Run(test.expr, func(t *testing.T) {
			s := mustParse(t, test.expr, time.UTC)
			at := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)
			for _, run := range strings.Split(test.runs, ", ") {
				if at = s.Next(at); at.Format("2006-01-02 15:04") != run+" 03:00" {
					t.Fatalf("a run at %v, want %s", at, run)
				}
			}
		})
	}
}

func TestEveryIsElapsedTime(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	s := mustParse(t, "@every 6h", berlin)
	for _, after := range []string{"2026-03-28 23:17", "2026-10-24 23:17"} {
		from := instant(t, after, berlin).Add(time.Nanosecond)
		next := s.Next(from)
		if next.Sub(from) != 6*time.Hour || next.Location() != berlin {
			t.Errorf("%v after %v", next, from)
		}
		if next.Hour() == 5 {
			t.Errorf("%v: the clocks did not change, so nothing was tested", next)
		}
	}
}

// TestNextReadsWallTime: the monotonic clock stands still while a machine sleeps.
func TestNextReadsWallTime(t *testing.T) {
	s := mustParse(t, "@every 6h", time.UTC)
	if next := s.Next(time.Now()); next != next.Round(0) {
		t.Errorf("%v carries a monotonic reading", next)
	}
}

func TestNextHasLimits(t *testing.T) {
	for _, expr := range []string{"* * * * *", "0 0 1 1 *", "@every 1m"} {
		s := mustParse(t, expr, location(t, "America/New_York"))
		for _, seconds := range []int64{endSecond, endSecond + 1, 1<<63 - 1} {
			if next := s.Next(time.Unix(seconds, 0)); !next.IsZero() {
				t.Errorf("%s: %v after the year 9999", expr, next)
			}
		}
		if next := s.Next(time.Unix(endSecond-1, 0)); next.Unix() >= endSecond {
			t.Errorf("%s: %v", expr, next)
		}
		first := s.Next(time.Time{})
		for _, seconds := range []int64{firstSecond - 1, -1 << 63} {
			if next := s.Next(time.Unix(seconds, 0)); !next.Equal(first) || !next.After(time.Time{}) {
				t.Errorf("%s: %v, want %v", expr, next, first)
			}
		}
	}
}

// TestNextOfRandomExpressions draws fields and compares with a walk around the
// changes of the clocks in many zones.
func TestNextOfRandomExpressions(t *testing.T) {
	changes := []struct{ zone, at string }{
		{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"},
		{"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2027-10-03"},
		{"America/Santiago", "2026-04-05"}, {"America/Santiago", "2026-09-06"},
		{"America/Nuuk", "2026-03-29"}, {"America/Nuuk", "2026-10-25"},
		{"America/Havana", "2026-03-08"}, {"America/Havana", "2026-11-01"},
		{"America/St_Johns", "2006-04-02"}, {"America/St_Johns", "2006-10-29"},
		{"Antarctica/Troll", "2026-03-29"}, {"Antarctica/Troll", "2026-10-25"},
		{"Pacific/Apia", "2011-12-30"}, {"Pacific/Kwajalein", "1993-08-21"},
		{"Africa/Casablanca", "2026-02-15"}, {"Africa/Casablanca", "2026-03-22"},
		{"Asia/Pyongyang", "2015-08-15"}, {"Europe/Berlin", "2060-12-31"}, {"America/New_York", "2096-02-29"},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, change := range changes {
		t.Run(change.zone+" "+change.at, func(t *testing.T) {
			loc := location(t, change.zone)
			middle := instant(t, change.at+" 00:00 +0000", loc)
			w := newWalk(loc, middle.AddDate(0, 0, -4), middle.AddDate(0, 0, 4))
			for range 60 {
				e := drawn(random, middle)
				want := w.fixed
				if e.rhythm {
					want = w.rhythm
				}
				t.Run(e.expr, func(t *testing.T) { w.compare(t, mustParse(t, e.expr, loc), want(e.matches)) })
			}
		})
	}
}

// expression is one that was drawn, with what it means.
type expression struct {
	expr                  string
	rhythm                bool
	minutes, hours, dates []int
}

func (e expression) matches(at time.Time) bool {
	return slices.Contains(e.minutes, at.Minute()) && slices.Contains(e.hours, at.Hour()) &&
		(e.dates == nil || slices.Contains(e.dates, at.Day()))
}

// drawn returns an expression with lists of minutes and hours, or a rhythm of
// hours, on all days or on some around the middle.
func drawn(random *rand.Rand, middle time.Time) expression {
	e := expression{minutes: some(random, 60), hours: some(random, 24)}
	minutes, hours, dates := list(e.minutes), list(e.hours), "*"
	if step := 1 + random.IntN(5); random.IntN(2) == 0 {
		e.rhythm, e.hours, hours = true, nil, fmt.Sprintf("*/%d", step)
		for h := 0; h < 24; h += step {
			e.hours = append(e.hours, h)
		}
	}
	if random.IntN(3) == 0 {
		for range 1 + random.IntN(3) {
			e.dates = append(e.dates, middle.AddDate(0, 0, random.IntN(4)-2).Day())
		}
		dates = list(e.dates)
	}
	e.expr = fmt.Sprintf("%s %s %s * *", minutes, hours, dates)
	return e
}

// some draws one to four numbers below n, the low ones more often: clocks change
// at night.
func some(random *rand.Rand, n int) []int {
	var all []int
	for range 1 + random.IntN(4) {
		all = append(all, random.IntN(1+random.IntN(n)))
	}
	return all
}

func list(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ","), "[]")
}

// BenchmarkNext: 29 February from 2096 on is the farthest, with each change of
// the clocks between for a rhythm, and the zone's rule instead of its table.
func BenchmarkNext(b *testing.B) {
	berlin := location(b, "Europe/Berlin")
	for _, expr := range []string{"0 */12 29 2 *", "0 0 29 2 *", "* * * * *", "30 2 * * *"} {
		b.Run(expr, func(b *testing.B) {
			s := mustParse(b, expr, berlin)
			after := time.Date(2096, time.February, 29, 12, 0, 0, 0, berlin)
			for b.Loop() {
				if s.Next(after).IsZero() {
					b.Fatal("never")
				}
			}
		})
	}
}
