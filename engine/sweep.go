package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"imapilot/engine/imapsession"
)

// sweepDue is when the owner looks next at mailboxes that nothing announces, or, seldom,
// at all of them. Where all are announced, the work connection is proven alive meanwhile.
func (c *connection) sweepDue() time.Time {
	at := c.proofDue()
	if len(c.polled()) > 0 {
		at = c.sweptAt.Add(c.cfg.Poll)
	}
	if c.control.Before(at) {
		at = c.control
	}
	for _, u := range c.unheard {
		if u.due.Before(at) {
			at = u.due
		}
	}
	return at
}

// proofDue is when the work connection is to be proven alive at the latest. Where it idles
// itself, the renewal of its IDLE does that, if it has the time.
func (c *connection) proofDue() time.Time {
	if c.idlesItself() {
		return c.proved.Add(c.cfg.Idle + renewing)
	}
	return c.proved.Add(c.cfg.Idle)
}

// renewing is how long after its time an IDLE is renewed at most.
const renewing = 5 * time.Second

// controlAfter sets when the mailboxes are listed next, and all are looked at: what is
// announced, too, for a server may announce and not do it.
func (c *connection) controlAfter(t time.Time) {
	every := max(c.timing.Control, c.cfg.Poll)
	later := inTurn(c.engine.size(), every)
	c.control = t.Add(min(every+later, c.timing.Reconcile))
	if c.idlesItself() {
		// A server may take half a second to announce. Mail that keeps step with the looks
		// would be seen just before that, again and again, as if it were never announced.
		c.control = c.control.Add(rand.N(c.timing.Hearing))
	}
	if later > time.Second { // those that are due within one second wake the process once
		c.control = c.control.Add(-time.Duration(c.control.Nanosecond()))
	}
}

// controlPace is how far apart two accounts of a process are looked at whole, on the mean.
const controlPace = 200 * time.Millisecond

// inTurn is how much later than others an account is looked at where there are so many
// that all of them together would keep the process from being idle. It differs from one
// time to the next, so that those do not come together which logged in together.
func inTurn(accounts int, every time.Duration) time.Duration {
	more := time.Duration(accounts)*controlPace - every
	if more <= 0 {
		return 0
	}
	return rand.N(2 * more)
}

// sweepNow does what sweepDue was about.
func (c *connection) sweepNow(ctx context.Context) error {
	now := time.Now()
	c.listenedLong(now)
	switch {
	case !now.Before(c.control):
		if err := c.sweep(ctx, true, true); err != nil {
			return err
		}
		c.rewatch() // another mailbox may be the busiest, or a way may be tried again
		return nil
	case len(c.polled()) > 0 && !now.Before(c.sweptAt.Add(c.cfg.Poll)):
		return c.sweep(ctx, false, false)
	case len(c.polled()) == 0 && !now.Before(c.proofDue()):
		c.proved = now
		return c.session.Noop(ctx)
	}
	return nil
}

// sweep asks for the STATUS of the mailboxes that nothing announces, or of all, and
// marks those that changed. judge is set where an announcement should have come first.
func (c *connection) sweep(ctx context.Context, all, judge bool) error {
	now := time.Now()
	c.sweptAt, c.proved = now, now
	names := c.polled()
	if all {
		names = c.watched
		c.controlAfter(now)
	}
	answers, err := c.askOf(ctx, names, all)
	if err != nil {
		return err
	}
	ways := c.covered.ways()
	for _, name := range names {
		answer, ok := answers[name]
		if !ok || answer.Err != nil {
			continue
		}
		st := answer.Status
		switch arrived := isNews(c.swept.of(name), st); {
		case arrived && judge && ways[name] != "" && !c.wake.isAsked(name) && !isAnother(c.swept.of(name), st):
			c.notAnnounced(name)
		case arrived, c.flagsMayHaveChanged(name, st):
			c.wake.mailbox(name)
		}
	}
	c.showSwept(answers)
	return nil
}

