package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// decideWindow decides what the server does not exclude of the next window, or so much of
// it that it has to be done first. What could not be written is still in the window when
// it fails.
func (c *connection) decideWindow(ctx, work context.Context, p *pass, b Bound) (err error) {
	if err := c.recount(work, p, b); err != nil {
		return err
	}
	p.sure = p.quota.marked()
	defer func() {
		if err = worst(err, c.written()); err != nil {
			p.quota.reset(p.sure)
		}
		p.recounts = errors.Is(err, journal.ErrUnknown)
		p.rooms = nil
	}()
	if err := c.nextWindow(work, p, b); err != nil {
		return err
	}
	sift := c.newSieve(p, b)
	sift.ask(work)
	strangers, err := c.strangers(work, b, p.window, p.unsifted)
	if err != nil {
		return err
	}
	open := len(c.open)
	coming := ahead{c: c, p: p, b: b, unasked: slices.Clone(p.window)}
	for ctx.Err() == nil && !p.stopped.Load() && len(c.open)-open < applyFrom {
		possible, err := sift.next(work)
		if err != nil {
			return err
		}
		coming.add(work, possible, len(sift.unasked) == 0)
		if len(coming.asked) == 0 && len(p.unsifted) == 0 {
			return nil
		}
		if err := c.decideNext(work, p, b, &coming, strangers); err != nil {
			return err
		}
	}
	return nil
}

// nextWindow begins a window once the one before is done with. What the server excludes
// is no part of it.
func (c *connection) nextWindow(ctx context.Context, p *pass, b Bound) error {
	if len(p.window)+len(p.unsifted) > 0 {
		return nil
	}
	ruleset, _ := c.rulesOf(p.walk)
	window := p.uids[:min(len(p.uids), c.sizeOfWindow())]
	searched, unfound, err := c.searched(ctx, p, ruleset, b.Mailbox, window)
	if err != nil {
		return err
	}
	possible, excluded, err := c.narrow(ctx, ruleset, b.Mailbox, searched)
	if err != nil {
		return err
	}
	excluded = append(excluded, unfound...)
	p.note(func(r *Report) { r.Messages, r.Excluded = r.Messages+len(excluded), r.Excluded+len(excluded) })
	p.unsifted, p.uids = possible, p.uids[len(window):]
	return nil
}

// decideNext decides the messages that were asked for longest, if any were. Those that
// were asked for just now come in while more are sifted.
func (c *connection) decideNext(ctx context.Context, p *pass, b Bound, coming *ahead, strangers bool) error {
	if len(coming.asked) == 0 || len(p.unsifted) > 0 && coming.fresh {
		return nil
	}
	batch, err := coming.next(ctx)
	if err != nil {
		return err
	}
	return c.decideBatch(ctx, p, b, batch, strangers)
}

func (c *connection) sizeOfWindow() int {
	if c.planning || c.engine.opts.isJob() {
		return jobWindow
	}
	return windowSize
}

// ahead are the messages of a window, in their order, the next of which are on their
// way: while some are decided, the server is at work on others, and has the next
// command at hand.
type ahead struct {
	c       *connection
	p       *pass
	b       Bound
	asked   []aheadBatch
	unasked []imap.UID
	// last is set once no more are to be sifted but those on their way: what waited for
	// them would be all that there is to do when they have come. fresh is set where all
	// that are asked for were asked for just now.
	last, fresh bool
}

const (
	// mostAhead is how many batches are on their way.
	mostAhead = 2
	// worthAsking is how many messages are worth a batch where more may come.
	worthAsking = batchSize / 2
)

// add adds messages, and asks for the next.
func (a *ahead) add(ctx context.Context, more []imap.UID, last bool) {
	a.unasked, a.last, a.fresh = append(a.unasked, more...), last, len(a.asked) == 0
	a.ask(ctx)
}

