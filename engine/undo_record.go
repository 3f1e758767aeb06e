package engine

import (
	"context"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// recordUndo writes what puts some acts back, and that they are undone, in one
// commit: before anything is sent.
func (c *connection) recordUndo(ctx context.Context, p *pass, acts []*undoable) ([]Undone, error) {
	batch := journal.Batch{At: time.Now()}
	var out []Undone
	for _, a := range acts {
		r, done := c.reversed(a)
		entries, err := c.entriesOfUndo(ctx, p, a, r)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			done.Entries = append(done.Entries, e.Seq)
			batch.Expect = append(batch.Expect, c.expectations(e)...)
		}
		out = append(out, done)
		if len(entries) > 0 {
			batch.Entries = append(append(batch.Entries, entries...), undoneBy(a.Entry, done.Entries))
		}
		if r.wakes {
			batch.Woken = append(batch.Woken, a.Seq)
		}
	}
	if len(batch.Entries) == 0 {
		return out, nil
	}
	if err := c.commit(ctx, batch); err != nil {
		return nil, err
	}
	_, generation := c.current()
	// Copies are proven again when it is their turn: after the message was put back.
	c.decidedNow(slices.DeleteFunc(batch.Entries, func(e journal.Entry) bool { return e.OfCopy }), generation)
	return out, nil
}

// undoneBy is an entry that others put back.
func undoneBy(e journal.Entry, by []int64) journal.Entry {
	e = cloneEntry(e)
	e.State, e.Reason, e.NextTry = journal.Undone, "", time.Time{}
	e.UndoneBy = append(slices.Clone(by), e.UndoneBy...)
	return e
}

// entriesOfUndo are the entries that put an act back: that of the message, and one for
// each copy.
func (c *connection) entriesOfUndo(ctx context.Context, p *pass, a *undoable, r reversal) ([]journal.Entry, error) {
	var out []journal.Entry
	if len(r.steps) > 0 {
		e := c.entryOfUndo(p, a, a.now, r.steps)
		for i := range e.Steps {
			s := &e.Steps[i]
			if err := c.expectLabel(ctx, s); err != nil {
				return nil, err
			}
			if s.Target == "" {
				continue
			}
			c.used(s.Target)
			st, err := c.targetStatus(ctx, s.Target)
			if err != nil {
				return nil, err
			}
			s.TargetValidity, s.TargetNext = st.UIDValidity, st.UIDNext
		}
		out = append(out, e)
	}
	for _, m := range r.removed {
		e := c.entryOfUndo(p, a, m.copy, []journal.Step{m.step})
		e.OfCopy = true
		out = append(out, e)
	}
	return out, nil
}

// entryOfUndo is an entry for a message where it lies now.
func (c *connection) entryOfUndo(p *pass, a *undoable, at lying, steps []journal.Step) journal.Entry {
	e := journal.Entry{
		Seq: c.seq(), Mailbox: at.mailbox, UIDValidity: at.validity, UID: at.uid, Print: at.print,
		From: a.From, Subject: a.Subject, Trigger: journal.TriggerUndo, Run: p.undo.began, Decided: time.Now(),
		Flags: slices.Clone(at.flags), Labels: at.labels, Steps: steps, State: journal.Open, Undoes: a.Seq,
	}
	for _, s := range steps {
		e.Plan.Items = append(e.Plan.Items, actions.Item{Action: s.Action, Rule: s.Rule, Hash: s.Hash, Index: s.Index})
	}
	return e
}

// waitsForMessage reports whether an entry removes a copy of a message that is not
// put back yet.
func (c *connection) waitsForMessage(w *task) bool {
	if !w.OfCopy {
		return false
	}
	for _, other := range c.open {
		if other.Undoes == w.Undoes && !other.OfCopy {
			return true
		}
	}
	return false
}

// unprovenCopy closes the removal of a copy that cannot be proven ours any more.
func unprovenCopy(e journal.Entry, why string) journal.Entry {
	e = cloneEntry(e)
	for i := range e.Steps {
		if e.Steps[i].State == journal.Recorded {
			e.Steps[i].State, e.Steps[i].Error = journal.StepReplaced, why
		}
	}
	e.State, e.Reason = journal.Withdrawn, "the copy stays: "+why
	return e
}
