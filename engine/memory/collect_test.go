package memory

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// TestRoomForGarbage: little at rest, more as soon as collections are most of the work,
// and as it was in between.
func TestRoomForGarbage(t *testing.T) {
	for _, c := range []struct {
		percent   int
		cost, all float64
		want      int
	}{
		{garbageAtRest, 0.1, 240, garbageAtRest},
		{garbageAtRest, 0.05, 0.1, garbage},
		{garbageAtRest, 0.02, 0.1, garbageAtRest},
		{garbage, 0.005, 0.1, garbage},
		{garbage, 0.1, 240, garbageAtRest},
	} {
		if got := roomFor(c.percent, c.cost, c.all); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestAfterCollections: it is called again and again, and never while it is at it,
// however many collections there are meanwhile and however many cores.
func TestAfterCollections(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16)) // one cleans up for each four
	const times = 3
	var at atomic.Int32
	called := make(chan struct{}, times)
	afterCollections(func() {
		if len(called) == times {
			return // the test is over
		}
		if at.Add(1) > 1 {
			t.Error("called while it is at it")
		}
		for range 3 {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
		at.Add(-1)
		called <- struct{}{}
	})
	for end := time.Now().Add(10 * time.Second); len(called) < times; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not called after collections")
		}
		runtime.GC()
	}
}
