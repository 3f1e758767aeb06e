package engine

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

// reconsider looks again at what an undo is about to do, where that is old or was
// recorded by another process, and at each copy before it is removed: a message may
// have left, and somebody may have done something with a copy. All entries are of the mailbox name.
func (c *connection) reconsider(ctx context.Context, name string, entries []*task) error {
	if err := c.back(ctx, name, entries[0].UIDValidity); err != nil {
		return err
	}
	uids := make([]imap.UID, len(entries))
	for i, w := range entries {
		uids[i] = w.UID
	}
	present, err := c.there(ctx, setOf(uids))
	if err != nil {
		return err
	}
	copies := filter(entries, func(w *task) bool { return w.OfCopy })
	still, err := c.stillOurs(ctx, copies)
	if err != nil {
		return err
	}
	var closed []journal.Entry
	_, generation := c.current()
	for _, w := range entries {
		switch {
		case !present.Contains(w.UID):
			e := cloneEntry(w.Entry)
			e.State, e.Reason = journal.Gone, "the message is not in the mailbox any more"
			closed = append(closed, e)
		case w.OfCopy && still[w.Seq] != "":
			closed = append(closed, unprovenCopy(w.Entry, still[w.Seq]))
		default:
			w.generation, w.decided = generation, time.Now()
		}
	}
	if len(closed) == 0 {
		return nil
	}
	return c.commit(ctx, c.closing(closed...))
}

// stillOurs says, by the sequence of the entry that removes it, why a copy is not
// removed; "" where it still is.
func (c *connection) stillOurs(ctx context.Context, copies []*task) (map[int64]string, error) {
	if len(copies) == 0 {
		return nil, nil
	}
	var seqs []int64
	for _, w := range copies {
		seqs = append(seqs, w.Undoes)
	}
	found, err := c.entriesBy(ctx, seqs)
	if err != nil {
		return nil, err
	}
	by := map[int64]*undoable{}
	var acts []*undoable
	for _, e := range found {
		by[e.Seq] = &undoable{Entry: e, begun: true}
		acts = append(acts, by[e.Seq])
	}
	if err := c.examine(ctx, acts, nil); err != nil {
		return nil, err
	}
	out := map[int64]string{}
	for _, w := range copies {
		out[w.Seq] = "what made it is forgotten"
		if a := by[w.Undoes]; a != nil {
			out[w.Seq] = a.keeps(w.Entry)
		}
	}
	return out, nil
}

// keeps says why the copy that an entry removes stays, "" if it does not.
func (a *undoable) keeps(e journal.Entry) string {
	at := place{mailbox: e.Mailbox, validity: e.UIDValidity, uid: e.UID}
	for i, s := range a.Steps {
		if isCopy(s) && at.is(place{mailbox: s.Target, validity: s.TargetValidity, uid: s.TargetUID}) {
			return notOurs(*a, i, a.copies[i])
		}
	}
	return "it is not known to be a copy of ours"
}

// renumberedCopy is why a copy stays in a mailbox that was renumbered.
const renumberedCopy = "its mailbox was renumbered, so that the copy cannot be proven any more"
