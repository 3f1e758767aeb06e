package schedule

import (
	"testing"
	"time"
)

func TestJitterIsTheSameEverywhere(t *testing.T) {
	at := time.Date(2026, time.May, 1, 3, 0, 0, 0, time.UTC)
	// Computed by another program; another value would move every run at an upgrade.
	const want = time.Duration(3387270168317)
	if got := Jitter(time.Hour, "home/nightly", at); got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if got := Jitter(time.Hour, "home/nightly", at.In(location(t, "Asia/Kolkata"))); got != want {
		t.Errorf("%d in another zone, want %d", got, want)
	}
}

func TestJitterDependsOnKeyAndInstant(t *testing.T) {
	at := time.Date(2026, time.May, 1, 3, 0, 0, 0, time.UTC)
	a := Jitter(time.Hour, "a", at)
	for name, b := range map[string]time.Duration{
		"key": Jitter(time.Hour, "b", at), "second": Jitter(time.Hour, "a", at.Add(time.Second)), "nanosecond": Jitter(time.Hour, "a", at.Add(1)),
	} {
		if a == b {
			t.Errorf("another %s gives the same delay %v", name, a)
		}
	}
}

func TestJitterStaysWithinTheLimit(t *testing.T) {
	at := time.Unix(0, 0)
	for _, limit := range []time.Duration{0, -1, -time.Hour} {
		if got := Jitter(limit, "a", at); got != 0 {
			t.Errorf("%v for the limit %v", got, limit)
		}
	}
	seen := map[time.Duration]int{}
	for range 1000 {
		seen[Jitter(3, "a", at)]++
		if got := Jitter(1<<63-1, "a", at); got < 0 {
			t.Fatalf("%v", got)
		}
		at = at.Add(time.Minute)
	}
	// Of 1000 draws of four values, each has about 250.
	for d := range time.Duration(4) {
		if seen[d] < 150 {
			t.Errorf("%d of 1000 delays are %d", seen[d], d)
		}
	}
	if len(seen) != 4 {
		t.Errorf("delays %v with the limit 3", seen)
	}
}
