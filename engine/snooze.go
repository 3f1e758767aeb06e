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
	"imapilot/engine/imapsession"
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
	out := map[int64]*sleeper{}
	for _, s := range all {
		out[s.Seq] = &sleeper{Snoozed: s}
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

// findSnoozed selects a snooze mailbox and finds messages in it, by the sequence of
// their entry. One whose UID holds is asked for by it, and with verify compared with
// what is known of it; any other is found by its fingerprint.
func (c *connection) findSnoozed(ctx context.Context, mailbox string, all []*sleeper, verify bool) (map[int64]journal.Snoozed, error) {
	sel, err := c.sel(ctx, mailbox)
	switch {
	case isGone(err) && !c.dir.exists(mailbox):
		return nil, nil
	case err != nil:
		return nil, err
	case sel.UIDValidity == 0:
		return nil, &imapsession.Error{Op: "SELECT", Subject: mailbox, Class: imapsession.Target,
			Text: "the server gives this mailbox no UIDVALIDITY, so nothing is done in it"}
	}
	found, lost, err := c.findByUID(ctx, all, sel.UIDValidity, verify)
	if err != nil || len(lost) == 0 {
		return found, err
	}
	return found, c.findByPrint(ctx, lost, sel.UIDValidity, found)
}

// findByUID finds messages whose UIDs hold. lost are those that must be found another
// way: nobody told their UID, or it is another message's.
func (c *connection) findByUID(ctx context.Context, all []*sleeper, validity uint32, verify bool) (found map[int64]journal.Snoozed, lost []*sleeper, err error) {
	var uids []imap.UID
	sure := func(s *sleeper) bool {
		return s.UID != 0 && (s.UIDValidity == validity || verify && s.UIDValidity == 0)
	}
	for _, s := range all {
		if sure(s) {
			uids = append(uids, s.UID)
		}
	}
	there, err := c.snoozedThere(ctx, uids, verify)
	if err != nil {
		return nil, nil, err
	}
	found = map[int64]journal.Snoozed{}
	for _, s := range all {
		k, ok := there[s.UID]
		switch {
		case !sure(s) || ok && verify && !likely(k.Print, s.Print):
			lost = append(lost, s)
		case ok:
			found[s.Seq] = s.at(validity, s.UID)
		}
	}
	return found, lost, nil
}

// at is a snoozed message in another place.
func (s *sleeper) at(validity uint32, uid imap.UID) journal.Snoozed {
	out := s.Snoozed
	out.UIDValidity, out.UID = validity, uid
	return out
}

// snoozedThere looks which messages the selected mailbox holds, and with prints what
// they are. Then one that is flagged \Deleted is not there.
func (c *connection) snoozedThere(ctx context.Context, uids []imap.UID, prints bool) (map[imap.UID]journal.Known, error) {
	out := map[imap.UID]journal.Known{}
	for some := range slices.Chunk(uids, 2*batchSize) {
		listed, err := c.there(ctx, setOf(some))
		if err != nil {
			return nil, err
		}
		for _, uid := range uidsOf(listed) {
			out[uid] = journal.Known{UID: uid}
		}
	}
	if !prints || len(out) == 0 {
		return out, nil
	}
	known, err := c.targetPrints(ctx, slices.Sorted(maps.Keys(out)))
	clear(out)
	for _, k := range known {
		out[k.UID] = k
	}
	return out, err
}

// findByPrint adds what it finds by fingerprints in the selected mailbox, the surest
// way first. Each message is given away once, and none that is another one's. Where
// there is too much to look through nothing is found.
func (c *connection) findByPrint(ctx context.Context, lost []*sleeper, validity uint32, found map[int64]journal.Snoozed) error {
	listed, err := c.searchAbove(ctx, 1)
	uids := uidsOf(listed)
	if err != nil || len(uids) > 2*maxSnoozed {
		return err
	}
	there, err := c.targetPrints(ctx, uids)
	if err != nil {
		return err
	}
	taken := c.takenPlaces(lost[0].Mailbox, validity, found)
	var before []journal.Known
	for _, s := range lost {
		before = append(before, journal.Known{Print: s.Print})
	}
	for _, equal := range renumbered(before, there) {
		for _, s := range lost {
			if _, ok := found[s.Seq]; ok {
				continue
			}
			i := slices.IndexFunc(there, func(k journal.Known) bool { return !taken[k.UID] && equal(s.Print, k.Print) })
			if i >= 0 {
				taken[there[i].UID] = true
				found[s.Seq] = s.at(validity, there[i].UID)
			}
		}
	}
	return nil
}

// takenPlaces are the messages of a snooze mailbox that are known to be another
// snooze's, or on their way back.
func (c *connection) takenPlaces(mailbox string, validity uint32, found map[int64]journal.Snoozed) map[imap.UID]bool {
	out := map[imap.UID]bool{}
	for _, s := range c.snoozed {
		if s.Mailbox == mailbox && s.UIDValidity == validity {
			out[s.UID] = true
		}
	}
	for _, s := range found {
		out[s.UID] = true
	}
	for _, w := range c.open {
		if w.Mailbox == mailbox && w.UIDValidity == validity {
			out[w.UID] = true
		}
	}
	return out
}

// wakeUp adds to a batch the entries by which messages come back, in the place of their
// snoozes.
func (c *connection) wakeUp(ctx context.Context, batch *journal.Batch, all []*sleeper, found map[int64]journal.Snoozed) error {
	if len(all) == 0 {
		return nil
	}
	before, err := c.snoozing(ctx, all)
	if err != nil {
		return err
	}
	var uids imap.UIDSet
	for _, s := range all {
		uids.AddNum(found[s.Seq].UID)
	}
	flags, err := c.flagsThere(ctx, uids)
	if err != nil {
		return err
	}
	ways := map[string]string{}
	for _, s := range all {
		place := found[s.Seq]
		if ways[s.Back] == "" {
			if ways[s.Back], err = c.wayBack(ctx, s.Back); err != nil {
				return err
			}
		}
		e := backEntry(place, before[s.Seq], c.dir.config(ways[s.Back]))
		e.Seq, e.Decided, e.Flags = c.seq(), batch.At, flags[place.UID]
		if e.Steps, err = c.steps(ctx, &e, e.Plan.Effective()); err != nil {
			return err
		}
		conclude(&e)
		batch.Entries, batch.Woken = append(batch.Entries, e), append(batch.Woken, s.Seq)
		batch.Expect = append(batch.Expect, c.expectations(e)...)
		if ways[s.Back] != s.Back {
			batch.Events = append(batch.Events, journal.Event{Kind: "snooze", Mailbox: ways[s.Back], Rule: s.Rule, Seq: e.Seq, Text: fmt.Sprintf(
				"%s: a snoozed message comes back here, for %s is gone", c.dir.config(ways[s.Back]), c.dir.config(s.Back))})
		}
	}
	return nil
}

// snoozing returns the entries that put messages away, by their sequence.
func (c *connection) snoozing(ctx context.Context, all []*sleeper) (map[int64]journal.Entry, error) {
	var seqs []int64
	for _, s := range all {
		seqs = append(seqs, s.Seq)
	}
	entries, err := c.journal.Entries(ctx, journal.Query{Account: c.cfg.Name, Seqs: seqs})
	out := map[int64]journal.Entry{}
	for _, e := range entries {
		out[e.Seq] = e
	}
	return out, err
}

// backEntry is the entry by which a message comes back to a mailbox, unseen, so that
// people take it for new. No rule is asked.
func backEntry(s journal.Snoozed, before journal.Entry, to string) journal.Entry {
	out := journal.Entry{
		Mailbox: s.Mailbox, UIDValidity: s.UIDValidity, UID: s.UID, Print: s.Print, From: before.From, Subject: before.Subject,
		Trigger: journal.TriggerSnooze, Occasion: occasionOf(s.Due), State: journal.Open,
	}
	for i, a := range []actions.Action{{Kind: actions.RemoveFlags, Flags: []imap.Flag{imap.FlagSeen}}, {Kind: actions.Move, Mailbox: to}} {
		out.Plan.Add(actions.Item{Action: a, Rule: s.Rule, Index: i})
	}
	return out
}

// wayBack is where messages go that were snoozed in a mailbox: there, or INBOX once it
// is gone.
func (c *connection) wayBack(ctx context.Context, mailbox string) (string, error) {
	if !c.dir.exists(mailbox) || c.dir.holdsNone(mailbox) {
		return "INBOX", nil
	}
	if c.fallbacks.has("STATUS") {
		return mailbox, nil
	}
	st, err := c.session.Status(ctx, mailbox)
	if isGone(err) {
		return "INBOX", nil
	}
	_, err = c.learnTarget(mailbox, st, err)
	return mailbox, err
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
