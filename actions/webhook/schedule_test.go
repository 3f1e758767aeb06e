package webhook

import (
	"testing"
	"time"
)

// The times since the start are those of the table in Standard Webhooks.
func TestNextIsTheStandardsSchedule(t *testing.T) {
	at := time.Duration(0)
	for n, want := range []string{"5s", "5m5s", "35m5s", "2h35m5s", "7h35m5s", "17h35m5s", "31h35m5s", "51h35m5s", "75h35m5s"} {
		d, ok := Next(n+1, 0)
		at += d
		if due, _ := time.ParseDuration(want); at != due || !ok {
			t.Errorf("attempt %d comes after %v, %v; want %s", n+2, at, ok, want)
		}
		if most, _ := Next(n+1, 1); most != d+d/5 {
			t.Errorf("attempt %d waits %v to %v", n+2, d, most)
		}
	}
}

func TestNextEnds(t *testing.T) {
	if Attempts() != 10 {
		t.Errorf("%d attempts", Attempts())
	}
	for _, n := range []int{10, 11, 1000} {
		if d, ok := Next(n, 0.5); ok || d != 0 {
			t.Errorf("after attempt %d: %v, %v", n, d, ok)
		}
	}
	if d, ok := Next(0, 0); d != 5*time.Second || !ok {
		t.Errorf("after no attempt: %v, %v", d, ok)
	}
}
