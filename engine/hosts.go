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
	// watched are those of them that watch.
	watched map[string]int
}

// seat is a spare connection that was taken.
type seat struct {
	hosts   *hosts
	host    string
	watches bool
	left    bool
}

// set takes the limits of a configuration. Of connections that are beyond it those that
// watch end at their next refresh.
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
func (h *hosts) watching(host string) (*seat, error) { return h.take(host, true) }

// visiting takes room for a connection over which mail is carried to another account.
func (h *hosts) visiting(host string) (*seat, error) { return h.take(host, false) }

func (h *hosts) take(host string, watches bool) (*seat, error) {
	s := &seat{hosts: h, host: strings.ToLower(host), watches: watches}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken == nil {
		h.taken, h.watched = map[string]int{}, map[string]int{}
	}
	s.count(1)
	if s.isBeyond() {
		s.count(-1)
		return nil, noRoom(host)
	}
	return s, nil
}

func noRoom(host string) error {
	return &imapsession.Error{Op: "CONNECT", Subject: host, Class: imapsession.TryAgain, Err: errNoRoom}
}

// isBeyond reports whether there are more connections than may be, of which this is one:
// those that watch leave one to guests. The caller holds the mutex.
func (s *seat) isBeyond() bool {
	spare, limited := s.hosts.spare[s.host]
	return limited && (s.hosts.taken[s.host] > spare || s.watches && s.hosts.watched[s.host] >= spare)
}

func (s *seat) count(n int) {
	change := func(all map[string]int) {
		if all[s.host] += n; all[s.host] == 0 {
			delete(all, s.host)
		}
	}
	if change(s.hosts.taken); s.watches {
		change(s.hosts.watched)
	}
}

// leave gives the room back; twice is once.
func (s *seat) leave() {
	s.hosts.mu.Lock()
	defer s.hosts.mu.Unlock()
	s.end()
}

func (s *seat) end() {
	if !s.left {
		s.left = true
		s.count(-1)
	}
}

// yield is an error where the limit is lower by now than what is taken: then the room is
// given back, and the connection is to end. Others that ask may stay.
func (s *seat) yield() error {
	s.hosts.mu.Lock()
	defer s.hosts.mu.Unlock()
	if !s.isBeyond() {
		return nil
	}
	s.end()
	return noRoom(s.host)
}
