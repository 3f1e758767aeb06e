package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// A snoozed message lies in the snooze mailbox, and the journal has it from the commit
// of the outcome of the move there until it is due, or gone. Then one commit puts an
// entry in its place, with the steps by which it comes back.

// sleeper is a snoozed message and what the owner knows of it in this process.
type sleeper struct {
	journal.Snoozed
	// missed is when it was looked for in vain first, zero if it was not; again is
	// before when it is not looked for.
	missed, again time.Time
}

func sleepersOf(all []journal.Snoozed) map[int64]*sleeper {
	var out map[int64]*sleeper
	for _, s := range all {
		put(&out, s.Seq, &sleeper{Snoozed: s})
	}
	return out
}

// noteSnoozed adds to a batch, with the outcome of a step that snoozed a message, that
// it is to come back. One that left its mailbox, nobody knows how, may have gone by this
// step, and is looked for when it would be due.
func noteSnoozed(batch *journal.Batch, e journal.Entry, step int) {
	if s := e.Steps[step]; s.Action.Kind == actions.Snooze && (isDone(s) || e.State == journal.Gone) {
		batch.Snoozed = append(batch.Snoozed, snoozedBy(e, step))
	}
}

// noteGone is noteSnoozed for entries that were closed because their messages left.
func noteGone(batch *journal.Batch, entries []journal.Entry) {
	for _, e := range entries {
		if i := e.Next(); i >= 0 && e.State == journal.Gone {
			noteSnoozed(batch, e, i)
		}
	}
}

func snoozedBy(e journal.Entry, step int) journal.Snoozed {
	s := e.Steps[step]
	return journal.Snoozed{
		Seq: e.Seq, Rule: s.Rule, Mailbox: s.Target, UIDValidity: s.TargetValidity, UID: s.TargetUID, Print: e.Print,
		Back: e.Mailbox, Due: s.Action.Until,
	}
}

// beyondSnoozed returns the tasks of a group that snoozes which are more than an
// account may snooze, where so many more are about to be snoozed.
func (c *connection) beyondSnoozed(g group, more int) group {
	taken := len(c.snoozed) + more
	for _, w := range c.open {
		if w.flying && w.step().Action.Kind == actions.Snooze {
			taken++
		}
	}
	return g[min(len(g), max(0, maxSnoozed-taken)):]
}

// nextBack is when a snoozed message comes back next, zero if none does.
func (c *connection) nextBack() time.Time {
	var at time.Time
	if c.isDryRun() {
		return at
	}
	for _, s := range c.snoozed {
		if due := s.wanted(); at.IsZero() || due.Before(at) {
			at = due
		}
	}
	return at
}

// wanted is when a message is looked for, to come back.
func (s *sleeper) wanted() time.Time {
	if s.again.After(s.Due) {
		return s.again
	}
	return s.Due
}

// sleepers are those that fit, by their mailbox, the first to come back first.
func (c *connection) sleepers(fits func(*sleeper) bool) map[string][]*sleeper {
	out := map[string][]*sleeper{}
	for _, s := range c.snoozed {
		if fits(s) {
			out[s.Mailbox] = append(out[s.Mailbox], s)
		}
	}
	for _, all := range out {
		slices.SortFunc(all, func(a, b *sleeper) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Seq, b.Seq)) })
	}
	return out
}

// comeBack records that the snoozed messages which are due come back; apply does the
// rest. A mailbox that cannot be looked at now is looked at again a little later.
func (c *connection) comeBack(ctx context.Context) error {
	if c.isDryRun() {
		return nil
	}
	now := time.Now()
	due := c.sleepers(func(s *sleeper) bool { return !s.wanted().After(now) })
	for _, mailbox := range slices.Sorted(maps.Keys(due)) {
		for some := range slices.Chunk(due[mailbox], batchSize) {
			if err := c.restAsleep(some, c.comeBackFrom(ctx, mailbox, some)); err != nil {
				return err
			}
		}
	}
	return nil
}

