package engine

import (
	"context"
	"time"

	"imapilot/engine/imapsession"
)

// A process that scanned everything once need not do so after each lost connection:
// of a mailbox that is as its last complete scan saw it there is nothing to list. The
// reconcile lists everything all the same.

// canResync reports whether the connection that begins takes up where the last one of
// this process ended.
func (c *connection) canResync() bool {
	return !c.full.IsZero() && time.Since(c.full) < c.timing.Reconcile && !c.wake.allAsked() && !c.engine.opts.Once && !c.engine.opts.isJob()
}

// resync scans those mailboxes that changed since the last connection, and applies what
// is open. told is what LIST told of them, nil where it did not.
func (c *connection) resync(ctx, work context.Context, told map[string]imapsession.Status) error {
	c.reconciled, c.failing = c.full, 0
	answers, err := c.statuses(work, c.watched, told)
	if err != nil {
		return err
	}
	asked := c.wake.take()
	if asked.all {
		return c.scanAll(ctx, work) // a reload came meanwhile
	}
	for _, name := range c.newFirst(c.inOrder()) {
		if ctx.Err() != nil {
			return nil
		}
		if !asked.dirty[name] && c.unchanged(name, answers[name]) {
			c.swept.set(name, c.complete.of(name))
			continue
		}
		if err := c.scanAndApply(ctx, work, name); err != nil {
			return err
		}
	}
	c.showSwept(answers)
	c.sweptAt, c.proved = time.Now(), time.Now()
	c.controlAfter(c.sweptAt)
	return c.apply(ctx, work)
}

// unchanged reports whether a mailbox is as its last complete scan saw it.
func (c *connection) unchanged(name string, answer imapsession.StatusResult) bool {
	before, scanned := c.complete.find(name)
	now := answer.Status
	if !scanned || answer.Err != nil || now.UIDValidity == 0 || now.UIDNext == 0 || c.cursors.of(name).UIDValidity != now.UIDValidity {
		return false
	}
	if before.UIDValidity != now.UIDValidity || before.UIDNext != now.UIDNext || before.Messages != now.Messages {
		return false
	}
	return !c.flagsMayHaveChangedSince(name, before, now)
}

// scannedWhole remembers how a mailbox was when a scan began that left nothing to do.
func (c *connection) scannedWhole(name string, sel imapsession.Selected) {
	c.complete.set(name, statusOf(sel))
}
