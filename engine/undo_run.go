package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// undoing is what a run that undoes has to do, and what came of it. It is that of one
// account.
type undoing struct {
	// left are the acts to come, the newest first.
	left []int64
	// began marks the entries of this run.
	began time.Time
	// moved is what a plan would have put into places by now.
	moved map[place]lying
	// done is what came of each act; others read it, under the mutex of the pass.
	done []Undone
}

func newUndo(seqs []int64) *pass {
	p := newPass(walk{}, Scope{})
	left := slices.Clone(seqs)
	slices.SortFunc(left, func(a, b int64) int { return int(max(-1, min(1, b-a))) })
	left = slices.Compact(left)
	p.undo, p.total = &undoing{left: left, began: time.Now().UTC().Truncate(time.Microsecond), moved: map[place]lying{}}, len(left)
	return p
}

// undone is what came of each act.
func (p *pass) undone() []Undone {
	if p.undo == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.undo.done)
}

func (u *undoing) drop(done []Undone) {
	u.left = slices.DeleteFunc(u.left, func(seq int64) bool {
		return slices.ContainsFunc(done, func(d Undone) bool { return d.Seq == seq })
	})
}

// stepUndo undoes the next acts, of each message one. It returns true when the run has
// ended.
func (c *connection) stepUndo(ctx, work context.Context, p *pass) (ended bool, err error) {
	p.begun = true
	if c.isDryRun() && !c.planning {
		return true, c.endPass(work, p, errors.New("the account is in dry run, in which nothing is touched"))
	}
	if len(p.undo.left) == 0 {
		return true, c.endUndo(ctx, work, p, nil)
	}
	if cause := c.cannotGoOn(p); cause != nil {
		return true, c.endUndo(ctx, work, p, cause)
	}
	if err := c.written(); err != nil {
		return false, err
	}
	acts, done, err := c.nextActs(work, p)
	if err != nil {
		return false, err
	}
	if err := c.examine(work, acts, p.undo.moved); err != nil {
		return false, err
	}
	if c.planning {
		done = append(done, c.wouldUndo(p, acts)...)
	} else {
		recorded, err := c.recordUndo(work, p, acts)
		if err != nil {
			return false, err
		}
		done = append(done, recorded...)
	}
	p.noteUndone(done)
	if c.planning {
		return false, nil
	}
	return false, c.applyUndo(ctx, work)
}

func (p *pass) noteUndone(done []Undone) {
	p.undo.drop(done)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.undo.done = append(p.undo.done, done...)
	p.report.Messages += len(done)
}

// applyUndo sends what is open. What removes copies waits for the messages.
func (c *connection) applyUndo(ctx, work context.Context) error {
	if err := c.apply(ctx, work); err != nil {
		return err
	}
	return c.apply(ctx, work)
}

// endUndo ends a run that undoes, and says how far its entries came.
func (c *connection) endUndo(ctx, work context.Context, p *pass, cause error) error {
	if !c.planning {
		if err := c.applyUndo(ctx, work); err != nil {
			return err
		}
		if err := c.written(); err != nil {
			return err
		}
		if err := c.readUndone(work, p); err != nil {
			return err
		}
	}
	return c.endPass(work, p, cause)
}

