package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// Rounds follow each other as they are asked for or due, never two at a time, and there is
// nothing between them. What is asked for during one is done after it.
func TestRoundsAreDoneOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rounds
		var at []time.Duration
		began, turning := time.Now(), false
		r.rouse() // before the beginning, that is of no use
		r.begin(func() time.Duration {
			if turning {
				t.Error("two rounds at a time")
			}
			turning = true
			at = append(at, time.Since(began))
			time.Sleep(time.Second)
			turning = false
			if len(at) < 4 {
				return time.Hour
			}
			return never
		})
		time.Sleep(500 * time.Millisecond)
		r.rouse()
		r.rouse()
		time.Sleep(10 * time.Second) // two are done
		r.rouse()
		time.Sleep(10 * time.Hour) // one by the timer
		r.end()
		r.rouse()
		time.Sleep(10 * time.Hour)
		want := []time.Duration{0, time.Second, 10500 * time.Millisecond, time.Hour + 11500*time.Millisecond}
		if len(at) != len(want) {
			t.Fatalf("rounds at %v, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("round %d at %v, want %v", i, at[i], want[i])
			}
		}
	})
}
