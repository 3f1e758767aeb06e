package engine

import (
	"maps"
	"sync"
)

// The ways in which a server announces mail. Both are the Watch of a mailbox's status
// as well, and the name of the capability in lower case.
const (
	byNotify = "notify"
	byIdle   = "idle"
)

// coverage is what is announced now, and by which way; watch connections keep it. What
// nothing announces is swept.
type coverage struct {
	mu sync.Mutex
	by map[string]string // by mailbox, in the server's spelling
	// heard counts announcements, by mailbox as long as it is covered, and by way.
	heard map[string]int
}

// cover notes that something announces mailboxes now. labels gives, for each, its name
// in the status.
func (a *account) cover(way string, labels map[string]string) {
	c := &a.covered
	c.mu.Lock()
	if c.by == nil {
		c.by, c.heard = map[string]string{}, map[string]int{}
	}
	for name := range labels {
		c.by[name] = way
	}
	c.mu.Unlock()
	a.showWatch(way, way, labels)
}

// uncover notes that mailboxes are not announced any more in that way, and wakes the
// owner, who sweeps them from now on.
func (a *account) uncover(way string, labels map[string]string) {
	c := &a.covered
	c.mu.Lock()
	for name := range labels {
		if c.by[name] == way {
			delete(c.by, name)
		}
	}
	c.mu.Unlock()
	a.showWatch(way, a.pollName(), labels)
	a.wake.sweep()
}

// showWatch brings the status of mailboxes up to how they are watched. now is that, or
// what takes the place of way.
func (a *account) showWatch(way, now string, labels map[string]string) {
	shown := map[string]bool{}
	for _, label := range labels {
		shown[label] = true
	}
	a.state.set(func(s *AccountStatus) {
		for i := range s.Mailboxes {
			if m := &s.Mailboxes[i]; shown[m.Name] && (now == way || m.Watch == way) {
				m.Watch = now
			}
		}
	})
}

// hear counts an announcement of a mailbox.
func (c *coverage) hear(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if way, ok := c.by[name]; ok {
		c.heard[name]++
		c.heard[wayKey(way)]++
	}
}

// wayKey is the key of all announcements by a way: no mailbox has an empty level at its
// begin and a control character in it.
func wayKey(way string) string { return "\x00" + way }

// of returns how a mailbox is covered, "" if not at all, and how many announcements were
// heard of it and by that way.
func (c *coverage) of(name string) (way string, heard, inAll int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	way = c.by[name]
	return way, c.heard[name], c.heard[wayKey(way)]
}

// ways returns how each covered mailbox is covered.
func (c *coverage) ways() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.by)
}

// forget drops what was counted of a mailbox that is not watched any more.
func (c *coverage) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.by, name)
	delete(c.heard, name)
}
