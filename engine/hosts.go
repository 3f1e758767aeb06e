package engine

import (
	"errors"
	"strings"
	"sync"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

// errNoRoom is why a connection that an account can do without is not opened now.
var errNoRoom = errors.New("there is no room for another connection on this host; the limit is connections in hosts")

// roomAgain is when it is looked for again. Until then the mailbox is swept.
const roomAgain = time.Minute

// hosts shares the connections that the configuration allows on a host among its
// accounts. Each has one of its own, for its work: it is never waited for and never taken
// away, so that no account starves and none waits for another. What is left goes to those
// that carry mail to another account, and to those that watch, which leave one to the
// former. The zero value has no limits.
type hosts struct {
	mu    sync.Mutex
	spare map[string]int // by host in lower case, where there is a limit
	taken map[string]int // how many of the spare ones are taken
}

// set takes the limits of a configuration. Connections that are beyond it stay until they
// end.
func (h *hosts) set(cfg *config.Config) {
	spare := map[string]int{}
	for _, host := range cfg.Hosts {
		if host.Connections > 0 {
			spare[host.Name] = host.Connections
		}
	}
	for _, a := range cfg.Accounts {
		if name := strings.ToLower(a.Host); spare[name] > 0 {
			spare[name]--
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spare = spare
}

// watching takes room for a connection that watches, if there is some.
func (h *hosts) watching(host string) (leave func(), err error) { return h.take(host, 1) }

// visiting takes room for a connection over which mail is carried to another account.
func (h *hosts) visiting(host string) (leave func(), err error) { return h.take(host, 0) }

// take takes room, and leaves some to others.
func (h *hosts) take(host string, others int) (leave func(), err error) {
	name := strings.ToLower(host)
	h.mu.Lock()
	defer h.mu.Unlock()
	if spare, limited := h.spare[name]; limited && h.taken[name]+others >= spare {
		return nil, &imapsession.Error{Op: "CONNECT", Subject: host, Class: imapsession.TryAgain, Err: errNoRoom}
	}
	if h.taken == nil {
		h.taken = map[string]int{}
	}
	h.taken[name]++
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.taken[name]--; h.taken[name] == 0 {
			delete(h.taken, name)
		}
	}), nil
}
