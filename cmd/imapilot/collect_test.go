package main

import (
	"runtime"
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

// TestAfterCollections: it is called once more after each of them.
func TestAfterCollections(t *testing.T) {
	called := make(chan struct{})
	afterCollections(func() {
		select {
		case called <- struct{}{}:
		case <-t.Context().Done():
		}
	})
	for range 3 {
		runtime.GC()
		select {
		case <-called:
		case <-time.After(10 * time.Second):
			t.Fatal("not called after a collection")
		}
	}
}
