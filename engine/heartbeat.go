package engine

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"imapilot/engine/imapsession"
)

// stuckAfter is for how long a loop may show no sign beyond the wait that it announced.
// Every command, login and program that an owner waits for ends earlier, or shows
// traffic meanwhile; the turn of a login may be far off, and is announced.
const stuckAfter = 5 * time.Minute

// heartbeat tells whether a loop goes on. The loop beats when it comes round, and says
// for how long it is about to wait; traffic on its connections is a sign of life too,
// for one command may take long while the server is answering it. It has a mutex of its
// own, so that whoever asks never waits for the loop.
type heartbeat struct {
	mu sync.Mutex
	// moved is the last sign, until is to when the loop announced to wait.
	moved, until time.Time
	traffic      []*imapsession.Traffic
	passed       int64 // octets, when traffic was looked at last
}

// beat is called by the loop: it goes on, and may now wait for so long.
func (h *heartbeat) beat(wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved = time.Now()
	h.until = h.moved.Add(max(0, wait))
}

// end is called when the loop has ended: it will not beat again.
func (h *heartbeat) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved, h.until, h.traffic = time.Time{}, time.Time{}, nil
}

// hear counts what passes over a connection as signs of life, quiet no longer does.
func (h *heartbeat) hear(t *imapsession.Traffic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.traffic = append(h.traffic, t)
}

func (h *heartbeat) quiet(t *imapsession.Traffic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.traffic = slices.DeleteFunc(h.traffic, func(o *imapsession.Traffic) bool { return o == t })
}

// stuck reports since when the loop has shown no sign, where that is too long. It must
// be asked now and then: traffic is noticed by asking.
func (h *heartbeat) stuck() (since time.Time, yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	passed := int64(0)
	for _, t := range h.traffic {
		passed += t.Received.Load() + t.Sent.Load()
	}
	now := time.Now()
	if passed != h.passed {
		h.passed, h.moved = passed, now
	}
	if h.moved.IsZero() {
		return time.Time{}, false // it has not begun, or has ended
	}
	quietFrom := h.moved
	if h.until.After(quietFrom) {
		quietFrom = h.until
	}
	return h.moved, now.Sub(quietFrom) > stuckAfter
}

// report adds the loop to those that are stuck, where it is.
func (h *heartbeat) report(stuck []Stuck, account, part string) []Stuck {
	if since, yes := h.stuck(); yes {
		return append(stuck, Stuck{Account: account, Part: part, Since: since})
	}
	return stuck
}

// Stuck is a loop of an account that does not go on.
type Stuck struct {
	Account string `json:"account"`
	// Part is "account" for what owns it, "outbox" for what delivers.
	Part  string    `json:"part"`
	Since time.Time `json:"since"`
}

// Stuck lists the loops that should have come round and did not: the process lives, and
// does not work. It waits for none of them. Ask it at least once a minute.
func (e *Engine) Stuck() []Stuck {
	var out []Stuck
	for _, a := range e.owners.all() {
		out = a.heart.report(out, a.cfg.Name, "account")
		out = a.outbox.heart.report(out, a.cfg.Name, "outbox")
	}
	slices.SortFunc(out, func(x, y Stuck) int {
		return cmp.Or(strings.Compare(x.Account, y.Account), strings.Compare(x.Part, y.Part))
	})
	return out
}