// ask asks for the next messages, once there are enough of them or hardly more are to come.
func (a *ahead) ask(ctx context.Context) {
	for len(a.asked) < mostAhead && len(a.unasked) > 0 && (a.last || len(a.unasked) >= worthAsking) {
		batch := a.c.fetchAhead(ctx, a.p, a.b, a.unasked)
		a.asked, a.unasked = append(a.asked, batch), a.unasked[len(batch.uids):]
	}
}

// next waits for the next messages, and asks for those after the last.
func (a *ahead) next(ctx context.Context) (aheadBatch, error) {
	batch := a.asked[0]
	if batch.generation != a.c.generationNow() {
		batch = a.c.fetchAhead(ctx, a.p, a.b, batch.uids) // other rules, other fields
	}
	if err := batch.wait(ctx, a.c); err != nil {
		return batch, err
	}
	a.asked = slices.Delete(a.asked, 0, 1)
	a.ask(ctx)
	return batch, nil
}

// recount counts what the journal has of the window under way, where it could not
// tell what it wrote: what it does not have is decided again, and counted then.
func (c *connection) recount(ctx context.Context, p *pass, b Bound) error {
	if !p.recounts || len(p.window) == 0 {
		return nil
	}
	entries, err := c.journal.Entries(ctx, journal.Query{
		Account: c.cfg.Name, Mailbox: b.Mailbox, UIDValidity: b.UIDValidity, FirstUID: slices.Min(p.window), LastUID: slices.Max(p.window),
	})
	if err != nil {
		return err
	}
	under := setOf(p.window)
	p.quota.add(slices.DeleteFunc(entries, func(e journal.Entry) bool {
		return !walkOf(e).is(p.walk) || e.Decided.Before(p.began) || !under.Contains(e.UID)
	}))
	p.recounts = false
	return nil
}

// aheadBatch is messages that are on their way while those before them are
// decided.
type aheadBatch struct {
	uids []imap.UID
	// needs is what was asked for, and by which rules: only these may decide.
	needs      rules.Needs
	ruleset    *rules.Ruleset
	generation int
	flying     *imapsession.Fetching
	fetched    []imapsession.Fetched
}

// fetchAhead asks for the first of some messages.
func (c *connection) fetchAhead(ctx context.Context, p *pass, b Bound, uids []imap.UID) aheadBatch {
	ruleset, generation := c.rulesOf(p.walk)
	out := aheadBatch{
		uids: uids[:min(len(uids), batchSize)], ruleset: ruleset, generation: generation, needs: ruleset.Needs(c.cfg.Name, c.ruleMailbox(b.Mailbox)),
	}
	if len(out.uids) > 0 && !out.needs.WholeHeader {
		out.flying = c.session.FetchHeadersAhead(ctx, setOf(out.uids), out.needs.HeaderFields)
	}
	return out
}

// wait waits for the messages, and asks again where the server refused them.
func (a *aheadBatch) wait(ctx context.Context, c *connection) (err error) {
	if a.flying != nil {
		if a.fetched, err = a.flying.Wait(ctx); !isRefusal(err) {
			return err
		}
	}
	a.fetched, err = c.fetchSome(ctx, a.uids, a.needs)
	return err
}

func (a *account) generationNow() int {
	_, generation := a.current()
	return generation
}

// decideBatch decides some messages and records what follows. Only once it is written the
// messages are counted, and leave the window. The rules are those that the messages were
// fetched for: of others a header field may not be there. What they decide is old after a
// reload, and decided again before it is done.
func (c *connection) decideBatch(ctx context.Context, p *pass, b Bound, batch aheadBatch, strangers bool) error {
	ruleset, generation := batch.ruleset, batch.generation
	cursor := journal.Cursor{Mailbox: b.Mailbox, UIDValidity: b.UIDValidity}
	made := p.roomFor(len(batch.fetched))
	all := p.inScope(made.candidates(batch.fetched, batch.needs.WholeHeader))
	p.skipUnfound(all)
	j := judgement{walk: p.walk, pass: p, strangers: strangers, doubt: p.doubts, hours: 1}
	switch err := c.decide(ctx, ruleset, cursor, all, j); {
	case errors.Is(err, errManyRaws):
		return c.decideHalves(ctx, p, b, batch, strangers)
	case err != nil:
		return err
	}
	counted := p.quota.marked()
	settled := func() {
		p.window, p.sure = without(p.window, batch.uids), counted
		c.countBatch(p, b, batch.uids, all)
		p.rooms = append(p.rooms, made) // nothing of it is needed any more
	}
	if c.planning {
		err := p.tell(c.dir.config(b.Mailbox), all)
		settled()
		return err
	}
	return c.recordPass(ctx, cursor, complete(all), generation, settled)
}

