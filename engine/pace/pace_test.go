package pace

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]Span{
		"22:00-07:00": {1320, 420}, "0:00-24:00": {}, "9:30 - 10:00": {570, 600}, "13:00-24:00": {780, 0},
		"22-7": {}, "25:00-07:00": {}, "22:60-07:00": {}, "24:30-1:00": {}, "": {}, "22:00": {}, "7:0-8:00": {}, "-1:00-2:00": {},
	} {
		got, err := ParseSpan(text)
		if got != want || (err == nil) != (want != Span{}) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// In every minute of the days on which clocks change, the end of a quiet hour is the
// first minute that is not quiet.
func TestQuietUntilTheFirstMinuteThatIsNot(t *testing.T) {
	for _, c := range []struct{ name, day string }{
		{"Europe/Berlin", "2026-03-28"}, {"Europe/Berlin", "2026-10-24"}, {"America/New_York", "2026-03-07"},
		{"America/New_York", "2026-10-31"}, {"Australia/Lord_Howe", "2026-04-04"}, {"Australia/Lord_Howe", "2026-10-03"}, {"America/Sao_Paulo", "2018-11-03"},
	} {
		in := zone(t, c.name)
		begin, err := time.ParseInLocation(time.DateOnly, c.day, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []Quiet{{{1320, 420}}, {{60, 150}}, {{120, 180}, {180, 200}}, {{0, 150}, {700, 710}}, {{1439, 1}}} {
			for m := range 3 * 24 * 60 {
				at := begin.Add(time.Duration(m) * time.Minute)
				want := at
				for {
					if _, quiet := q.at(want, in); !quiet {
						break
					}
					want = want.Add(time.Minute)
				}
				if got := q.Until(at, in); !got.Equal(want) {
					t.Fatalf("%s %v: from %v until %v, want %v", c.name, q, at, got, want)
				}
			}
		}
	}
	all := Quiet{{0, 720}, {720, 0}}
	if at := time.Now(); !all.Until(at, time.UTC).Equal(at) {
		t.Error("a day that is quiet from end to end never ends")
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"10/h": {10, time.Hour}, "3/24h": {3, 24 * time.Hour}, "1 / 7d": {1, 168 * time.Hour}, "5/90m": {5, 90 * time.Minute}, "2/m": {2, time.Minute},
		"0/h": {}, "10": {}, "10/": {}, "-1/h": {}, "10/1s": {}, "10/99d": {}, "99999/h": {}, "1/1.5d": {1, 36 * time.Hour}, "1/d2": {},
	} {
		got, err := ParseRate(text)
		if got != want || (err == nil) != (want != Rate{}) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// Whatever is asked for in whatever order, no stretch of time has more than its
// limits allow, nothing is given out in a forbidden hour, and nothing waits longer
// than it must.
func TestSlotsKeepToTheirLimits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	quiet := Quiet{{1320, 420}}
	free := func(at time.Time) time.Time { return quiet.Until(at, time.UTC) }
	var s Slots
	rule, sender := Rate{20, time.Hour}, Rate{2, 24 * time.Hour}
	given := map[string][]time.Time{}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 3000 {
		now = now.Add(time.Duration(random.IntN(120)) * time.Second)
		from := string(rune('a' + random.IntN(200)))
		at := s.Reserve(now, free, Limit{"rule", rule}, Limit{from, sender})
		if at.Before(now) || !free(at).Equal(at) {
			t.Fatalf("at %v it gave out %v", now, at)
		}
		given["rule"], given[from] = append(given["rule"], at), append(given[from], at)
	}
	for key, all := range given {
		r := sender
		if key == "rule" {
			r = rule
		}
		slices.SortFunc(all, time.Time.Compare)
		for i := r.N; i < len(all); i++ {
			if all[i].Sub(all[i-r.N]) < r.Per {
				t.Fatalf("%s: %d between %v and %v", key, r.N+1, all[i-r.N], all[i])
			}
		}
	}
}

func TestASlotIsTheFirstThatFits(t *testing.T) {
	var s Slots
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	always := func(at time.Time) time.Time { return at }
	limit := Limit{"k", Rate{2, time.Hour}}
	s.Take(now.Add(90*time.Minute), limit)
	var got []time.Duration
	for range 5 {
		got = append(got, s.Reserve(now, always, limit).Sub(now))
	}
	want := []time.Duration{0, 0, time.Hour, 2 * time.Hour, 150 * time.Minute}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("22:00-07:00")
	f.Add("10/24h")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseSpan(text); err == nil && (s.From < 0 || s.From >= 1440 || s.To < 0 || s.To >= 1440 || s.From == s.To) {
			t.Errorf("%q: %v", text, s)
		}
		if r, err := ParseRate(text); err == nil && (r.N < 1 || r.N > MaxRate || r.Per < time.Minute || r.Per > 31*24*time.Hour) {
			t.Errorf("%q: %v", text, r)
		}
	})
}
