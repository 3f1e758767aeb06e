package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
)

// connection is an account while it is connected: the work connection, the
// only one that scans and acts, and what it learned of the server.
type connection struct {
	*account
	session *imapsession.Session
	// planning is set on a connection that only looks: it selects with EXAMINE, and
	// has no lease and no journal to write to.
	planning bool
	dir      directory
	watched  []string // server's spelling, in the order of watch
	previous time.Time
	// swept remembers what the last scan or sweep saw of each mailbox.
	swept byMailbox[imapsession.Status]
	// selected is the mailbox that is selected now, validity its UIDVALIDITY.
	selected  string
	validity  uint32
	permanent []imap.Flag // what may be stored there, empty: anything
	repeats   map[string]repeat
	// textProved is set once text search was tried on this connection, and works.
	textProved bool
	// unfetched is the first message that the scan under way could not fetch, 0 if none.
	unfetched imap.UID
	recreated map[string]time.Time // targets that were made again
	targets   map[string]knownStatus
	recent    []string // the targets used last, the latest first
	air       *air     // a flight of steps, nil if none
	guests    map[string]*guest
	limits    map[string]int64 // APPENDLIMIT by mailbox, 0 if there is none
	carrying  time.Time        // when the round of steps under way began
	cutShort  bool             // it left some that lead to other accounts
	disturbed bool             // what was to be sent next has to be found anew
	renumbers bool             // one event said that this server renumbered its mailboxes
	// batch is how many messages the server takes at once, 0: batchSize.
	batch int
	// unproven is set until a command with so many was accepted.
	unproven bool

	reconciled time.Time
	failing    int // mailboxes that could not be scanned since then
	// relisted and sweptAt are when the mailboxes were listed last, and when some were
	// looked at; proved is when the server answered that, or took an IDLE.
	relisted, sweptAt, proved time.Time
	control                   time.Time // when all are listed and looked at next
	watches                   *watchSet // nil before there is one
	itself                    string    // what the work connection idles on, "" if nothing
	// unheard is mail that nothing announced yet, doubted where that is to be proven.
	unheard, doubted map[string]unheard
}

// connection works from login to the end of the connection. ctx ends it
// between steps, work is the context of a step.
func (a *account) connection(ctx, work context.Context, b *backoff) error {
	c, err := a.connect(ctx, b)
	if err != nil {
		return err
	}
	return c.ended(c.live(ctx, work))
}

func (a *account) connect(ctx context.Context, b *backoff) (*connection, error) {
	a.state.set(func(s *AccountStatus) { s.State, s.NextTry, s.Mailboxes = Connecting, time.Time{}, nil })
	a.wake.drain()
	s, secret, err := a.loginOf(ctx, &a.heart)
	a.secret = secret
	if err != nil {
		return nil, err
	}
	b.connected()
	a.meet(s.Profile())
	a.heart.hear(s.Traffic())
	a.state.set(func(s *AccountStatus) { s.State, s.Error, s.NextTry, s.Connections = Watching, "", time.Time{}, 1 })
	return newConnection(a, s), nil
}

// ended is why a connection ended.
func (c *connection) ended(err error) error {
	err = c.secret.ended(errors.Join(err, c.written()), time.Now())
	c.end(err)
	c.heart.quiet(c.session.Traffic())
	return err
}

func newConnection(a *account, s *imapsession.Session) *connection {
	return &connection{
		account: a, session: s, batch: batchOf(s),
	}
}

// end marks what may be under way, and says goodbye when the line is good.
func (c *connection) end(err error) {
	for _, w := range c.open {
		w.look, w.flying = true, false
	}
	for _, r := range c.repeats {
		r.timer.Stop()
	}
	c.closeGuests(0)
	c.idleItself("")
	if err != nil {
		c.quota = nil // what was counted and not recorded does not count
		c.session.Close()
		return
	}
	bye, cancel := context.WithTimeout(context.Background(), c.timing.Grace)
	defer cancel()
	if err := c.session.Logout(bye); err != nil {
		c.log.Debug("logout", "error", err)
	}
}

