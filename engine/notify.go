package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"imapilot/engine/imapsession"
)

// notifier is the watch connection that stands for many mailboxes, by NOTIFY (RFC
// 5465). It selects none and never acts.
type notifier struct {
	account *account
	ask     imapsession.Notify
	begun   time.Time
	lost    map[string]bool // of the mailboxes asked for, those that were not there meanwhile

	mu      sync.Mutex
	labels  map[string]string // what it covers: names in the status, by the server's
	inForce bool
}

// asksLike reports whether something else is asked for by nothing but names.
func (n *notifier) asksLike(ask imapsession.Notify) bool {
	ask.Mailboxes = n.ask.Mailboxes
	return notifyKey(ask) == notifyKey(n.ask)
}

// lose notes what was asked for and is not among these.
func (n *notifier) lose(names []string) {
	for _, name := range n.ask.Mailboxes {
		if !slices.Contains(names, name) {
			put(&n.lost, name, true)
		}
	}
}

// follow changes what it covers of what the server tells.
func (n *notifier) follow(labels map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.labels
	n.labels = labels
	if !n.inForce || maps.Equal(before, labels) {
		return
	}
	gone := maps.Clone(before)
	maps.DeleteFunc(gone, func(name, _ string) bool { _, stays := labels[name]; return stays })
	n.account.uncover(byNotify, gone)
	n.account.cover(byNotify, labels)
}

// force begins or ends the time in which the server tells.
func (n *notifier) force(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inForce = on
	if on {
		n.account.cover(byNotify, n.labels)
		return
	}
	n.account.uncover(byNotify, n.labels)
}

// maxNotifyFailures is how often in a row, or within overflowSpan, NOTIFY may end
// without good before it is given up for a while.
const maxNotifyFailures = 3

// overflowSpan is the time within which overflows count together.
const overflowSpan = time.Hour

// A connection is made anew after so many announcements, and not before some time: where
// Dovecot begins a new log of what changes, it goes on watching the old one, and tells
// only each 30 seconds.
const (
	maxAnnounced = 100
	renewAfter   = 10 * time.Minute
)

var (
	errRenew    = errors.New("it is made anew, so that the server watches afresh")
	errNoStatus = errors.New("the server told the STATUS of no mailbox")
	errOverflow = errors.New("the server stopped telling: too much happened (NOTIFICATIONOVERFLOW)")
)

func (n *notifier) run(ctx context.Context) { n.account.keepWatching(ctx, "NOTIFY", n.watch) }

// watch tells the owner what the server tells, until something fails.
func (n *notifier) watch(ctx context.Context, b *attempts) error {
	s, err := n.account.dial(ctx, b)
	if err != nil {
		return err
	}
	defer s.Close()
	b.connected()
	n.account.countConnection(1)
	defer n.account.countConnection(-1)
	began := time.Now()
	if err := n.set(ctx, s); err != nil {
		n.account.notifyFailed(err, time.Since(began))
		return err
	}
	n.force(true)
	defer n.force(false)
	// What the server tells first closes the gap since the last scan; where it does not
	// tell of each mailbox, a look at all of them does.
	n.account.wake.sweep()
	err = n.listen(ctx, s, b.room)
	if ctx.Err() == nil {
		n.account.notifyFailed(err, time.Since(began))
	}
	return err
}

// set sends NOTIFY, with fewer events where the server does not know all of them
// (BADEVENT, RFC 5465 section 5.1).
func (n *notifier) set(ctx context.Context, s *imapsession.Session) error {
	err := s.Notify(ctx, n.ask)
	less := imapsession.Notify{Personal: n.ask.Personal, Mailboxes: n.ask.Mailboxes}
	if refusedOutright(err) || isCode(err, "BADEVENT") {
		err = s.Notify(ctx, less)
	}
	if refusedOutright(err) || isCode(err, "BADEVENT") {
		n.account.without("NOTIFY", err)
	}
	return err
}

func isCode(err error, code string) bool {
	var e *imapsession.Error
	return errors.As(err, &e) && e.Code == code
}

func (n *notifier) listen(ctx context.Context, s *imapsession.Session, room *seat) error {
	began, announced := time.Now(), 0
	for {
		told, err := s.Await(ctx, n.account.cfg.Idle)
		if err != nil || ctx.Err() != nil {
			return err
		}
		n.account.state.proofs(byNotify)
		n.pass(told)
		if told.Overflow {
			// Asked again on the same connection, Dovecot tells nothing any more.
			return errOverflow
		}
		announced += len(told.Status)
		if told.Held || announced >= maxAnnounced && time.Since(began) >= renewAfter {
			return errRenew
		}
		if err := room.yield(); err != nil {
			return err
		}
	}
}

// pass wakes the owner for what was told of the mailboxes that are watched.
func (n *notifier) pass(told imapsession.Notices) {
	a := n.account
	if told.Names {
		a.wake.relist()
	}
	n.mu.Lock()
	maps.DeleteFunc(told.Status, func(name string, _ imapsession.Status) bool {
		_, watched := n.labels[name]
		return !watched
	})
	n.mu.Unlock()
	for name := range told.Status {
		a.covered.hear(name)
	}
	if len(told.Status) > 0 {
		a.wake.status(told.Status)
	}
}

// notifyFailed is told why a connection with NOTIFY ended. Where that is soon, or
// because of too much, and again and again, the way is given up for a while.
func (a *account) notifyFailed(err error, lasted time.Duration) {
	var e *imapsession.Error
	over := errors.Is(err, errOverflow)
	soon := errors.As(err, &e) && e.Op == "NOTIFY" && e.Class == imapsession.Connection && lasted <= idleGrace
	if !over && !soon {
		return
	}
	now := time.Now()
	a.notifyFailures = append(slices.DeleteFunc(a.notifyFailures, func(t time.Time) bool { return now.Sub(t) > overflowSpan }), now)
	if len(a.notifyFailures) >= maxNotifyFailures {
		a.notifyFailures = nil
		a.withoutFor("NOTIFY", err, a.timing.Reprobe)
	}
}
