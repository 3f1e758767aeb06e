package memory

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// workRoom is up to which size of the heap nothing is collected where a command works
	// once and ends: most end before.
	workRoom = 16 << 20
	// leastGarbage is less than a daemon takes: most of what a command holds it holds to
	// its end, and it holds much at once.
	leastGarbage = 45
	// mostGarbage is the GOGC with which the first collection comes at workRoom: before it
	// the runtime takes what there is for 4 MB.
	mostGarbage = 400
)

// hurrying is on in a process that works once and ends.
var hurrying struct {
	sync.Mutex
	on    bool
	large region
}

// Hurry makes a process ready to work once and to end. To touch memory for the first time
// costs more than what is decided there, above all on virtual machines: so it comes in
// large pages where the system has them, and is not collected as early as in a process
// that lives for months.
func Hurry() {
	if os.Getenv("GOGC") != "" {
		return
	}
	hurrying.on = true
	// The collection that so much memory brings about gives it back to the heap, which
	// takes from it what is to come. One that begins before would find it in use.
	debug.SetGCPercent(-1)
	hurrying.large = inLargePages(make([]byte, workRoom))
	percent := mostGarbage
	debug.SetGCPercent(percent)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	afterCollections(func() {
		hurrying.Lock()
		defer hurrying.Unlock()
		metrics.Read(live)
		if next := garbageBeside(live[0].Value.Uint64()); next != percent && hurrying.on {
			percent = next
			debug.SetGCPercent(next)
		}
	})
}

// garbageBeside is the GOGC of a process that hurries and holds so many bytes: what it
// takes to fill workRoom, and no less than leastGarbage.
func garbageBeside(live uint64) int {
	percent := 100*workRoom/max(float64(live), 1) - 100
	return int(min(mostGarbage, max(leastGarbage, percent)))
}
