package engine

import (
	"sync"
	"time"
)

// rounds does something again and again, when it is asked for or its time has come, one
// round at a time. Between rounds there is no goroutine: most accounts owe nothing to
// anybody, for days.
type rounds struct {
	group sync.WaitGroup // of the round under way, and of what it began

	turns   sync.Mutex
	round   func() (next time.Duration) // nil before begin and after end
	turning bool
	more    bool // asked for while one is under way
	timer   *time.Timer
}

// never is a time to wait that does not end by itself.
const never time.Duration = 1<<63 - 1

// begin does the first round, and those that follow. round returns how long to wait for
// the next one.
func (r *rounds) begin(round func() time.Duration) {
	r.turns.Lock()
	r.round = round
	r.turns.Unlock()
	r.rouse()
}

// end waits for the round under way and for what was begun. There will be no other.
func (r *rounds) end() {
	r.turns.Lock()
	r.round = nil
	if r.timer != nil {
		r.timer.Stop()
	}
	r.turns.Unlock()
	r.group.Wait()
}

// rouse asks for a round, which begins at once or follows the one under way.
func (r *rounds) rouse() {
	r.turns.Lock()
	defer r.turns.Unlock()
	switch {
	case r.round == nil:
	case r.turning:
		r.more = true
	default:
		r.turning = true
		r.group.Go(r.turn)
	}
}

// turn does rounds until there is nothing more to do now.
func (r *rounds) turn() {
	for round := r.first(); round != nil; {
		round = r.another(round())
	}
}

func (r *rounds) first() func() time.Duration {
	r.turns.Lock()
	defer r.turns.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.round == nil {
		r.turning = false
	}
	return r.round
}

// another is the round that follows at once, nil for none: then the timer asks for it.
func (r *rounds) another(next time.Duration) func() time.Duration {
	r.turns.Lock()
	defer r.turns.Unlock()
	if r.round != nil && (r.more || next <= 0) {
		r.more = false
		return r.round
	}
	r.turning = false
	switch {
	case r.round == nil || next == never:
	case r.timer == nil:
		r.timer = time.AfterFunc(next, r.rouse)
	default:
		r.timer.Reset(next)
	}
	return nil
}