func (c *connection) live(ctx, work context.Context) error {
	if ended, err := c.catchUp(ctx, work); ended || err != nil {
		return err
	}
	defer c.watch(ctx)()
	return c.loop(ctx, work)
}

// watch begins to watch by connections of their own, and returns what ends that.
func (c *connection) watch(ctx context.Context) (end func()) {
	watching, cancel := context.WithCancel(ctx)
	idling := c.startWatchers(watching)
	return func() { cancel(); idling.Wait() }
}

// catchUp does what came while there was no connection. It returns true when that was all
// there is to do.
func (c *connection) catchUp(ctx, work context.Context) (ended bool, err error) {
	resync := c.canResync()
	told, err := c.list(work, resync)
	if err != nil {
		return true, err
	}
	if c.engine.opts.isJob() {
		return true, c.applyOnly(ctx, work)
	}
	c.log.Info("connected", "host", c.cfg.Host, "mailboxes", len(c.watched), "move", c.session.Capabilities().Move,
		"uidplus", c.session.Capabilities().UIDPlus, "idle", c.session.Capabilities().Idle)
	if err := c.comeBack(work); err != nil {
		return true, err
	}
	if resync {
		err = c.resync(ctx, work, told)
	} else {
		err = c.scanAll(ctx, work)
	}
	if err != nil {
		return true, err
	}
	c.state.caughtUp()
	if c.engine.opts.Once {
		return true, c.runDue(ctx, work)
	}
	return false, nil
}

// showMailboxes brings the status up to the watched mailboxes; how a mailbox
// is watched already stays.
func (c *connection) showMailboxes() {
	c.state.set(func(s *AccountStatus) {
		before := map[string]MailboxStatus{}
		for _, m := range s.Mailboxes {
			before[m.Name] = m
		}
		s.Mailboxes = make([]MailboxStatus, 0, len(c.watched))
		for _, name := range c.watched {
			m := MailboxStatus{Name: c.dir.config(name), Watch: c.pollName(), server: name}
			if old, ok := before[m.Name]; ok {
				m = old
			}
			s.Mailboxes = append(s.Mailboxes, m)
		}
	})
}

// loop waits for something to do and does it, until ctx is done or the
// connection fails.
func (c *connection) loop(ctx, work context.Context) error {
	for ctx.Err() == nil {
		req, err := c.wait(ctx, c.due())
		if err != nil {
			return err
		}
		if err := c.work(ctx, work, req); err != nil {
			return err
		}
	}
	return nil
}

// work does all that is due.
func (c *connection) work(ctx, work context.Context, req *request) error {
	if req != nil {
		c.answer(work, *req)
	}
	if err := worst(c.stale, c.quiet()); err != nil {
		return err
	}
	if err := c.sweepNow(work); err != nil {
		return err
	}
	if err := c.comeBack(work); err != nil {
		return err
	}
	if err := c.round(ctx, work); err != nil {
		return err
	}
	if err := c.fire(work); err != nil {
		return err
	}
	if err := c.runPasses(ctx, work); err != nil {
		return err
	}
	c.closeGuests(guestIdle)
	return nil
}

// round scans what was announced and applies what is due.
func (c *connection) round(ctx, work context.Context) error {
	if time.Since(c.reconciled) >= c.timing.Reconcile {
		before := c.watched
		if _, err := c.list(work, false); err != nil {
			return err
		}
		c.changedWatch(before)
		c.wake.everything()
	}
	if err := c.turn(work, c.wake.turns()); err != nil {
		return err
	}
	asked := c.wake.take()
	if asked.all {
		c.rewatch() // other rules may wait for flags
		return c.scanAll(ctx, work)
	}
	for name, st := range asked.told {
		if isNews(c.swept.of(name), st) || c.flagsMayHaveChanged(name, st.Over(c.swept.of(name))) {
			asked.dirty[name] = true
		}
	}
	for _, name := range c.watched {
		if !asked.dirty[name] || ctx.Err() != nil {
			continue
		}
		if err := c.scanAndApply(ctx, work, name); err != nil {
			return err
		}
	}
	return c.apply(ctx, work)
}