// restAsleep lets messages sleep on whose mailbox cannot be looked at now, those that
// are long overdue for longer.
func (c *connection) restAsleep(all []*sleeper, err error) error {
	if err == nil || !mailboxOnly(err) {
		return err
	}
	c.log.Warn("snoozed messages cannot be looked at", "mailbox", c.dir.config(all[0].Mailbox), "messages", len(all), "error", err)
	for _, s := range all {
		s.again = time.Now().Add(min(max(time.Since(s.Due), c.timing.Again), c.timing.Probe))
	}
	return nil
}

func (c *connection) comeBackFrom(ctx context.Context, mailbox string, all []*sleeper) error {
	found, err := c.findSnoozed(ctx, mailbox, all, true)
	if err != nil {
		return err
	}
	batch := journal.Batch{At: time.Now()}
	here := c.missing(&batch, all, found)
	if err := c.wakeUp(ctx, &batch, here, found); err != nil {
		return err
	}
	if len(batch.Woken) == 0 {
		return nil
	}
	return c.commit(ctx, batch)
}

// watchSnoozed looks now and then whether snoozed messages are still where they lie,
// so that of one that the user took out it is said before it is due. It also learns
// places that nobody told, or that are others since the mailbox was renumbered.
func (c *connection) watchSnoozed(ctx context.Context) error {
	now := time.Now()
	all := c.sleepers(func(s *sleeper) bool { return s.Due.After(now) })
	for _, mailbox := range slices.Sorted(maps.Keys(all)) {
		if err := c.restAsleep(all[mailbox], c.watchSnoozedIn(ctx, mailbox, all[mailbox])); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) watchSnoozedIn(ctx context.Context, mailbox string, all []*sleeper) error {
	found, err := c.findSnoozed(ctx, mailbox, all, false)
	if err != nil {
		return err
	}
	batch := journal.Batch{At: time.Now()}
	for _, s := range c.missing(&batch, all, found) {
		if place := found[s.Seq]; place.UID != s.UID || place.UIDValidity != s.UIDValidity {
			batch.Snoozed = append(batch.Snoozed, place)
		}
	}
	if len(batch.Woken)+len(batch.Snoozed) == 0 {
		return nil
	}
	return c.commit(ctx, batch)
}

// missing returns those that were found. Of the others it adds to a batch that their
// snooze is over, once a second look some time after the first did not find them
// either: some servers show a message late.
func (c *connection) missing(batch *journal.Batch, all []*sleeper, found map[int64]journal.Snoozed) (here []*sleeper) {
	for _, s := range all {
		if _, ok := found[s.Seq]; ok {
			s.missed = time.Time{}
			here = append(here, s)
			continue
		}
		if s.missed.IsZero() {
			s.missed, s.again = batch.At, batch.At.Add(c.timing.Again)
			continue
		}
		if batch.At.Before(s.missed.Add(c.timing.Again)) {
			continue
		}
		batch.Woken = append(batch.Woken, s.Seq)
		batch.Events = append(batch.Events, journal.Event{Kind: "snooze", Mailbox: s.Mailbox, UID: s.UID, Rule: s.Rule, Seq: s.Seq, Text: fmt.Sprintf(
			"%s: the snooze by act %d on a message of %s is over: the message was moved or deleted there, and does not come back", c.dir.config(s.Mailbox), s.Seq, c.dir.config(s.Back))})
	}
	return here
}

// renamedSnoozes are the snoozed messages that lie in a mailbox which has another name
// now, or go back to it.
func (c *connection) renamedSnoozes(old, name string, validity uint32) []journal.Snoozed {
	var out []journal.Snoozed
	for _, seq := range slices.Sorted(maps.Keys(c.snoozed)) {
		s := c.snoozed[seq].Snoozed
		if s.Mailbox == old && (s.UIDValidity == validity || s.UIDValidity == 0) {
			s.Mailbox = name
		}
		if s.Back == old {
			s.Back = name
		}
		if s != c.snoozed[seq].Snoozed {
			out = append(out, s)
		}
	}
	return out
}
