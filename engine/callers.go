package engine

import "sync"

// callers bounds how many calls an endpoint gets at once from all accounts.
type callers struct {
	mu    sync.Mutex
	rooms map[string]chan struct{}
}

// atOnce is how many calls an endpoint gets at once.
func atOnce(endpoint string) int {
	if isOutside(endpoint) {
		return programsAtOnce
	}
	return callsAtOnce
}

// enter waits until an endpoint may get another call, and returns how to say that
// the call has ended.
func (e *Engine) enter(endpoint string) (leave func()) {
	e.callers.mu.Lock()
	room, ok := e.callers.rooms[endpoint]
	if !ok {
		room = make(chan struct{}, atOnce(endpoint))
		e.callers.rooms[endpoint] = room
	}
	e.callers.mu.Unlock()
	room <- struct{}{}
	return func() { <-room }
}