// listPause is the least time between two listings that a server's word asks for.
const listPause = time.Second

// turn follows what changed in the ways to watch.
func (c *connection) turn(ctx context.Context, t turns) error {
	if t.rethink {
		c.rewatch()
	}
	switch {
	case t.sweep:
		return c.sweep(ctx, true, false)
	case !t.names:
		return nil
	case time.Since(c.relisted) < listPause:
		time.AfterFunc(listPause, c.wake.relist)
		return nil
	}
	return c.listAgain(ctx)
}

// scanAll scans every watched mailbox and applies what is open.
func (c *connection) scanAll(ctx, work context.Context) error {
	began := time.Now()
	c.wake.take() // all of it is done now
	c.reconciled, c.failing = began, 0
	if err := c.forgetFlags(work); err != nil {
		return err
	}
	if err := c.watchSnoozed(work); err != nil {
		return err
	}
	for _, name := range c.newFirst(c.inOrder()) {
		if ctx.Err() != nil {
			return nil
		}
		if err := c.scanAndApply(ctx, work, name); err != nil {
			return err
		}
	}
	c.starting = false
	c.full, c.sweptAt, c.proved = began, began, time.Now()
	c.controlAfter(began)
	if c.failing > maxWarnings {
		c.log.Error("mailboxes cannot be scanned; 'imapilot status' shows why", "more_mailboxes", c.failing-maxWarnings)
	}
	return c.apply(ctx, work)
}

func (c *connection) scanAndApply(ctx, work context.Context, name string) error {
	err := c.scan(ctx, work, name)
	c.troubled(name, err)
	if err != nil {
		if !mailboxOnly(err) {
			return err
		}
		// One bad mailbox stops nothing else.
		if c.failing++; c.failing <= maxWarnings {
			c.log.Error("mailbox cannot be scanned", "mailbox", name, "error", err)
		}
		c.state.mailbox(c.dir.config(name), func(m *MailboxStatus) { m.Error = err.Error() })
		c.later(name, c.timing.Again)
		c.quota = nil
		return nil
	}
	return c.apply(ctx, work)
}

// isGone reports whether an error says that a mailbox does not exist.
func isGone(err error) bool {
	var e *imapsession.Error
	if !errors.As(err, &e) {
		return false
	}
	text := strings.ToLower(e.Text)
	return e.Code == "NONEXISTENT" || e.Code == "TRYCREATE" || e.Status == "NO" && e.Code == "" &&
		slices.ContainsFunc(goneWords(), func(w string) bool { return strings.Contains(text, w) })
}

// goneWords are said of a mailbox that does not exist. One that "exists but is
// locked" does.
func goneWords() []string {
	return []string{"not exist", "n't exist", "no such mailbox", "unknown mailbox", "nonexistent", "not found"}
}

// later asks for a scan of a mailbox after d, which doubles while it is asked
// for again and again. There is one such wish a mailbox.
func (c *connection) later(name string, d time.Duration) {
	if t, ok := c.repeats[name]; ok {
		t.timer.Stop()
		d = min(max(d, t.after*2), c.timing.Reconcile)
	}
	next := time.Now().Add(d)
	c.state.mailbox(c.dir.config(name), func(m *MailboxStatus) { m.NextTry = next })
	put(&c.repeats, name, repeat{after: d, timer: time.AfterFunc(d, func() { c.wake.mailbox(name) })})
}

// repeat is a scan that was asked for by later.
type repeat struct {
	timer *time.Timer
	after time.Duration
}

// due returns when the owner must wake at the latest.
func (c *connection) due() time.Time {
	at := c.sweepDue()
	if r := c.reconciled.Add(c.timing.Reconcile); r.Before(at) {
		at = r
	}
	for _, n := range []time.Time{c.nextDue(), c.nextRun(), c.nextBack(), c.guestDue()} {
		if !n.IsZero() && n.Before(at) {
			at = n
		}
	}
	return at
}
