package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// list reads the mailboxes and works out which are watched. A mailbox that is
// listed for the first time and not watched is noted, so that it can be told
// later from one that was created meanwhile. status asks for the STATUS of each as
// well, and told is what the server told of it in the same command.
func (c *connection) list(ctx context.Context, status bool) (told map[string]imapsession.Status, err error) {
	entries, told, err := c.listingStatus(ctx, status)
	if err != nil {
		return nil, err
	}
	c.takeListing(entries)
	c.expectTargets()
	c.previous = c.listed
	batch := c.unlisted()
	batch.At = time.Now()
	batch.Listed = batch.At
	c.warnUnmatched()
	if c.fresh && !c.engine.opts.Existing {
		c.starting = true
		batch.Events = []journal.Event{{Kind: "baseline", Text: fmt.Sprintf(
			"nothing is known of this account yet: what its %d watched mailboxes hold now is left alone, and mail is looked at from here on", len(c.watched))}}
	}
	c.warnUnruled()
	c.showMailboxes()
	if err := c.commit(ctx, batch); err != nil {
		return nil, err
	}
	c.fresh = false
	return told, nil
}

// takeListing works out from a listing which mailboxes are watched.
func (c *connection) takeListing(entries []imapsession.MailboxInfo) {
	c.relisted = time.Now()
	c.dir = newDirectory(c.session.Delimiter(), c.session.Prefix(), entries)
	c.spelling = c.dir.config
	c.watched = c.dir.watched(c.cfg.Watch, c.cfg.Except)
	c.limitWatched()
}

// unlisted are the mailboxes that were never listed before and are not watched. On the
// first listing of all, the watched ones too: what is there now is baselined, even if
// the scan comes after a restart.
func (c *connection) unlisted() journal.Batch {
	watched := map[string]bool{}
	for _, name := range c.watched {
		watched[name] = true
	}
	var batch journal.Batch
	for _, e := range c.dir.entries {
		if _, known := c.cursors.find(e.Name); known || !c.fresh && watched[e.Name] {
			continue
		}
		batch.Cursors = append(batch.Cursors, journal.Cursor{Mailbox: e.Name})
	}
	return batch
}

func (c *connection) warnUnmatched() {
	for _, pattern := range c.cfg.Watch {
		if len(c.dir.matching(pattern)) == 0 {
			c.log.Warn("watch: names no mailbox of this account; 'imapilot mailboxes' lists them", "watch", pattern)
		}
	}
}

// listAgain lists the mailboxes while the connection is in use.
func (c *connection) listAgain(ctx context.Context) error {
	entries, _, err := c.listingStatus(ctx, false)
	if err != nil {
		return err
	}
	return c.listedAgain(ctx, entries)
}

// listedAgain takes in a listing that was made while the connection is in use: watched
// mailboxes that appeared are scanned, those that are gone are let go. The journal is
// written only when there is something new. What imapilot made or found gone itself is in
// the directory already, and not yet in what is watched.
func (c *connection) listedAgain(ctx context.Context, entries []imapsession.MailboxInfo) error {
	c.notMissing() // that is the listing before this one, whatever appears now
	if !c.dir.changed && slices.Equal(entries, c.dir.entries) {
		c.relisted = time.Now()
		c.notMissing()
		return nil
	}
	before := c.watched
	c.takeListing(entries)
	if batch := c.unlisted(); len(batch.Cursors) > 0 {
		if err := c.commit(ctx, batch); err != nil {
			return err
		}
	}
	if slices.Equal(before, c.watched) {
		c.notMissing()
		return nil
	}
	c.changedWatch(before)
	return nil
}

// notMissing moves the time of the last listing that lacked a mailbox which appears
// later. A watched one that no scan has seen yet was lacking before.
func (c *connection) notMissing() {
	for _, name := range c.watched {
		if _, known := c.cursors.find(name); !known {
			return
		}
	}
	c.previous, c.listed = c.relisted, c.relisted
}

// changedWatch begins and ends what follows from other mailboxes being watched.
func (c *connection) changedWatch(before []string) {
	gone := map[string]bool{}
	for _, name := range before {
		gone[name] = true
	}
	for _, name := range c.watched {
		if !gone[name] {
			c.log.Info("watched from now on", "mailbox", c.dir.config(name))
			c.wake.mailbox(name)
		}
		delete(gone, name)
	}
	for _, name := range before {
		if gone[name] {
			c.letGo(name)
		}
	}
	c.showMailboxes()
	c.rewatch()
}

// letGo forgets what is known of a mailbox that is not watched any more. The journal
// keeps what was handled in it: it may have another name now.
func (c *connection) letGo(name string) {
	c.log.Info("not watched any more", "mailbox", name)
	if r, ok := c.repeats[name]; ok {
		r.timer.Stop()
		delete(c.repeats, name)
	}
	delete(c.swept, name)
	delete(c.complete, name)
	delete(c.unheard, name)
	delete(c.busy, name)
	c.wake.forget(name)
	c.covered.forget(name)
}

// listingStatus is listing, with the STATUS of each mailbox where it is asked for and
// the server tells it in the same command.
func (c *connection) listingStatus(ctx context.Context, status bool) ([]imapsession.MailboxInfo, map[string]imapsession.Status, error) {
	if status && c.session.Capabilities().ListStatus {
		entries, told, err := c.session.ListStatus(ctx, c.wantsModSeq())
		switch {
		case err == nil && (len(told) > 0 || len(entries) == 0):
			c.fallbacks.worked("LIST-STATUS")
			entries, err = c.markSubscribed(ctx, entries)
			return entries, told, err
		case err == nil:
			c.without("LIST-STATUS", errNoStatus)
		case refusedOutright(err):
			c.without("LIST-STATUS", err)
			c.session.Without("LIST-STATUS") // for this connection, at least
		default:
			return nil, nil, err
		}
	}
	entries, err := c.listing(ctx)
	if err != nil {
		return nil, nil, err
	}
	entries, err = c.markSubscribed(ctx, entries)
	return entries, nil, err
}

// markSubscribed asks which mailboxes are subscribed to where that matters and LIST
// does not tell.
func (c *connection) markSubscribed(ctx context.Context, entries []imapsession.MailboxInfo) ([]imapsession.MailboxInfo, error) {
	if !slices.Contains(c.cfg.Watch, config.Subscribed) || c.session.Capabilities().ListExtended {
		return entries, nil
	}
	names, err := c.session.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	subscribed := map[string]bool{}
	for _, name := range names {
		subscribed[name] = true
	}
	for i, e := range entries {
		entries[i].Subscribed = subscribed[e.Name]
	}
	return entries, nil
}
