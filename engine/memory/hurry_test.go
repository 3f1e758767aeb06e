package memory

import (
	"runtime/debug"
	"testing"
)

// TestGarbageBeside: nothing is collected before workRoom is full, and little lies about
// once it is.
func TestGarbageBeside(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, mostGarbage},
		{1 << 20, mostGarbage},
		{5 << 20, 220},
		{8 << 20, 100},
		{10 << 20, 60},
		{11 << 20, 45},
		{12 << 20, leastGarbage},
		{100 << 20, leastGarbage},
	} {
		if got := garbageBeside(c.live); got != c.want {
			t.Errorf("beside %d MB: %d, not %d", c.live>>20, got, c.want)
		}
	}
}

// TestADaemonDoesNotHurry: it lives for months on little memory.
func TestADaemonDoesNotHurry(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(100)
	hurrying.on = true
	Collect(1)
	if got := debug.SetGCPercent(garbage); got != garbage || hurrying.on {
		t.Errorf("GOGC %d, hurrying: %v", got, hurrying.on)
	}
}
