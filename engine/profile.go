package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/engine/provider"
)

// meet says once what the server is and what that changes, and remembers its profile for
// those who have no connection at hand.
func (a *account) meet(p provider.Profile) {
	before := a.profile.Swap(&p)
	if p.Name == "" || before != nil && before.Name == p.Name {
		return
	}
	n, above := p.Connections(a.cfg.Connections)
	a.log.Info("this server is known", "provider", p.Name, "connections", n)
	switch {
	case above && n < a.cfg.Connections:
		a.log.Warn("the provider allows fewer connections than the configuration asks for; no more are opened",
			"provider", p.Name, "allows", p.MaxConnections, "configured", a.cfg.Connections)
	case above:
		a.log.Warn("the provider allows fewer connections than the configuration asks for, unless its administrator changed that",
			"provider", p.Name, "allows", p.MaxConnections, "configured", a.cfg.Connections)
	}
}

// connections is how many connections this account opens, its work connection included.
func (c *connection) connections() int {
	n, _ := c.session.Profile().Connections(c.cfg.Connections)
	return n
}

// batchOf is how many messages of a batch the server takes at once, 0 if all of them.
func batchOf(s *imapsession.Session) int {
	if n := s.Capabilities().MessageLimit; n < batchSize {
		return n
	}
	return 0
}

// cannotHere says why a step would not do on this server what it says, "" if it would.
func (c *connection) cannotHere(a *actions.Action) string {
	p := c.session.Profile()
	spec := a.Kind.Spec()
	switch {
	case a.Kind == actions.Expunge && p.ExpungeOnlyInTrash && !slices.Contains([]string{"trash", "junk"}, c.dir.role(c.selected)):
		return p.Name + " keeps a message that is expunged outside of its trash and spam, unless the user has set it otherwise; use trash"
	case spec.Destination && spec.Phase == actions.PhaseMove && p.MoveOnly && !c.session.Capabilities().Move:
		return p.Name + " moves messages by MOVE only, which it does not offer on this connection"
	case a.Account != "" && spec.Destination && p.MoveOnly && c.aside() == "":
		return p.Name + " removes a message from here only by a move to the mailbox of all mail; let IMAP show that mailbox"
	}
	return ""
}

// aside is where originals are moved whose copies are proven, on a server that removes
// nothing by \Deleted and EXPUNGE for sure: the mailbox that holds every message anyway.
// It is "" on all others.
func (c *connection) aside() string {
	if !c.session.Profile().MoveOnly {
		return ""
	}
	name, _ := c.dir.byRole("all")
	return name
}

// movesAgain reports whether a MOVE that may have been cut off half way is sent again,
// though the target has the message: where a message is in a mailbox by a label it is
// one message, and what is missing is that the label of this mailbox goes.
func (c *connection) movesAgain(w *task) bool {
	return c.session.Profile().MoveOnly && !w.isCarried() && w.step().Action.Kind != actions.Expunge
}

// crowded is the delay before a watch connection is tried again that the server refused
// for being one too many: it would refuse it again, and meanwhile the mailbox is swept.
func crowded(err error, failures int, t *Timing) time.Duration {
	if !isClass(err, imapsession.Throttled) || retryAfter(err) > 0 {
		return 0
	}
	return min(5*time.Minute<<min(max(failures-1, 0), 5), t.Probe)
}

// hush tells the owner that the server asked a watch connection to wait, where that
// counts for all that the user does.
func (a *account) hush(err error) {
	var e *imapsession.Error
	p := a.profile.Load()
	if p == nil || !p.SharedThrottle || !errors.As(err, &e) || e.Class != imapsession.Throttled || e.RetryAfter == 0 {
		return
	}
	a.hushed.Store(&hushed{e, time.Now().Add(e.RetryAfter)})
	a.wake.work()
}

// hushed is what a server asked for, and until when.
type hushed struct {
	err   *imapsession.Error
	until time.Time
}

// quiet is the error with which the work connection ends while the server wants to hear
// nothing from this user, nil while it does not.
func (a *account) quiet() error {
	h := a.hushed.Swap(nil)
	if h == nil {
		return nil
	}
	left := time.Until(h.until)
	if left <= 0 {
		return nil
	}
	e := *h.err
	e.RetryAfter = left
	return fmt.Errorf("a watch connection was told to wait: %w", &e)
}

// tellOnce leaves one event of those that a restart of the server makes, on one that
// renumbers all its mailboxes then: it is no news of any of them.
func (c *connection) tellOnce(events []journal.Event) []journal.Event {
	p := c.session.Profile()
	if !p.UnstableUIDValidity || len(events) == 0 || events[0].Kind != "uidvalidity" {
		return events
	}
	if c.renumbers {
		return nil
	}
	c.renumbers = true
	events[0].Text += ", as " + p.Name + " may do with every mailbox when it is restarted; no more is said of the others"
	return events
}