// askOf asks for the STATUS of mailboxes, in as few round trips as there may be, and
// lists the mailboxes where list is set or that costs nothing.
func (c *connection) askOf(ctx context.Context, names []string, list bool) (map[string]imapsession.StatusResult, error) {
	var told map[string]imapsession.Status
	atOnce := 2*len(names) >= len(c.dir.entries) && c.session.Capabilities().ListStatus
	if list || atOnce {
		entries, got, err := c.listingStatus(ctx, atOnce)
		if err != nil {
			return nil, err
		}
		if told = got; told == nil {
			told = map[string]imapsession.Status{}
		}
		if err := c.listedAgain(ctx, entries); err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !c.dir.exists(name) })
	}
	return c.statuses(ctx, names, told)
}

// statuses completes what was told of mailboxes by the STATUS of the others. That of
// the selected one may be old (RFC 9051 section 6.3.11).
func (c *connection) statuses(ctx context.Context, names []string, told map[string]imapsession.Status) (map[string]imapsession.StatusResult, error) {
	out := make(map[string]imapsession.StatusResult, len(names))
	var ask, alone []string
	for _, name := range names {
		st, ok := told[name]
		switch {
		case name == c.selected || c.fallbacks.has("STATUS"):
			alone = append(alone, name)
		case ok:
			out[name] = imapsession.StatusResult{Status: st}
		default:
			ask = append(ask, name)
		}
	}
	for i, r := range c.askAll(ctx, ask) {
		switch {
		case r.Err != nil && !mailboxOnly(r.Err):
			return nil, r.Err
		case r.Err != nil && !isClass(r.Err, imapsession.Target):
			alone = append(alone, ask[i]) // it may need another way
		default:
			out[ask[i]] = r
		}
	}
	for _, name := range alone {
		st, err := c.status(ctx, name)
		if err != nil && !mailboxOnly(err) {
			return nil, err
		}
		out[name] = imapsession.StatusResult{Status: st, Err: err}
	}
	return out, nil
}

// askAll is STATUS for many mailboxes at once, with HIGHESTMODSEQ where flags matter.
func (c *connection) askAll(ctx context.Context, names []string) []imapsession.StatusResult {
	if c.wantsModSeq() {
		return c.session.StatusAllModSeq(ctx, names)
	}
	return c.session.StatusAll(ctx, names)
}

// status asks for a mailbox's STATUS, or selects it again when it is the
// selected one, of which STATUS may tell old news (RFC 9051 section 6.3.11).
func (c *connection) status(ctx context.Context, name string) (imapsession.Status, error) {
	if name != c.selected && !c.fallbacks.has("STATUS") {
		st, err := c.askStatus(ctx, name)
		if !mailboxOnly(err) || isClass(err, imapsession.Target) {
			return st, err
		}
		if refusedOutright(err) {
			c.without("STATUS", err)
		}
	}
	sel, err := c.sel(ctx, name)
	return statusOf(sel), err
}

// showSwept brings the status up to what a sweep was answered.
func (c *connection) showSwept(answers map[string]imapsession.StatusResult) {
	byLabel := make(map[string]string, len(answers))
	for name := range answers {
		byLabel[c.dir.config(name)] = name
	}
	now := time.Now()
	c.state.set(func(s *AccountStatus) {
		s.LastProof = now
		for i := range s.Mailboxes {
			m := &s.Mailboxes[i]
			name, ok := byLabel[m.Name]
			if !ok {
				continue
			}
			_, pending := c.repeats[name]
			if answers[name].Err == nil {
				m.Messages = answers[name].Status.Messages
			}
			switch err := answers[name].Err; {
			case err != nil:
				m.Error = err.Error()
			case !pending:
				m.Error, m.LastProof = "", now
			default:
				m.LastProof = now
			}
			m.failing(now)
		}
	})
	for _, a := range answers {
		if isGone(a.Err) {
			c.wake.relist()
			return
		}
	}
}

// polled lists the mailboxes that nothing announces now.
func (c *connection) polled() []string {
	ways := c.covered.ways()
	return slices.DeleteFunc(slices.Clone(c.watched), func(name string) bool { return ways[name] != "" })
}

// isNews reports whether a mailbox may hold some, by what is told of it now. A server
// may leave out what did not change.
func isNews(before, told imapsession.Status) bool {
	now := told.Over(before)
	uncounted := told.UIDNext == 0 && told.Messages != 0 && told.Messages != before.Messages
	return before.UIDValidity != now.UIDValidity || before.UIDNext != now.UIDNext || before.UIDNext == 0 || uncounted
}

