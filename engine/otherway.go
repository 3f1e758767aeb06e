package engine

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
)

// listing is LIST with all that the server announces for it, and with less
// where it refuses that: first without roles, then as RFC 9051 section 6.3.9 has
// it, which every server knows.
func (c *connection) listing(ctx context.Context) ([]imapsession.MailboxInfo, error) {
	for {
		entries, err := c.session.List(ctx)
		caps := c.session.Capabilities()
		switch {
		case !refusedOutright(err) || !caps.ListExtended:
			return entries, err
		case caps.SpecialUse:
			c.without("SPECIAL-USE", err)
		default:
			c.without("LIST-EXTENDED", err)
		}
	}
}

// searchAbove lists UIDs, with plain SEARCH where the server refuses ESEARCH.
func (c *connection) searchAbove(ctx context.Context, from imap.UID) (imap.UIDSet, error) {
	found, err := c.session.SearchAbove(ctx, from)
	if err != nil && refusedOutright(err) && c.session.Capabilities().ESearch && c.without("ESEARCH", err) {
		found, err = c.session.SearchAbove(ctx, from)
	} else if err == nil && c.session.Capabilities().ESearch {
		c.fallbacks.worked("ESEARCH")
	}
	return found, err
}

// askStatus is STATUS, with HIGHESTMODSEQ where rules wait for flags, unless the
// server refuses that.
func (c *connection) askStatus(ctx context.Context, name string) (imapsession.Status, error) {
	ask := c.session.Status
	withModSeq := c.wantsModSeq() && len(c.flagRules(name)) > 0
	if withModSeq {
		ask = c.session.StatusModSeq
	}
	st, err := ask(ctx, name)
	if withModSeq && refusedOutright(err) && c.session.Capabilities().CondStore && c.without("CONDSTORE", err) {
		st, err = c.session.Status(ctx, name)
	}
	if err == nil {
		c.fallbacks.worked("STATUS")
	}
	return st, err
}

// maxIdleFailures is how many connections in a row may end right after IDLE
// began before it is given up.
const maxIdleFailures = 3

// idled is told how an IDLE ended, and reports whether it is not tried again:
// the server refused it, or ended the connection over it again and again. Any
// goroutine may call it.
func (a *account) idled(err error, lasted time.Duration) bool {
	var e *imapsession.Error
	switch {
	case err == nil && lasted > idleGrace:
		a.idleFailures.Store(0)
		a.fallbacks.worked("IDLE")
		return false
	case err == nil:
		return false // there was news already, and perhaps no IDLE at all
	case a.fallbacks.has("IDLE"):
		return refusedOutright(err)
	case refusedOutright(err):
		return a.without("IDLE", err)
	case !errors.As(err, &e) || e.Op != "IDLE" || e.Class != imapsession.Connection || lasted > idleGrace:
		return false
	}
	if a.idleFailures.Add(1) >= maxIdleFailures {
		a.without("IDLE", err)
	}
	return false // the connection is gone: the next one is told
}

// idleGrace is how soon after its beginning the end of a connection is blamed
// on IDLE.
const idleGrace = 5 * time.Second

// inOrder lists the watched mailboxes, those last whose scans ended the
// connection: one that cannot even be opened must keep no other waiting.
func (c *connection) inOrder() []string {
	var good, bad []string
	for _, name := range c.watched {
		if c.trouble[name] > 0 {
			bad = append(bad, name)
			continue
		}
		good = append(good, name)
	}
	return append(good, bad...)
}

// troubled is told how the scan of a mailbox ended.
func (c *connection) troubled(name string, err error) {
	if c.trouble == nil {
		c.trouble = map[string]int{}
	}
	if err == nil || mailboxOnly(err) {
		delete(c.trouble, name)
		return
	}
	c.trouble[name]++
}