// decideHalves is decideBatch for messages that are too large together.
func (c *connection) decideHalves(ctx context.Context, p *pass, b Bound, batch aheadBatch, strangers bool) error {
	middle := len(batch.fetched) / 2
	later := map[imap.UID]bool{}
	for _, f := range batch.fetched[middle:] {
		later[f.UID] = true
	}
	first, second := batch, batch
	first.fetched, second.fetched = batch.fetched[:middle], batch.fetched[middle:]
	first.uids = slices.DeleteFunc(slices.Clone(batch.uids), func(uid imap.UID) bool { return later[uid] })
	second.uids = slices.DeleteFunc(slices.Clone(batch.uids), func(uid imap.UID) bool { return !later[uid] })
	if err := c.decideBatch(ctx, p, b, first, strangers); err != nil {
		return err
	}
	return c.decideBatch(ctx, p, b, second, strangers)
}

// without are messages without some of them, which are mostly the first.
func without(all, some []imap.UID) []imap.UID {
	if len(some) <= len(all) && slices.Equal(all[:len(some)], some) {
		return all[len(some):]
	}
	gone := make(map[imap.UID]bool, len(some))
	for _, uid := range some {
		gone[uid] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(uid imap.UID) bool { return gone[uid] })
}

// inScope leaves out what was received before the scope begins.
func (p *pass) inScope(all []*candidate) []*candidate {
	if p.scope.Since.IsZero() {
		return all
	}
	return slices.DeleteFunc(all, func(m *candidate) bool { return m.fetched.Received.Before(p.scope.Since) })
}

func (c *connection) countBatch(p *pass, b Bound, uids []imap.UID, all []*candidate) {
	mailbox := c.dir.config(b.Mailbox)
	p.note(func(r *Report) {
		r.Messages += len(uids)
		for _, m := range all {
			if m.absent {
				r.Unreadable++
				continue
			}
			r.count(c.cfg.Name, mailbox, m)
			if c.planning {
				c.countWaiting(r, p, m)
			}
		}
	})
}

// tell tells of the entries of a plan.
func (p *pass) tell(mailbox string, all []*candidate) error {
	if p.each == nil {
		return nil
	}
	for _, m := range complete(all) {
		for _, e := range m.entries {
			e.Mailbox = mailbox
			if err := p.each(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordPass writes one decided batch of a pass: what record does, without a
// cursor. It calls settled once the batch, and what was to be written before it, is.
func (c *connection) recordPass(ctx context.Context, cursor journal.Cursor, all []*candidate, generation int, settled func()) error {
	batch := journal.Batch{At: time.Now(), Entries: make([]journal.Entry, 0, entriesIn(all))}
	if err := c.learnTargets(ctx, all); err != nil {
		return err
	}
	for _, m := range byUID(all) {
		for _, e := range m.toRecord() {
			if err := c.addEntry(ctx, &batch, &e, m); err != nil {
				return err
			}
			if m.doubt && len(m.earlier) == 0 {
				doubtCopies(batch.Entries[len(batch.Entries)-1].Steps)
			}
		}
		batch.Entries = append(batch.Entries, m.overtaken()...)
		batch.Keep = append(batch.Keep, m.keep...)
		for rule, why := range errorsOf(m.decision) {
			c.state.ruleError(rule, why)
		}
	}
	return c.commitAhead(ctx, batch, func() {
		c.decidedNow(batch.Entries, generation)
		settled()
	})
}

func entriesIn(all []*candidate) (n int) {
	for _, m := range all {
		n += len(m.entries)
	}
	return n
}
