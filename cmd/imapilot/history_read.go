package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

const (
	// pageSize is how many entries are read at once.
	pageSize = 500
	// maxEvents is how many events are looked through, the newest.
	maxEvents = 10_000
)

// record is an entry with what belongs to it.
type record struct {
	account string
	journal.Entry
	webhooks []journal.Delivery
	// answers are what came of steps that left the mailbox, by their deliveries; only
	// of an entry that is shown whole.
	answers map[string]string
	// paused is why its next step has to wait, nil if nothing is in the way.
	paused *journal.Pause
}

// archive reads the journal. It never writes, so it works beside a daemon.
type archive struct {
	db     *sqlite.DB // nil where there is no journal yet
	pauses map[string][]journal.Pause
}

func openArchive(ctx context.Context, cfg *config.Config) (*archive, error) {
	if _, err := os.Stat(cfg.State); errors.Is(err, fs.ErrNotExist) {
		return &archive{}, nil
	}
	db, err := sqlite.OpenReadOnly(cfg.State)
	if err != nil {
		return nil, fmt.Errorf("the state file cannot be read: %w", err)
	}
	r := &archive{db: db}
	if err := r.refresh(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return r, nil
}

// refresh reads again which mailboxes are paused.
func (r *archive) refresh(ctx context.Context) error {
	sums, err := r.db.Summary(ctx)
	r.pauses = map[string][]journal.Pause{}
	for _, sum := range sums {
		r.pauses[sum.Account] = sum.Pauses
	}
	return err
}

func (r *archive) close() {
	if r.db != nil {
		r.db.Close()
	}
}

// Entries implements [engine.EntryReader].
func (r *archive) Entries(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	if r.db == nil {
		return nil, nil
	}
	return r.db.Entries(ctx, q)
}

// Outcomes counts by state what was done since a time; see [journal.Journal].
func (r *archive) Outcomes(ctx context.Context, account, trigger string, since time.Time) (map[journal.EntryState]int, error) {
	if r.db == nil {
		return nil, nil
	}
	return r.db.Outcomes(ctx, account, trigger, since)
}

// newest returns the last entries of a selection in the order in which they
// were last written, and whether there are more.
func (r *archive) newest(ctx context.Context, scopes []engine.Selection, limit int) (out []record, more bool, err error) {
	for _, sel := range scopes {
		q := sel.Query(sel.Account)
		q.ByTime, q.Newest, q.Limit = true, true, limit+1
		found, err := r.records(ctx, sel.Account, q)
		if err != nil {
			return nil, false, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, byTime)
	more = len(out) > limit
	return out[max(0, len(out)-limit):], more, nil
}

func byTime(a, b record) int {
	return cmp.Or(a.Updated.Compare(b.Updated), cmp.Compare(a.account, b.account), cmp.Compare(a.Seq, b.Seq))
}

// records reads the entries of one account, with their webhooks.
func (r *archive) records(ctx context.Context, account string, q journal.Query) ([]record, error) {
	entries, err := r.Entries(ctx, q)
	if err != nil {
		return nil, err
	}
	return r.complete(ctx, account, entries)
}

// complete adds to entries what belongs to them.
func (r *archive) complete(ctx context.Context, account string, entries []journal.Entry) ([]record, error) {
	out := make([]record, len(entries))
	at := make(map[int64]int, len(entries))
	for i, e := range entries {
		out[i] = record{account: account, Entry: e, paused: pausedBy(r.pauses[account], e)}
		at[e.Seq] = i
	}
	for page := range slices.Chunk(entries, pageSize) {
		seqs := make([]int64, len(page))
		for i, e := range page {
			seqs[i] = e.Seq
		}
		hooks, err := r.db.Deliveries(ctx, journal.DeliveryQuery{Account: account, Seqs: seqs})
		if err != nil {
			return nil, err
		}
		for _, d := range hooks {
			d.Payload = nil // it is not shown, and up to 20 kB
			out[at[d.Seq]].webhooks = append(out[at[d.Seq]].webhooks, d)
		}
	}
	return out, nil
}

// pausedBy returns the pause that an open entry waits for.
func pausedBy(pauses []journal.Pause, e journal.Entry) *journal.Pause {
	next := e.Next()
	if e.State != journal.Open || next < 0 {
		return nil
	}
	for i, p := range pauses {
		if p.Target == "" || p.Target == e.Steps[next].Target || p.Target == e.Mailbox {
			return &pauses[i]
		}
	}
	return nil
}

// stream hands over the entries of one account page by page.
type stream struct {
	archive *archive
	sel     engine.Selection
	mark    journal.Mark
	page    []record
	end     bool
}

// head returns the next entry, nil at the end.
func (s *stream) head(ctx context.Context) (*record, error) {
	if len(s.page) == 0 && !s.end {
		q := s.sel.Query(s.sel.Account)
		q.ByTime, q.Limit, q.After = true, pageSize, s.mark
		var err error
		if s.page, err = s.archive.records(ctx, s.sel.Account, q); err != nil {
			return nil, err
		}
		s.end = len(s.page) < pageSize
		if n := len(s.page); n > 0 {
			s.mark = journal.Mark{Updated: s.page[n-1].Updated, Seq: s.page[n-1].Seq}
		}
	}
	if len(s.page) == 0 {
		return nil, nil
	}
	return &s.page[0], nil
}

// all hands over every entry of a selection, in pages and in the order of time,
// however many there are. An entry that is written meanwhile may come twice.
func (r *archive) all(ctx context.Context, scopes []engine.Selection, use func([]record) error) error {
	var streams []*stream
	for _, sel := range scopes {
		streams = append(streams, &stream{archive: r, sel: sel})
	}
	var page []record
	for {
		s, err := first(ctx, streams)
		if err != nil {
			return err
		}
		if s == nil {
			return use(page)
		}
		page = append(page, s.page[0])
		s.page = s.page[1:]
		if len(page) == pageSize {
			if err := use(page); err != nil {
				return err
			}
			page = nil
		}
	}
}

// first returns the stream whose next entry is the oldest, nil at the end.
func first(ctx context.Context, streams []*stream) (*stream, error) {
	var best *stream
	for _, s := range streams {
		r, err := s.head(ctx)
		if err != nil {
			return nil, err
		}
		if r != nil && (best == nil || byTime(*r, best.page[0]) < 0) {
			best = s
		}
	}
	return best, nil
}

// events returns the newest events that a selection is about, and whether
// there are more.
func (r *archive) events(ctx context.Context, scopes []engine.Selection, limit int) (out []journal.Event, more bool, err error) {
	if r.db == nil {
		return nil, false, nil
	}
	for _, sel := range scopes {
		found, err := r.db.Tail(ctx, sel.Account, -1, maxEvents)
		if err != nil {
			return nil, false, err
		}
		out = append(out, slices.DeleteFunc(found, func(e journal.Event) bool { return !concerns(sel, e) })...)
	}
	slices.SortFunc(out, func(a, b journal.Event) int { return cmp.Compare(a.ID, b.ID) })
	more = len(out) > limit
	return out[max(0, len(out)-limit):], more, nil
}

// concerns reports whether an event is about what is selected. One that is
// about no single message is not about one that was picked out.
func concerns(sel engine.Selection, e journal.Event) bool {
	switch {
	case sel.Mailbox != "" && !journal.SpelledAs(e.Mailbox, sel.Mailbox),
		sel.Rule != "" && e.Rule != sel.Rule,
		sel.UID != 0 && uint32(e.UID) != sel.UID,
		len(sel.Seqs) > 0 && !slices.Contains(sel.Seqs, e.Seq),
		sel.MessageID != "" || len(sel.Outcomes) > 0,
		e.At.Before(sel.Since):
		return false
	}
	return true
}