// isAnother reports whether a mailbox was made again, or renumbered. Nothing need announce
// what comes in the one that took the place of another.
func isAnother(before, told imapsession.Status) bool {
	return before.UIDValidity != 0 && told.UIDValidity != 0 && before.UIDValidity != told.UIDValidity
}

// flagsMayHaveChanged reports whether a mailbox is worth a look for the sake of
// rules on flags: where the server tells no HIGHESTMODSEQ, always.
func (c *connection) flagsMayHaveChanged(name string, now imapsession.Status) bool {
	return c.flagsMayHaveChangedSince(name, c.swept.of(name), now)
}

func (c *connection) flagsMayHaveChangedSince(name string, before, now imapsession.Status) bool {
	return (now.HighestModSeq == 0 || now.HighestModSeq != before.HighestModSeq) && len(c.flagRules(name)) > 0
}

// unheard is mail that a sweep found in a mailbox and that nothing announced yet.
type unheard struct {
	way          string
	heard, inAll int // announcements until then, of the mailbox and by the way
	sweep, due   time.Time
	found        bool // a scan found the mail
}

// notAnnounced gives the announcement of what a sweep found time to come. On the work
// connection itself it would have come before the answer.
func (c *connection) notAnnounced(name string) {
	if _, known := c.unheard[name]; known {
		return
	}
	u := unheard{sweep: c.sweptAt, due: time.Now().Add(c.timing.Hearing)}
	u.way, u.heard, u.inAll = c.covered.of(name)
	if name == c.itself {
		u.due = time.Now()
	}
	put(&c.unheard, name, u)
}

// listenedLong has those mailboxes scanned whose announcement did not come in time, and
// judges where it did not come at all.
func (c *connection) listenedLong(now time.Time) {
	for name, u := range c.unheard {
		if now.Before(u.due) {
			continue
		}
		delete(c.unheard, name)
		switch {
		case c.wasHeard(name, u):
		case u.found:
			c.neverHeard(name, u)
		default:
			put(&c.doubted, name, u)
			c.wake.mailbox(name)
		}
	}
}

// wasHeard reports whether an announcement came since, or the way is another one.
func (c *connection) wasHeard(name string, u unheard) bool {
	way, heard, _ := c.covered.of(name)
	return way != u.way || heard != u.heard
}

// scannedDoubted is told what a scan found in a mailbox. There was mail indeed: if that is
// not announced soon, it never will be.
func (c *connection) scannedDoubted(name string, found int) {
	u, ok := c.doubted[name]
	delete(c.doubted, name)
	if !ok || found == 0 || c.wasHeard(name, u) {
		return
	}
	u.found = true
	if name != c.itself {
		u.due = time.Now().Add(c.timing.Late - c.timing.Hearing)
	}
	put(&c.unheard, name, u)
}

// silence counts, for a mailbox or for a way to watch, mail that was not announced while
// nothing else was.
type silence struct {
	heard, times int
	sweep        time.Time
}

func (m silence) again(heard int, sweep time.Time) silence {
	switch {
	case m.times == 0 || m.heard != heard:
		return silence{heard, 1, sweep}
	case m.sweep.Equal(sweep):
		return m // one sweep tells once
	}
	return silence{heard, m.times + 1, sweep}
}

// maxMissed is how many times in a row mail may come unannounced.
const maxMissed = 2

// neverHeard notes mail that nothing announced. When that happens again and again, the way to
// watch is given up for a while.
func (c *connection) neverHeard(name string, u unheard) {
	if c.misses == nil {
		c.misses = map[string]silence{}
	}
	c.misses[name] = c.misses[name].again(u.heard, u.sweep)
	c.misses[wayKey(u.way)] = c.misses[wayKey(u.way)].again(u.inAll, u.sweep)
	c.log.Warn("mail came that the server did not announce", "mailbox", c.dir.config(name), "by", u.way)
	if max(c.misses[name].times, c.misses[wayKey(u.way)].times) < maxMissed {
		return
	}
	c.misses = nil
	c.withoutFor(strings.ToUpper(u.way), fmt.Errorf("mail in %s was not announced, %d times in a row", c.dir.config(name), maxMissed), c.timing.Reprobe)
	c.wake.rethink()
}
