package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// chosenActs are the acts that are to be undone.
type chosenActs struct {
	engine.Undo
	n int
	// before counts those that were selected and are undone already.
	before int
	// of says which run they are of, "" where that was not asked for.
	of string
}

// undoableStates are the states of entries by which something may have been done.
func undoableStates() []journal.EntryState {
	return slices.DeleteFunc(journal.States(), func(s journal.EntryState) bool {
		return s == journal.Open || s == journal.Held || s == journal.DryRun || s == journal.Kept || s == journal.Undone
	})
}

// chooseActs finds the acts of a command line. Those that are named are taken as they
// are: it is said of each why it cannot be undone.
func (a *app) chooseActs(ctx context.Context, cfg *config.Config, args []string, f *undoFlags) (chosenActs, error) {
	out := chosenActs{Undo: engine.Undo{Acts: map[string][]int64{}}}
	now := time.Now()
	scopes, err := f.scopes(cfg, args, now)
	if err != nil {
		return out, err
	}
	archive, err := openArchive(ctx, cfg)
	if err != nil {
		return out, err
	}
	defer archive.close()
	var run *journal.Entry
	if f.lastRun {
		if run, err = archive.lastRun(ctx, scopes, now); err != nil {
			return out, err
		}
		if run == nil {
			return out, usagef("no run of the last 30 days is known by which anything was done; 'imapilot history' shows what was")
		}
		out.of = runText(*run, cfg.Location)
	}
	for _, sel := range scopes {
		if len(args) > 0 {
			out.take(sel.Account, sel.Seqs)
			continue
		}
		if err := out.find(ctx, archive, sel, run, now); err != nil {
			return out, err
		}
	}
	if out.n > journal.MaxSeqs {
		return out, usagef("%d acts are selected, and at most %d can be undone at once; select fewer with --account, --mailbox, --rule or --since", out.n, journal.MaxSeqs)
	}
	return out, nil
}

func (c *chosenActs) take(account string, seqs []int64) {
	if len(seqs) > 0 {
		c.Acts[account] = append(c.Acts[account], seqs...)
		c.n += len(seqs)
	}
}

// find takes the acts of a selection, of one run where it is not nil.
func (c *chosenActs) find(ctx context.Context, archive *archive, sel engine.Selection, run *journal.Entry, now time.Time) error {
	q := sel.Query(sel.Account)
	if since := undoSince(now); q.Since.Before(since) {
		q.Since = since
	}
	q.Acted = true
	if run != nil {
		q.Trigger = run.Trigger
	}
	found, err := archive.Entries(ctx, q)
	if err != nil {
		return err
	}
	var seqs []int64
	for _, e := range found {
		switch {
		case e.Trigger == journal.TriggerUndo || e.Trigger == journal.TriggerSnooze || run != nil && !sameRun(e, *run):
		case e.State == journal.Undone:
			c.before++
		case slices.Contains(undoableStates(), e.State):
			seqs = append(seqs, e.Seq)
		}
	}
	c.take(sel.Account, seqs)
	return nil
}

// lastRun is an entry of the last apply, or run of a scheduled rule, by which
// something was done and is not undone; nil if there is none.
func (r *archive) lastRun(ctx context.Context, scopes []engine.Selection, now time.Time) (*journal.Entry, error) {
	var last *journal.Entry
	for _, sel := range scopes {
		for _, trigger := range []string{journal.TriggerApply, journal.TriggerSchedule} {
			q := sel.Query(sel.Account)
			q.Acted, q.Trigger, q.States, q.Newest, q.Limit = true, trigger, undoableStates(), true, 1
			q.Since = undoSince(now)
			found, err := r.Entries(ctx, q)
			if err != nil {
				return nil, err
			}
			if len(found) > 0 && (last == nil || found[0].Decided.After(last.Decided)) {
				last = &found[0]
			}
		}
	}
	return last, nil
}

// runText says which run an entry is of.
func runText(e journal.Entry, zone *time.Location) string {
	if e.Trigger == journal.TriggerSchedule {
		return "the scheduled run of " + cmp.Or(strings.Join(e.Walk, ", "), "a rule") + " at " + e.Decided.In(zone).Format(time.DateTime)
	}
	at := e.Run
	if at.IsZero() { // of an older version
		at = e.Decided
	}
	return "the apply of " + at.In(zone).Format(time.DateTime)
}

// sameRun reports whether two entries are of one run. Those of an older version do not
// tell.
func sameRun(a, b journal.Entry) bool {
	if a.Trigger != b.Trigger || !slices.Equal(a.Walk, b.Walk) || a.Occasion != b.Occasion {
		return false
	}
	return a.Trigger == journal.TriggerSchedule || a.Run.Equal(b.Run)
}
