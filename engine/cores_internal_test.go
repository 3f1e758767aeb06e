package engine

import (
	"sync/atomic"
	"testing"
)

func TestOnAllCoresDoesEachOnce(t *testing.T) {
	for _, n := range []int{0, 1, fewForOne - 1, fewForOne, fewForOne + 1, 7*fewForOne + 3} {
		counts := make([]atomic.Int32, n)
		onAllCores(n, func(i int) { counts[i].Add(1) })
		for i := range counts {
			if got := counts[i].Load(); got != 1 {
				t.Fatalf("of %d, number %d was done %d times", n, i, got)
			}
		}
	}
}
