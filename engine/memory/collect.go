package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// garbage is the GOGC of a daemon where nobody sets another: it runs for months on small
// machines, and a few garbage collections more are cheaper there than memory.
const garbage = 60

// With many accounts, nearly all memory is what those hold that wait, and each percent of
// room for garbage is room that none of them needs: they take less then, for collections
// that cost a hundredth of a core. When all of them are woken at once, that would be half
// of the work, and they take as much as others until it is over.
const (
	manyAccounts  = 200
	garbageAtRest = 12

	tooMuch = 0.3 // of the CPU there is, spent on collections
	little  = 0.02
	// atLeast is over how long that is looked at: two collections may well come one
	// after the other.
	atLeast = 500 * time.Millisecond

	// What is free is given back once it is a tenth of what is used, at most once in
	// giveBack: the runtime by itself keeps that, for allocations that do not come at rest.
	freeShare = 10
	giveBack  = 3 * time.Minute
)

// Collect sets how much garbage a daemon with so many accounts may have lying around:
// from here on it does not hurry any more.
func Collect(accounts int) {
	hurrying.Lock()
	hurrying.on = false
	hurrying.large.inUsualPages()
	hurrying.Unlock()
	switch {
	case os.Getenv("GOGC") != "":
	case accounts >= manyAccounts:
		debug.SetGCPercent(garbageAtRest)
		afterCollections(newCollector(garbageAtRest).adjust)
	default:
		debug.SetGCPercent(garbage)
	}
}

// collector follows what collections cost.
type collector struct {
	percent          int
	cost, all        float64 // seconds of CPU until looked
	looked, gaveBack time.Time
	samples          []metrics.Sample
}

func newCollector(percent int) *collector {
	return &collector{percent: percent, samples: []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	}}
}

// adjust is called after each collection, of which there is one in two minutes at least.
func (c *collector) adjust() {
	now := time.Now()
	if now.Sub(c.looked) < atLeast {
		return
	}
	metrics.Read(c.samples)
	cost, all := c.samples[0].Value.Float64(), c.samples[1].Value.Float64()
	free, used := c.samples[2].Value.Uint64(), c.samples[3].Value.Uint64()
	if next := roomFor(c.percent, cost-c.cost, all-c.all); next != c.percent {
		c.percent = next
		debug.SetGCPercent(next)
	}
	c.looked, c.cost, c.all = now, cost, all
	if c.percent == garbageAtRest && free > used/freeShare && now.Sub(c.gaveBack) > giveBack {
		c.gaveBack = now
		debug.FreeOSMemory()
	}
}

// roomFor is the GOGC after a collection that found percent, when so much of all CPU
// since the last one was spent on collections.
func roomFor(percent int, cost, all float64) int {
	switch {
	case cost > tooMuch*all:
		return garbage
	case cost < little*all:
		return garbageAtRest
	default:
		return percent
	}
}

// afterCollections calls do after each collection of garbage, as long as the process
// lives, but for those that come while it is at it: where there are many cores, the
// runtime cleans up at several places at once. It costs nothing in between.
func afterCollections(do func()) {
	runtime.AddCleanup(new([2]uintptr), func(struct{}) {
		do()
		afterCollections(do)
	}, struct{}{})
}
