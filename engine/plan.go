package engine

import (
	"context"
	"fmt"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// Reader is what a plan asks the journal.
type Reader interface {
	EntryReader
	Any(ctx context.Context, q journal.Query) (bool, error)
	Acted(ctx context.Context, account string, prints []journal.Fingerprint) ([]journal.Entry, error)
	Seen(ctx context.Context, account string, ids []string) (map[string]journal.Trace, error)
	Snoozed(ctx context.Context, account string) ([]journal.Snoozed, error)
}

// readOnly is a journal of which only what a plan asks is used.
type readOnly struct {
	journal.Journal
	Reader
}

// Entries implements [journal.Journal].
func (r readOnly) Entries(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	return r.Reader.Entries(ctx, q)
}

// Any implements [journal.Journal].
func (r readOnly) Any(ctx context.Context, q journal.Query) (bool, error) {
	return r.Reader.Any(ctx, q)
}

// Acted implements [journal.Journal].
func (r readOnly) Acted(ctx context.Context, account string, prints []journal.Fingerprint) ([]journal.Entry, error) {
	return r.Reader.Acted(ctx, account, prints)
}

// Snoozed implements [journal.Journal].
func (r readOnly) Snoozed(ctx context.Context, account string) ([]journal.Snoozed, error) {
	return r.Reader.Snoozed(ctx, account)
}

// Seen implements [journal.Journal].
func (r readOnly) Seen(ctx context.Context, account string, ids []string) (map[string]journal.Trace, error) {
	return r.Reader.Seen(ctx, account, ids)
}

// Planned is what rules would do to one message. The mailbox of its entry is in
// the configuration's spelling.
type Planned struct {
	Account string
	Entry   journal.Entry
}

// Planning watches a plan being made. Zero fields are not called.
type Planning struct {
	// Each is told of every message for which a rule would do something, or that a
	// limit would hold.
	Each func(Planned) error
	// Progress is told now and then how far it came, from another goroutine.
	Progress func(Progress)
}

// progressEvery is how often Progress is told.
const progressEvery = 200 * time.Millisecond

// Plan works out what the rules would do to the mail of a scope, by the walk, the
// journal and the limits of Apply, on connections of its own that change nothing:
// mailboxes are opened with EXAMINE. The bounds that it returns hold for an apply
// of just this plan; they are not nil, though there may be none. It needs no lease
// and works beside a daemon.
func Plan(ctx context.Context, cfg *config.Config, o Options, j Reader, s Scope, watch Planning) (Report, []Bound, error) {
	if err := s.Check(cfg); err != nil {
		return Report{}, nil, err
	}
	o.Journal = readOnly{Reader: j}
	e := New(cfg, o)
	var reports []Report
	bounds := []Bound{}
	for _, acc := range cfg.Accounts {
		if s.Account != "" && s.Account != acc.Name {
			continue
		}
		p := newPass(s.walk(), s)
		if watch.Each != nil {
			p.each = func(entry journal.Entry) error { return watch.Each(Planned{Account: acc.Name, Entry: entry}) }
		}
		err := newAccount(e, acc, cfg).plan(ctx, p, watch.Progress)
		report, _ := p.soFar()
		reports, bounds = append(reports, report), append(bounds, p.bounds...)
		if err != nil {
			return merged(reports), bounds, fmt.Errorf("account %q: %w", acc.Name, err)
		}
	}
	return merged(reports), bounds, nil
}

// plan runs a pass to its end on a connection that changes nothing.
func (a *account) plan(ctx context.Context, p *pass, progress func(Progress)) error {
	s, _, err := a.login(ctx)
	if err != nil {
		return err
	}
	c := newConnection(a, s)
	c.planning = true
	a.open, a.cursors = nil, nil
	stop := reporting(p, progress)
	defer stop()
	err = c.planAll(ctx, p)
	c.end(err)
	return err
}

func (c *connection) planAll(ctx context.Context, p *pass) error {
	entries, err := c.listing(ctx)
	if err != nil {
		return err
	}
	c.dir = newDirectory(c.session.Delimiter(), c.session.Prefix(), entries)
	c.passes = []*pass{p}
	for len(c.passes) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.runPasses(ctx, ctx); err != nil {
			return err
		}
	}
	return p.err
}

// reporting tells of the progress of a pass until it is stopped.
func reporting(p *pass, progress func(Progress)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	ticker, ended, done := time.NewTicker(progressEvery), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ticker.C:
				_, now := p.soFar()
				progress(now)
			case <-ended:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(ended)
		<-done
	}
}
