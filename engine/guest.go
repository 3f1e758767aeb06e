package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

const (
	// guestIdle is how long a connection to another account is kept that nothing is
	// carried over.
	guestIdle = 5 * time.Minute
	// guestFresh is for how long it is taken to live without being asked.
	guestFresh = 30 * time.Second
	// guestDial bounds the login: the work of this account waits for it.
	guestDial = 10 * time.Second
)

// guest is a connection to another account, over which messages are carried there.
// The owner of this account has it, beside those that the other account opens
// itself. It has no lease and no journal: mailboxes are opened with EXAMINE, and only
// APPEND, CREATE and SUBSCRIBE change anything.
type guest struct {
	*connection
	used time.Time
	room *seat // on the host
}

func (g *guest) close() {
	g.session.Close()
	g.room.leave()
}

// unreachable is another account that could not be reached.
type unreachable struct {
	err   *imapsession.Error
	wait  time.Duration
	until time.Time
}

// abroadError is an error of another account. It wraps nothing, so that nobody takes
// it for an error of this account's own connection.
type abroadError struct {
	account string
	err     *imapsession.Error
}

func (e *abroadError) Error() string { return "account " + e.account + ": " + e.err.Error() }

// abroad is an error of the connection that the target of a step is looked at over:
// an abroadError where that is another account's.
func (c *connection) abroad(target string, err error) error {
	account, _, ok := journal.SplitAbroad(target)
	if !ok {
		return err
	}
	return c.guestFailed(account, err)
}

// guestFailed makes an abroadError, and gives up a connection that did not outlive it.
func (c *connection) guestFailed(account string, err error) error {
	var e *imapsession.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	// A refused APPEND may leave the line in the middle of a message.
	if g := c.guests[account]; g != nil && (e.Op == "APPEND" || !mailboxOnly(e)) {
		c.dismiss(account)
	}
	return &abroadError{account, e}
}

// neighbour returns the settings of another account.
func (a *account) neighbour(name string) (config.Account, *config.Config, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	i := slices.IndexFunc(a.config.Accounts, func(o config.Account) bool { return o.Name == name })
	if i < 0 {
		return config.Account{}, nil, &abroadError{name, &imapsession.Error{Op: "LOGIN", Subject: name, Class: imapsession.Config,
			Err: errors.New("the configuration has no such account any more")}}
	}
	return a.config.Accounts[i], a.config, nil
}

// guest returns the connection to another account, opened when there is none. While
// that account cannot be reached, it is not tried for each message.
func (c *connection) guest(ctx context.Context, account string) (*guest, error) {
	cfg, all, err := c.neighbour(account)
	if err != nil {
		return nil, err
	}
	if g := c.guests[account]; g != nil {
		if reflect.DeepEqual(g.cfg, cfg) && g.isAlive(ctx) {
			g.used = time.Now()
			return g, nil
		}
		c.dismiss(account)
	}
	if u, ok := c.unreachable[account]; ok && time.Now().Before(u.until) {
		return nil, &abroadError{account, u.err}
	}
	g, err := c.invite(ctx, cfg, all)
	c.reached(account, err)
	if err != nil {
		return nil, c.guestFailed(account, err)
	}
	if c.guests == nil {
		c.guests = map[string]*guest{}
	}
	c.guests[account] = g
	c.heart.hear(g.session.Traffic())
	return g, nil
}

// isAlive asks a connection that was quiet for a while.
func (g *guest) isAlive(ctx context.Context) bool {
	return time.Since(g.used) < guestFresh || g.session.Noop(ctx) == nil
}

// invite logs in to another account and lists its mailboxes.
func (c *connection) invite(ctx context.Context, cfg config.Account, all *config.Config) (*guest, error) {
	a := newAccount(c.engine, cfg, all)
	room, err := c.engine.hosts.visiting(cfg.Host)
	if err != nil {
		return nil, err
	}
	dialing, cancel := context.WithTimeout(ctx, guestDial)
	defer cancel()
	s, _, err := a.login(dialing)
	if err != nil {
		room.leave()
		return nil, err
	}
	g := &guest{connection: newConnection(a, s), used: time.Now(), room: room}
	g.planning = true
	entries, err := g.listing(ctx)
	if err != nil {
		g.close()
		return nil, err
	}
	g.dir = newDirectory(s.Delimiter(), s.Prefix(), entries)
	return g, nil
}

// reached notes how a login to another account ended: a refused one is not repeated
// before half an hour, one that could not be made ever less often.
func (c *connection) reached(account string, err error) {
	var e *imapsession.Error
	if !errors.As(err, &e) {
		delete(c.unreachable, account)
		return
	}
	wait := min(max(c.unreachable[account].wait*2, c.timing.Again), c.timing.Probe)
	if e.Class != imapsession.Connection && e.Class != imapsession.TryAgain {
		wait = c.timing.Probe
	}
	wait = max(wait, e.RetryAfter)
	if c.unreachable == nil {
		c.unreachable = map[string]unreachable{}
	}
	c.unreachable[account] = unreachable{err: e, wait: wait, until: time.Now().Add(wait)}
}

// closeGuests closes the connections to other accounts that were not used for so
// long.
func (c *connection) closeGuests(idle time.Duration) {
	for account, g := range c.guests {
		if time.Since(g.used) >= idle {
			c.dismiss(account)
		}
	}
}

// dismiss closes the connection to another account.
func (c *connection) dismiss(account string) {
	g := c.guests[account]
	c.heart.quiet(g.session.Traffic())
	g.close()
	delete(c.guests, account)
}

// guestDue is when the next one is to be closed, zero if there is none.
func (c *connection) guestDue() (at time.Time) {
	for _, g := range c.guests {
		if due := g.used.Add(guestIdle); at.IsZero() || due.Before(at) {
			at = due
		}
	}
	return at
}

// bounds are UIDVALIDITY and UIDNEXT of a target, which is made again when somebody
// deleted it. EXAMINE tells them anew each time, whatever is selected.
func (g *guest) bounds(ctx context.Context, name string) (imapsession.Status, error) {
	if st, ok := g.targets[name]; ok && time.Since(st.at) < targetFresh {
		return st.Status, nil
	}
	sel, err := g.sel(ctx, name)
	if err != nil {
		if isGone(err) {
			g.dir.remove(name)
		}
		return imapsession.Status{}, err
	}
	return g.learnTarget(name, statusOf(sel), nil)
}
