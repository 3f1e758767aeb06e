package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// apply sends the steps that are due. Mailboxes are taken one after the
// other; of one message, flags are set first, then copies made, then it is moved
// or expunged, and its next step waits for the one before.
func (c *connection) apply(ctx, work context.Context) error {
	if c.isDryRun() {
		return nil
	}
	if err := c.learnOutside(work); err != nil {
		return err
	}
	c.carrying, c.cutShort = time.Now(), false
	for _, name := range c.openMailboxes() {
		if err := c.applyMailbox(ctx, work, name); err != nil {
			if !mailboxOnly(err) {
				return err
			}
			c.log.Error("mailbox cannot be worked on", "mailbox", name, "error", err)
			if err := c.postpone(work, name, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// openMailboxes lists the mailboxes with entries that are due.
func (c *connection) openMailboxes() []string {
	var out []string
	for _, w := range c.open {
		if c.ready(w) && !slices.Contains(out, w.Mailbox) {
			out = append(out, w.Mailbox)
		}
	}
	slices.Sort(out)
	return out
}

// postpone lets the open entries of a mailbox rest that cannot be selected. Of
// one that is gone, and that the last listing did not find under another name,
// they are closed.
func (c *connection) postpone(ctx context.Context, mailbox string, cause error) error {
	var closed []journal.Entry
	for _, w := range c.open {
		if w.Mailbox != mailbox {
			continue
		}
		w.NextTry = time.Now().Add(c.timing.Again)
		if !isGone(cause) {
			continue
		}
		w.NextTry = time.Now().Add(c.timing.Probe)
		if !c.dir.exists(mailbox) {
			e := cloneEntry(w.Entry)
			e.State, e.Reason = journal.Gone, "its mailbox is gone"
			closed = append(closed, e)
		}
	}
	if len(closed) == 0 {
		return nil
	}
	return c.commit(ctx, c.closing(closed...))
}

func (c *connection) applyMailbox(ctx, work context.Context, name string) error {
	if err := c.use(work, name); err != nil {
		return err
	}
	if err := c.renumbered(work, name); err != nil {
		return err
	}
	for ctx.Err() == nil && !c.isDryRun() {
		if err := c.use(work, name); err != nil {
			return worst(err, c.landAir(work, name))
		}
		ready := c.readyIn(name, c.validity)
		if len(ready) == 0 && c.air == nil {
			return nil
		}
		if err := c.advance(ctx, work, name, ready); err != nil {
			return worst(err, c.landAir(work, name))
		}
	}
	return c.landAir(work, name)
}

// renumbered deals with entries of another UIDVALIDITY than the selected mailbox
// has: its next scan binds them to their new UIDs, and where none comes that would,
// they are bound now.
func (c *connection) renumbered(ctx context.Context, name string) error {
	var old []journal.Entry
	for _, w := range c.open {
		if w.Mailbox != name || w.UIDValidity == c.validity {
			continue
		}
		if c.scanBinds(name) {
			w.NextTry = time.Now().Add(c.timing.Again)
			c.wake.mailbox(name)
			continue
		}
		old = append(old, w.Entry)
	}
	if len(old) == 0 {
		return nil
	}
	return c.bind(ctx, name, old)
}

// scanBinds reports whether the next scan finds that the selected mailbox was
// renumbered.
func (c *connection) scanBinds(name string) bool {
	known := c.cursors.of(name).UIDValidity
	return !c.engine.opts.isJob() && slices.Contains(c.watched, name) && known != 0 && known != c.validity
}

// bind gives open entries of the selected mailbox, which was renumbered, their
// message's new UID. Where there is too much to look through, nothing can be told.
func (c *connection) bind(ctx context.Context, name string, entries []journal.Entry) error {
	listed, err := c.searchAbove(ctx, 1)
	if err != nil {
		return err
	}
	uids := uidsOf(listed)
	if len(uids) > windowSize {
		return c.commit(ctx, c.closing(unsureOf(entries)...))
	}
	now, err := c.prints(ctx, uids)
	if err != nil {
		return err
	}
	if err := c.allPrinted(name, listed, now); err != nil {
		return err
	}
	before, validities := []journal.Known{}, map[uint32]bool{}
	for i := range entries {
		before, validities[entries[i].UIDValidity] = append(before, journal.Known{Print: entries[i].Print}), true
	}
	var batch journal.Batch
	for _, old := range slices.Sorted(maps.Keys(validities)) {
		if err := c.rebind(ctx, &batch, name, old, c.validity, renumbered(before, now), now); err != nil {
			return err
		}
	}
	return c.commit(ctx, batch)
}

// unsureOf closes entries whose messages cannot be found any more.
func unsureOf(entries []journal.Entry) []journal.Entry {
	var out []journal.Entry
	for i := range entries {
		e := cloneEntry(entries[i])
		e.State, e.Reason = journal.Unsure, "the server renumbered the mailbox, and this message cannot be told from others"
		out = append(out, e)
	}
	return out
}

// readyIn returns the entries of a mailbox whose next step may be sent now. A
// mailbox without a UIDVALIDITY, or with another one, has none: nothing can
// be said of its UIDs.
func (c *connection) readyIn(mailbox string, validity uint32) []*task {
	var out []*task
	flying := map[imap.UID]bool{}
	for _, w := range c.open {
		if w.Mailbox != mailbox || validity == 0 || w.UIDValidity != validity {
			continue
		}
		if w.flying {
			flying[w.UID] = true
		}
		if c.ready(w) {
			out = append(out, w)
		}
	}
	if len(flying) > 0 { // some by another entry of the message
		out = slices.DeleteFunc(out, func(w *task) bool { return flying[w.UID] })
	}
	slices.SortFunc(out, func(a, b *task) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// ready reports whether an entry has something to do now.
func (c *connection) ready(w *task) bool {
	if w.flying || time.Now().Before(w.NextTry) || c.waitsForMessage(w) {
		return false
	}
	if w.outside() {
		return c.isStale(w) // the outbox does it
	}
	if w.isAbroad() && c.carriedEnough() {
		c.cutShort = true
		return false
	}
	return w.Next() < 0 || !c.paused(w.lane())
}

// advance does the next thing for some of the ready entries: look at what may
// have happened, decide again what is old, or send the earliest kind of step.
func (c *connection) advance(ctx, work context.Context, name string, ready []*task) error {
	ready = ready[:min(len(ready), windowSize)]
	if len(ready) == 0 {
		return c.landAir(work, name)
	}
	if looks := filter(ready, (*task).needsLook); len(looks) > 0 {
		if err := c.landAir(work, name); err != nil {
			return err
		}
		return c.look(work, name, looks[:min(len(looks), batchSize)])
	}
	if old := filter(ready, c.isStale); len(old) > 0 {
		if err := c.landAir(work, name); err != nil {
			return err
		}
		return c.decideOld(work, name, sameWalk(onceEach(old[:min(len(old), batchSize)])))
	}
	return c.sendAll(ctx, work, name, c.flights(ready))
}

// sameWalk are those tasks that were decided as the first one was.
func sameWalk(all []*task) []*task {
	first := walkOf(all[0].Entry)
	return filter(all, func(w *task) bool {
		walk := walkOf(w.Entry)
		return walk.kind() == first.kind() && walk.key() == first.key()
	})
}

// onceEach leaves out what is for a message that came before: what becomes of the
// first entry tells what the next one may still do.
func onceEach(all []*task) []*task {
	seen := map[imap.UID]bool{}
	return filter(all, func(w *task) bool {
		again := seen[w.UID]
		seen[w.UID] = true
		return !again
	})
}

func filter(all []*task, keep func(*task) bool) []*task {
	var out []*task
	for _, w := range all {
		if keep(w) {
			out = append(out, w)
		}
	}
	return out
}

// step is the next step; only entries with one come here.
func (w *task) step() *journal.Step { return &w.Steps[w.Next()] }

// needsLook reports whether the next step is looked at before it is sent.
func (w *task) needsLook() bool {
	i := w.Next()
	doubt := i >= 0 && (w.Steps[i].Doubt || w.loaded && w.Steps[i].Target != "" && !w.isUnprepared())
	return w.look || doubt && w.looked != i+1
}

// isStale reports whether an entry is decided again before its next step: one
// without steps (it was held), and a destructive one that is old or was
// decided before a reload or a restart. What leaves the mailbox waits for its attempts
// for as long as its rule is the same. No rule decides that a snoozed message comes
// back.
func (c *connection) isStale(w *task) bool {
	if w.Trigger == journal.TriggerSnooze {
		return w.Next() < 0
	}
	if w.Next() < 0 {
		return true
	}
	if w.outside() {
		_, generation := c.current()
		return w.generation != generation
	}
	if !w.step().Action.Kind.Spec().Destination && !w.OfCopy {
		return false
	}
	_, generation := c.current()
	return w.generation != generation || time.Since(w.decided) > c.timing.Stale
}

// cannot says why a step cannot be sent at all: it has no target, it would not do
// what it says, or the mailbox cannot store a keyword (PERMANENTFLAGS without \*,
// RFC 9051 section 7.1), which servers accept in silence and forget.
func (c *connection) cannot(step journal.Step) string {
	kind := step.Action.Kind
	if kind.Labels() {
		return c.cannotLabel(step.Action)
	}
	if spec := kind.Spec(); step.Target == "" && (spec.Phase == actions.PhaseCopy || spec.Phase == actions.PhaseMove) {
		return "its target could not be resolved"
	}
	if why := c.cannotHere(step.Action); why != "" {
		return why
	}
	if kind != actions.AddFlags && kind != actions.SetFlags || len(c.permanent) == 0 || hasFlag(c.permanent, imap.FlagWildcard) {
		return ""
	}
	for _, f := range step.Action.Flags {
		if !hasFlag(c.permanent, f) {
			return fmt.Sprintf("the server cannot store the flag %s in this mailbox", f)
		}
	}
	return ""
}

func refsOf(group []*task) []actions.MessageRef {
	refs := make([]actions.MessageRef, len(group))
	for i, w := range group {
		refs[i] = actions.MessageRef{UID: w.UID, MessageID: w.Print.MessageID, Received: w.Print.Received, Size: w.Print.Size}
	}
	return refs
}

// settleGroup adds the outcomes of one step to a batch. resume says that the
// command was accepted, which ends a pause of its target.
func (c *connection) settleGroup(batch *journal.Batch, group []*task, outcomes []actions.Outcome, resume bool) {
	byUID := map[imap.UID]actions.Outcome{}
	for _, o := range outcomes {
		byUID[o.UID] = o
	}
	target := group[0].lane()
	if resume {
		c.laneOf(target).accept(batch.At)
	}
	for _, w := range group {
		o, ok := byUID[w.UID]
		if !ok {
			continue
		}
		e, i := cloneEntry(w.Entry), w.Next()
		settle(&e, i, o, batch.At)
		c.proveTarget(&e.Steps[i])
		w.refreshed, w.broke, w.alone = false, 0, w.alone && o.State == actions.NotDone
		// Not done, as far as we were told: the copy may be there all the same.
		w.look = w.look || o.State == actions.NotDone && e.Steps[i].Target != ""
		noteSnoozed(batch, e, i)
		batch.Entries = append(batch.Entries, e)
		c.noteArrival(batch, e, i, o)
		c.noteFlags(batch, e, i)
	}
	if _, paused := c.pauses[target]; paused && resume && !slices.Contains(batch.Resume, target) {
		c.together(target)
		batch.Resume = append(batch.Resume, target)
		batch.Events = append(batch.Events, journal.Event{Kind: "resumed", Mailbox: target, Text: c.label(target) + ": accepted again"})
	}
}

// proveTarget notes the UIDVALIDITY of a target that did not exist when the step was
// recorded: a UID proves nothing without it.
func (c *connection) proveTarget(s *journal.Step) {
	if s.TargetUID != 0 && s.TargetValidity == 0 {
		s.TargetValidity = c.session.CopiedInto(s.Target)
	}
}

// cloneEntry copies what settle changes, so that memory keeps the old state
// until the journal has the new one.
func cloneEntry(e journal.Entry) journal.Entry {
	e.Steps = slices.Clone(e.Steps)
	return e
}

// noteArrival counts a copy of ours as handled in its target when COPYUID
// named it, and forgets arrivals that will not come.
func (c *connection) noteArrival(batch *journal.Batch, e journal.Entry, step int, o actions.Outcome) {
	s := e.Steps[step]
	if label := labelMailbox(s); label != "" {
		delete(c.targets, label) // nobody told the UID of what arrives there
	}
	if s.Target == "" {
		return
	}
	if o.Target == 0 {
		delete(c.targets, s.Target) // a copy of which nobody told the UID
	}
	if len(c.expected) == 0 {
		return
	}
	id := expectedID(e.Seq, step)
	if _, ok := c.expected[id]; !ok {
		return
	}
	cursor, i := c.batchCursor(batch, s.Target)
	if o.Target != 0 && cursor.UIDValidity != 0 && (s.TargetValidity == 0 || cursor.UIDValidity == s.TargetValidity) {
		handle(&cursor, []imap.UID{o.Target})
		batch.Known = append(batch.Known, journal.KnownBatch{Mailbox: s.Target, UIDValidity: cursor.UIDValidity,
			Messages: []journal.Known{{UID: o.Target, Print: s.Arrives(e)}}})
		if i < 0 {
			batch.Cursors = append(batch.Cursors, cursor)
		} else {
			batch.Cursors[i] = cursor
		}
		batch.Arrived = append(batch.Arrived, id)
		if s.Action.Append == nil || !s.Action.Append.Note {
			c.noteCopy(batch, e, s.Target, cursor.UIDValidity, o.Target)
		}
		return
	}
	if s.State != journal.StepDone && s.State != journal.StepLeft && e.State != journal.Open {
		batch.Arrived = append(batch.Arrived, id)
	}
}

// batchCursor returns the cursor of a mailbox as the batch has it.
func (c *connection) batchCursor(batch *journal.Batch, mailbox string) (journal.Cursor, int) {
	for i := range batch.Cursors {
		if batch.Cursors[i].Mailbox == mailbox {
			return batch.Cursors[i], i
		}
	}
	return c.cursors.of(mailbox), -1
}

// giveUp fails a step at once: trying again cannot help.
func (c *connection) giveUp(ctx context.Context, group []*task, reason string) error {
	var entries []journal.Entry
	for _, w := range group {
		e := cloneEntry(w.Entry)
		fail(&e, w.Next(), reason, time.Now())
		entries = append(entries, e)
	}
	return c.commit(ctx, c.closing(entries...))
}

// closing is a batch that writes entries and forgets the arrivals of those
// that are closed.
func (c *connection) closing(entries ...journal.Entry) journal.Batch {
	batch := journal.Batch{Entries: entries}
	noteGone(&batch, entries)
	for _, e := range entries {
		if e.State == journal.Open {
			continue
		}
		for i, s := range e.Steps {
			done := s.State == journal.StepDone || s.State == journal.StepLeft
			if _, ok := c.expected[expectedID(e.Seq, i)]; ok && !done {
				batch.Arrived = append(batch.Arrived, expectedID(e.Seq, i))
			}
		}
	}
	return batch
}

// paused reports whether a target may not be tried now.
func (a *account) paused(target string) bool {
	p, ok := a.pauses[target]
	return ok && time.Now().Before(p.Probe)
}

// nextDue is when an open entry wants to be looked at next, zero if none. What
// is due now was just tried in vain, and waits a little.
func (c *connection) nextDue() time.Time {
	var at time.Time
	if c.isDryRun() {
		return at
	}
	waits := 0
	for _, w := range c.open {
		if w.outside() && !c.isStale(w) {
			continue // the outbox tells when it is done
		}
		waits++
		due := w.NextTry
		if w.Next() >= 0 {
			if p, ok := c.pauses[w.lane()]; ok && p.Probe.After(due) {
				due = p.Probe
			}
		}
		if at.IsZero() || due.Before(at) {
			at = due
		}
	}
	if c.cutShort {
		return time.Now() // what is left only made room for other work
	}
	if now := time.Now(); !at.IsZero() && !at.After(now) || at.IsZero() && waits > 0 {
		return now.Add(c.timing.Again)
	}
	return at
}