// readUndone reads what became of the entries of a run.
func (c *connection) readUndone(ctx context.Context, p *pass) error {
	done := p.undone()
	var seqs []int64
	for _, d := range done {
		seqs = append(seqs, d.Entries...)
	}
	found, err := c.entriesBy(ctx, seqs)
	if err != nil {
		return err
	}
	for i := range done {
		for _, seq := range done[i].Entries {
			if e, ok := found[seq]; ok && worse(e.State, done[i].State) {
				done[i].State, done[i].Reason = e.State, whyUndone(e)
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.undo.done = done
	return nil
}

func whyUndone(e journal.Entry) string {
	if next := e.Next(); e.Reason == "" && e.State == journal.Open && next >= 0 {
		return e.Steps[next].Error
	}
	return e.Reason
}

// worse reports whether one state says more of what is left to do than another.
func worse(a, b journal.EntryState) bool {
	order := []journal.EntryState{"", journal.Done, journal.Skipped, journal.Withdrawn, journal.Gone, journal.Open, journal.Unsure, journal.Failed}
	return slices.Index(order, a) > slices.Index(order, b)
}

// entriesBy reads entries by their sequences.
func (c *connection) entriesBy(ctx context.Context, seqs []int64) (map[int64]journal.Entry, error) {
	out := map[int64]journal.Entry{}
	for chunk := range slices.Chunk(seqs, batchSize) {
		found, err := c.journal.Entries(ctx, journal.Query{Account: c.cfg.Name, Seqs: chunk})
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			out[e.Seq] = e
		}
	}
	return out, nil
}

// nextActs reads the acts that are undone next, of each message the newest. done are
// those that cannot be, or were already, by this run too.
func (c *connection) nextActs(ctx context.Context, p *pass) (acts []*undoable, done []Undone, err error) {
	next := p.undo.left[:min(len(p.undo.left), batchSize)]
	found, err := c.entriesBy(ctx, next)
	if err != nil {
		return nil, nil, err
	}
	var before []int64
	for _, e := range found {
		before = append(before, e.UndoneBy...)
	}
	by, err := c.entriesBy(ctx, before)
	if err != nil {
		return nil, nil, err
	}
	taken := map[journal.Fingerprint]bool{}
	for _, seq := range next {
		e, known := found[seq]
		switch out, undoers := c.undoneOf(e), undoersOf(e, by); {
		case !known:
			out.Seq = seq
			out.Cannot = []Unable{{Why: "the journal does not know it (any more)"}}
			done = append(done, out)
		case len(undoers) > 0 && undoers[0].Run.Equal(p.undo.began):
			done = append(done, c.ofThisRun(out, undoers))
		case mayUndo(e, undoers, c.undoClock(e)) != "":
			out.Cannot = []Unable{{Why: mayUndo(e, undoers, c.undoClock(e))}}
			done = append(done, out)
		case !taken[e.Print]:
			acts = append(acts, &undoable{Entry: e})
		}
		taken[e.Print] = true
	}
	return acts, done, nil
}

func undoersOf(e journal.Entry, by map[int64]journal.Entry) []journal.Entry {
	var out []journal.Entry
	for _, seq := range e.UndoneBy {
		if u, ok := by[seq]; ok {
			out = append(out, u)
		}
	}
	return out
}

// ofThisRun is an act that this run recorded, and did not know that it had.
func (c *connection) ofThisRun(out Undone, by []journal.Entry) Undone {
	for _, u := range by {
		out.Entries = append(out.Entries, u.Seq)
		for _, s := range u.Steps {
			out.Back = append(out.Back, c.backText(u, s))
		}
	}
	return out
}

// undoneOf begins to say what comes of an act.
func (c *connection) undoneOf(e journal.Entry) Undone {
	return Undone{Account: c.cfg.Name, Seq: e.Seq, From: e.From, Subject: e.Subject, MessageID: e.Print.MessageID, Back: []string{}, Cannot: []Unable{}}
}

// backText says what a step of an undo does.
func (c *connection) backText(u journal.Entry, s journal.Step) string {
	if u.OfCopy {
		return c.removalText(u.Print, u.Mailbox)
	}
	return s.Action.String()
}

// removalText says what is removed from a mailbox.
func (c *connection) removalText(print journal.Fingerprint, mailbox string) string {
	what := "copy"
	if actions.IsNote(print.MessageID) {
		what = "note"
	}
	return fmt.Sprintf("remove the %s in %s", what, c.dir.config(mailbox))
}

// reversed is what can be put back of an act, and how that is told.
func (c *connection) reversed(a *undoable) (reversal, Undone) {
	r := reverse(*a, c.dir.config, c.session.Capabilities().UIDPlus)
	if a.now.why == "" && len(r.steps) > 0 && isLeaving(a.Entry) && c.cannotHold(a.back()) {
		r = reversal{cannot: []Unable{{Why: "its old mailbox cannot hold messages any more"}}}
	}
	out := c.undoneOf(a.Entry)
	out.Cannot = append(out.Cannot, r.cannot...)
	if a.now.why == "" {
		out.Mailbox, out.UID = c.dir.config(a.now.mailbox), uint32(a.now.uid)
	}
	for _, s := range r.steps {
		out.Back = append(out.Back, s.Action.String())
	}
	for _, m := range r.removed {
		out.Back = append(out.Back, c.removalText(m.copy.print, m.copy.mailbox))
	}
	return r, out
}

// cannotHold reports whether a mailbox is there, and cannot hold messages.
func (c *connection) cannotHold(name string) bool { return c.dir.exists(name) && c.dir.holdsNone(name) }

// wouldUndo says what an undo would do, and takes it for done: an older act of the
// same message is undone after it.
func (c *connection) wouldUndo(p *pass, acts []*undoable) []Undone {
	var out []Undone
	for _, a := range acts {
		r, done := c.reversed(a)
		out = append(out, done)
		if len(r.steps) == 0 {
			continue
		}
		at := a.now
		for _, s := range r.steps {
			at.flags, at.labels = changedFlags(at.flags, s), changedLabels(at.labels, s)
		}
		p.undo.moved[place{mailbox: a.Mailbox, validity: a.UIDValidity, uid: a.UID}] = at
	}
	return out
}

// changedFlags are flags after a step.
func changedFlags(flags []imap.Flag, s journal.Step) []imap.Flag {
	out := slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool { return hasFlag(s.Action.Flags, f) })
	if s.Action.Kind == actions.AddFlags {
		return append(out, s.Action.Flags...)
	}
	if s.Action.Kind == actions.RemoveFlags {
		return out
	}
	return flags
}
