package engine

import (
	"runtime"
	"sync"
)

// fewForOne is up to how many messages one core is as fast as two.
const fewForOne = 200

// onAllCores does something for each of n messages, for many of them on all cores.
// What it does for one touches no other one.
func onAllCores(n int, do func(i int)) {
	cores := min(runtime.GOMAXPROCS(0), n/fewForOne+1)
	var group sync.WaitGroup
	defer group.Wait()
	for core := range cores {
		some := func() {
			for i := core * n / cores; i < (core+1)*n/cores; i++ {
				do(i)
			}
		}
		if core == cores-1 {
			some()
			return
		}
		group.Go(some)
	}
}
