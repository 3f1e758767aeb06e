package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// fewForOne is up to how many messages one core is as fast as two.
const fewForOne = 200

// share is how many messages a core takes at a time. Nobody says that a core has no other
// work: who gets on takes more of them.
const share = 25

// onAllCores does something for each of n messages, for many of them on all cores.
// What it does for one touches no other one.
func onAllCores(n int, do func(i int)) {
	var taken atomic.Int64
	some := func() {
		for end := 0; end < n; {
			end = int(taken.Add(share))
			for i := end - share; i < min(end, n); i++ {
				do(i)
			}
		}
	}
	var group sync.WaitGroup
	defer group.Wait()
	for range min(runtime.GOMAXPROCS(0), n/fewForOne+1) - 1 {
		group.Go(some)
	}
	some()
}
