package schedule

import (
	"testing"
	"time"
)

// FuzzParse: what parses has a next run within nine years of any instant, and
// its instants are one sequence whichever way they are asked for.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"0 3 * * *", "@every 1h", "TZ=", "TZ=UTC", "*/0 * * * *", "1-2/3,4 * * feb sun", "@", "0 0 29 2 *", "30 */24 29 2 ?", ", , , , ,", "*-5 */5 31 */2 *",
	} {
		f.Add(seed, int64(1774746000), uint8(0)) // when Berlin's clocks go forward in 2026
		f.Add(seed, int64(3981297600), uint8(1)) // 2096-02-29
	}
	var zones []*time.Location
	for _, name := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "UTC"} {
		zones = append(zones, location(f, name))
	}
	f.Fuzz(func(t *testing.T, expr string, after int64, zone uint8) {
		s, err := Parse(expr, zones[int(zone)%len(zones)])
		if err != nil {
			if err.Error() == "" || !s.IsZero() {
				t.Errorf("%q beside %v", err, s)
			}
			return
		}
		checkNext(t, s, time.Unix(after, 0))
	})
}

func checkNext(t *testing.T, s Schedule, after time.Time) {
	next := s.Next(after)
	if next.IsZero() {
		// Nine years are more than from one 29 February to the next.
		if after.Unix() < endSecond-9*366*86400 {
			t.Fatalf("%v never runs after %v", s, after.UTC())
		}
		return
	}
	if after.Unix() < firstSecond {
		after = time.Time{}
	}
	if !next.After(after) || next.After(after.AddDate(9, 0, 0)) {
		t.Fatalf("%v runs at %v after %v", s, next, after.UTC())
	}
	if at, missed := s.Due(after, next); !at.Equal(next) || missed != 0 {
		t.Fatalf("%v is due at %v with %d missed, want %v", s, at, missed, next)
	}
	if s.every > 0 {
		return
	}
	if again := s.Next(next.Add(-1)); !again.Equal(next) {
		t.Fatalf("%v runs at %v, and from just before that at %v", s, next, again)
	}
	if middle := s.Next(after.Add(next.Sub(after) / 2)); !middle.Equal(next) {
		t.Fatalf("%v runs at %v, and from half way at %v", s, next, middle)
	}
}
