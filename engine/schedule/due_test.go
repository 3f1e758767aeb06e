package schedule

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	tests := []struct {
		name, expr, last, now, at string
		missed                    int
	}{
		{"none yet", "0 3 * * *", "2026-05-01 03:00", "2026-05-02 02:59", "", 0},
		{"last is not counted, now is", "0 3 * * *", "2026-05-01 03:00", "2026-05-02 03:00", "2026-05-02 03:00", 0},
		{"a weekend off", "0 3 * * *", "2026-05-01 03:00", "2026-05-04 12:00", "2026-05-04 03:00", 2},
		{"the clock was put back", "0 3 * * *", "2026-05-02 03:00", "2026-05-01 12:00", "", 0},
		{"no time passed", "* * * * *", "2026-05-02 03:00", "2026-05-02 03:00", "", 0},
		{"the most that is counted", "* * * * *", "2026-05-01 00:00", "2026-05-01 16:41", "2026-05-01 16:41", 1000},
		{"years of minutes", "* * * * *", "2016-05-01 00:00", "2026-05-02 03:04", "2026-05-02 03:04", 1000},
		{"minutes since the year 1", "* * * * *", "0001-01-01 00:00", "2026-05-02 03:04", "2026-05-02 03:04", 1000},
		{"years of days, none today", "0 3 * * *", "2016-05-01 00:00", "2026-05-02 02:59", "2026-05-01 03:00", 1000},
		{"every, from last on", "@every 6h", "2026-05-01 03:07", "2026-05-02 03:06", "2026-05-01 21:07", 2},
		{"every, just now", "@every 6h", "2026-05-01 03:07", "2026-05-01 09:07", "2026-05-01 09:07", 0},
		{"every, none", "@every 6h", "2026-05-01 03:07", "2026-05-01 09:06", "", 0},
		{"every, for years", "@every 1m", "2016-05-01 00:00", "2026-05-02 03:04", "2026-05-02 03:04", 1000},
		{"every, for longer than a Duration", "@every 6h", "1526-05-01 03:07", "2026-05-02 03:06", "2026-05-01 21:07", 1000},
		{"cron, for longer than a Duration", "0 3 * * *", "1526-05-01 03:07", "2026-05-02 03:06", "2026-05-02 03:00", 1000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := mustParse(t, test.expr, time.UTC)
			at, missed := s.Due(instant(t, test.last, time.UTC), instant(t, test.now, time.UTC))
			var got string
			if !at.IsZero() {
				got = at.Format("2006-01-02 15:04")
			}
			if got != test.at || missed != test.missed {
				t.Errorf("%q and %d missed, want %q and %d", got, missed, test.at, test.missed)
			}
		})
	}
}

func TestDueOfEveryKeepsTheNanoseconds(t *testing.T) {
	s := mustParse(t, "@every 1m", time.UTC)
	last := time.Unix(0, 500)
	if at, _ := s.Due(last, time.Unix(6000*60, 499)); !at.Equal(time.Unix(5999*60, 500)) {
		t.Errorf("due at %v", at)
	}
	if at, _ := s.Due(last, time.Unix(6000*60, 500)); !at.Equal(time.Unix(6000*60, 500)) {
		t.Errorf("due at %v", at)
	}
}

func TestDueHasLimits(t *testing.T) {
	end := time.Unix(endSecond, 0)
	for _, expr := range []string{"* * * * *", "@every 1m"} {
		s := mustParse(t, expr, time.UTC)
		at, missed := s.Due(end.Add(-2000*time.Minute), time.Unix(1<<62, 0))
		if !at.Equal(end.Add(-time.Minute)) || missed != maxMissed {
			t.Errorf("%s: %v and %d", expr, at, missed)
		}
	}
}

// TestDueAgreesWithNext takes random pairs of instants around a change of the
// clocks and counts with Next alone.
func TestDueAgreesWithNext(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	random := rand.New(rand.NewPCG(3, 4))
	start := time.Date(2026, time.October, 20, 0, 0, 0, 0, berlin)
	for _, expr := range []string{"30 2 * * *", "*/5 * * * *", "0 */2 * * *", "* * * * *", "@hourly", "@every 7m", "@weekly"} {
		s := mustParse(t, expr, berlin)
		for range 200 {
			last := start.Add(time.Duration(random.Int64N(int64(8 * 24 * time.Hour))))
			now := last.Add(time.Duration(random.Int64N(int64(3 * 24 * time.Hour))))
			var want time.Time
			runs := 0
			for next := s.Next(last); !next.After(now); next = s.Next(next) {
				want, runs = next, runs+1
			}
			at, missed := s.Due(last, now)
			if !at.Equal(want) || missed != min(max(0, runs-1), maxMissed) {
				t.Fatalf("%s from %v to %v: %v and %d, want %v of %d runs", expr, last, now, at, missed, want, runs)
			}
		}
	}
}

// BenchmarkDue: ten years of minutes.
func BenchmarkDue(b *testing.B) {
	s := mustParse(b, "* * * * *", location(b, "Europe/Berlin"))
	now := time.Date(2036, time.May, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		if at, _ := s.Due(now.AddDate(-10, 0, 0), now); !at.Equal(now) {
			b.Fatal(at)
		}
	}
}
