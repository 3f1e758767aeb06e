package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"imapilot/engine"
	"imapilot/engine/journal"
)

const (
	// followEvery is how often the journal is looked at.
	followEvery = 500 * time.Millisecond
	// overlap is how far each look goes back before the last one: an entry bears
	// the time at which its commit began, and another may have ended meanwhile.
	overlap = time.Minute
	// maxAwaited is how many webhooks that wait are watched, the newest.
	maxAwaited = 1000
)

// follower remembers what was shown.
type follower struct {
	run    *historyRun
	since  time.Time
	events int64
	// shown is by entry what of it was shown last.
	shown map[key]seen
}

type key struct {
	account string
	seq     int64
}

// seen is a version of an entry and of its webhooks.
type seen struct {
	updated, hooks time.Time
	owed           bool // a webhook is pending
}

func versionOf(r record) seen {
	v := seen{updated: r.Updated}
	for _, d := range r.webhooks {
		if d.Updated.After(v.hooks) {
			v.hooks = d.Updated
		}
		v.owed = v.owed || d.State == journal.Pending
	}
	return v
}

// follow shows what is new and what changes until ctx is done.
func (f *follower) follow(ctx context.Context) error {
	h := f.run
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	file, _, err := h.gone(nil)
	for err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var changed bool
		if file, changed, err = h.gone(file); err == nil && changed {
			err = h.reopen(ctx)
		}
		if err == nil {
			err = f.look(ctx)
		}
	}
	return ended(ctx, err)
}

// ended is the error of a follower, which none is when the user interrupted it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// reopen takes up a journal that was made, deleted or restored meanwhile.
func (h *historyRun) reopen(ctx context.Context) error {
	h.archive.close()
	next, err := openArchive(ctx, h.cfg)
	if err != nil {
		next = &archive{}
	}
	h.archive = next
	return err
}

// newFollower notes what is there already, so that only what follows is shown.
func newFollower(ctx context.Context, h *historyRun) (*follower, error) {
	f := &follower{run: h, shown: map[key]seen{}, since: time.Now().Add(-overlap)}
	if h.archive.db == nil {
		return f, nil
	}
	last, err := h.archive.db.Tail(ctx, "", -1, 1)
	if err != nil {
		return nil, err
	}
	if len(last) > 0 {
		f.events = last[0].ID
	}
	found, _, err := h.archive.newest(ctx, h.scopes, maxAwaited)
	for _, r := range found {
		f.note(r)
	}
	return f, err
}

// note remembers a version, and reports whether it is new.
func (f *follower) note(r record) bool {
	k, v := key{r.account, r.Seq}, versionOf(r)
	if f.shown[k] == v {
		return false
	}
	f.shown[k] = v
	return true
}

// look shows what changed since the last look.
func (f *follower) look(ctx context.Context) error {
	r := f.run.archive
	if r.db == nil {
		return nil
	}
	if err := r.refresh(ctx); err != nil {
		return passing(err)
	}
	now := time.Now()
	var found []record
	for _, sel := range f.run.scopes {
		changed, err := f.changed(ctx, sel)
		if err != nil {
			return passing(err)
		}
		found = append(found, changed...)
	}
	events, err := f.newEvents(ctx)
	if err != nil {
		return passing(err)
	}
	f.forget(now)
	slices.SortFunc(found, byTime)
	if f.run.flags.events {
		found = nil
	}
	return errors.Join(f.run.printRecords(found), f.run.printEvents(events))
}

// passing passes over what may be over at the next look: another process that
// recovers the file, a disk that is full for a moment.
func passing(err error) error {
	if errors.Is(err, journal.ErrUnavailable) {
		return nil
	}
	return err
}

// changed returns the entries of an account that are new or have changed, or
// whose webhooks have.
func (f *follower) changed(ctx context.Context, sel engine.Selection) ([]record, error) {
	q := sel.Query(sel.Account)
	q.ByTime, q.Limit = true, pageSize
	if q.Since.Before(f.since) {
		q.Since = f.since
	}
	var out []record
	for {
		page, err := f.run.archive.records(ctx, sel.Account, q)
		if err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(slices.Clone(page), func(r record) bool { return !f.note(r) })...)
		if len(page) < pageSize {
			break
		}
		q.After = journal.Mark{Updated: page[len(page)-1].Updated, Seq: page[len(page)-1].Seq}
	}
	owed, err := f.owed(ctx, sel)
	return append(out, owed...), err
}

// owed looks again at the entries whose webhooks were pending.
func (f *follower) owed(ctx context.Context, sel engine.Selection) ([]record, error) {
	q := sel.Query(sel.Account)
	q.Seqs = nil
	for k, v := range f.shown {
		if k.account == sel.Account && v.owed && len(q.Seqs) < maxAwaited {
			q.Seqs = append(q.Seqs, k.seq)
		}
	}
	if len(q.Seqs) == 0 {
		return nil, nil
	}
	found, err := f.run.archive.records(ctx, sel.Account, q)
	return slices.DeleteFunc(found, func(r record) bool { return !f.note(r) }), err
}

func (f *follower) newEvents(ctx context.Context) ([]journal.Event, error) {
	found, err := f.run.archive.db.Tail(ctx, "", f.events, pageSize)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	f.events = found[len(found)-1].ID
	return slices.DeleteFunc(found, func(e journal.Event) bool {
		return !slices.ContainsFunc(f.run.scopes, func(sel engine.Selection) bool {
			return sel.Account == e.Account && concerns(sel, e)
		})
	}), nil
}

// forget drops what no later look asks for again.
func (f *follower) forget(now time.Time) {
	f.since = now.Add(-overlap)
	for k, v := range f.shown {
		if v.updated.Before(f.since) && (!v.owed || len(f.shown) > 2*maxAwaited) {
			delete(f.shown, k)
		}
	}
}
