package engine

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// look finds out what became of recorded steps that may have happened: after
// a restart, a lost connection or a refusal. Nothing is sent again before.
//
// A move whose source is gone is done. A move whose source is still there and
// whose copy is found is finished, never sent again. A copy that is found is
// done. Flags and expunges may simply be sent again.
func (c *connection) look(ctx context.Context, name string, entries []*task) error {
	byTarget := map[string][]*task{}
	for _, w := range entries {
		if w.Next() < 0 || w.step().Target == "" || w.isUnprepared() {
			w.look = false
			continue
		}
		at := w.step().Target + "\n" + w.step().There
		if w.appends() {
			at += "\n" // it is looked for by other means
		}
		byTarget[at] = append(byTarget[at], w)
	}
	for _, at := range slices.Sorted(maps.Keys(byTarget)) {
		group := byTarget[at]
		target := group[0].step().Target
		err := c.lookInto(ctx, name, target, group)
		var there *abroadError
		switch {
		case err == nil:
		case errors.As(err, &there):
			// Nothing is lost by waiting, and nobody else waits.
			if err := c.pauseAbroad(ctx, target, there); err != nil {
				return err
			}
		case mailboxOnly(err):
			// This target cannot be looked at now; the others can.
			c.log.Warn("cannot look", "mailbox", c.dir.config(target), "error", err)
			if err := c.blindly(ctx, group, err); err != nil {
				return err
			}
		default:
			c.brokeLook(group, err)
			return err
		}
	}
	return c.use(ctx, name)
}

func (c *connection) lookInto(ctx context.Context, name, target string, group []*task) error {
	mb := &mailbox{c: c, name: name, step: target}
	// The look into another target may have ended there.
	if err := c.back(ctx, name, group[0].UIDValidity); err != nil {
		return err
	}
	var uids imap.UIDSet
	for _, w := range group {
		uids.AddNum(w.UID)
	}
	present, err := mb.Present(ctx, uids)
	if err != nil {
		return err
	}
	search := func() (copies, error) { return c.copies(ctx, target, group, nil) }
	if group[0].appends() {
		search = func() (copies, error) { return c.additions(ctx, target, group) }
	}
	found, err := search()
	if err != nil {
		return err
	}
	if err := c.back(ctx, name, group[0].UIDValidity); err != nil {
		return err
	}
	for _, w := range group {
		w.look, w.looked, w.blind = false, w.Next()+1, 0
		if err := c.conclude(ctx, mb, w, present.Contains(w.UID), found); err != nil {
			w.look, w.looked = true, 0
			return err
		}
	}
	return nil
}

// conclude draws the conclusion for one message.
func (c *connection) conclude(ctx context.Context, mb *mailbox, w *task, present bool, found copies) error {
	uid, copied := found.uids[w.UID]
	if w.isCarried() {
		uid, copied, found = w.step().TargetUID, true, copies{}
	}
	leaves := w.step().Action.Kind.Spec().Destination
	one := []*task{w}
	switch {
	case found.renumbered && (present || !leaves):
		e := cloneEntry(w.Entry)
		unsure(&e, w.Next(), "its target was renumbered meanwhile, so it cannot be told whether the copy arrived", time.Now())
		return c.commit(ctx, c.closing(e))
	case found.renumbered:
		// It left, perhaps by our step: its arrival is still expected there.
		e := cloneEntry(w.Entry)
		settle(&e, w.Next(), outcome(w, actions.Gone, 0)[0], time.Now())
		batch := journal.Batch{Entries: []journal.Entry{e}}
		noteSnoozed(&batch, e, w.Next())
		return c.commit(ctx, batch)
	case copied && leaves && present && found.weak[w.UID]:
		e := cloneEntry(w.Entry)
		unsure(&e, w.Next(), "its target holds a message with the same Message-ID and another date or size, so it cannot be told whether that is its copy", time.Now())
		return c.commit(ctx, c.closing(e))
	case copied && (!leaves || !present):
		return c.settleAll(ctx, []landed{{one, outcome(w, actions.Done, uid)}})
	case copied && c.movesAgain(w):
		return nil
	case copied && c.cannotHere(w.step().Action) != "":
		return c.giveUp(ctx, one, c.cannotHere(w.step().Action))
	case copied:
		done, err := actions.FinishMove(ctx, mb, refsOf(one), map[imap.UID]imap.UID{w.UID: uid})
		if err != nil {
			return c.refused(ctx, mb.name, one, err)
		}
		return c.settleAll(ctx, []landed{{one, done}})
	case !present:
		// It left, and not by a step of ours that can be proven.
		return c.settleAll(ctx, []landed{{one, outcome(w, actions.Gone, 0)}})
	default:
		return nil // it did not happen: it is sent
	}
}

func outcome(w *task, state actions.State, target imap.UID) []actions.Outcome {
	return []actions.Outcome{{UID: w.UID, State: state, Target: target}}
}

// copies is what a look into a target found.
type copies struct {
	uids       map[imap.UID]imap.UID // source to target
	weak       map[imap.UID]bool     // sources whose copy agrees in part only
	renumbered bool
}

// copies looks in a target for the copies of messages, by fingerprint, at or
// above the UIDNEXT recorded before the command, and gives each copy to one
// message only; copies that other steps of ours produced are taken already, and
// so are those in taken. It leaves the target selected, in the account that it is in.
func (c *connection) copies(ctx context.Context, target string, group []*task, taken map[imap.UID]bool) (copies, error) {
	out := copies{}
	if len(group) == 0 {
		return out, nil
	}
	in, name, err := c.sideOf(ctx, group[0].step())
	if err != nil || !in.dir.exists(name) {
		return out, err
	}
	sel, err := in.sel(ctx, name)
	if isGone(err) {
		return out, nil
	}
	if err != nil {
		return out, c.abroad(target, err)
	}
	from := cmp.Or(group[0].step().TargetNext, sel.UIDNext)
	for _, w := range group {
		from = min(from, cmp.Or(w.step().TargetNext, sel.UIDNext))
		if v := w.step().TargetValidity; v != 0 && v != sel.UIDValidity {
			out.renumbered = true
			return out, nil
		}
	}
	listed, err := in.listCopies(ctx, group, from)
	if err != nil {
		return out, c.abroad(target, err)
	}
	there, err := in.targetPrints(ctx, uidsOf(listed))
	if err != nil {
		return out, c.abroad(target, err)
	}
	if in != c {
		there = withoutEmailIDs(there)
	}
	claimed, err := c.claimed(ctx, target, group, there)
	if err != nil {
		return out, err
	}
	if err := c.claimAdditions(ctx, in, group, there, claimed); err != nil {
		return out, c.abroad(target, err)
	}
	maps.Copy(claimed, taken)
	out.uids, out.weak = assign(group, there, claimed)
	return out, nil
}

// listCopies lists the messages of the selected target that may be copies. Below
// the UIDNEXT recorded before the command they are only those with the date of a
// message whose copy is in doubt: COPY keeps it (RFC 9051 section 6.4.7).
func (c *connection) listCopies(ctx context.Context, group []*task, from imap.UID) (imap.UIDSet, error) {
	listed, err := c.searchAbove(ctx, max(1, from))
	if err != nil || from <= 1 {
		return listed, err
	}
	doubts := filter(group, func(w *task) bool { return w.step().Doubt })
	if len(doubts) == 0 {
		return listed, nil
	}
	first, last := datesOf(doubts)
	older, err := c.session.Search(ctx, &imap.SearchCriteria{
		UID: []imap.UIDSet{{imap.UIDRange{Start: 1, Stop: from - 1}}},
		// Whole days, in whatever time zone the server counts them.
		Since: first.AddDate(0, 0, -1), Before: last.AddDate(0, 0, 2),
	})
	return append(older, listed...), err
}

func datesOf(group []*task) (first, last time.Time) {
	for _, w := range group {
		at := w.step().Arrives(w.Entry).Received
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	return first, last
}

// targetPrints leaves out messages flagged \Deleted: they are no copies that
// anything may rest on.
func (c *connection) targetPrints(ctx context.Context, uids []imap.UID) ([]journal.Known, error) {
	var out []journal.Known
	for chunk := range slices.Chunk(uids, batchSize*2) {
		fetched, err := c.session.FetchHeaders(ctx, setOf(chunk), []string{"Message-Id"})
		if err != nil {
			return nil, err
		}
		if missing := lacking(chunk, fetched); len(missing) > 0 {
			// It may be the copy, or it was expunged since: the next listing tells.
			return nil, c.notGiven(setOf(missing))
		}
		for _, f := range fetched {
			if !hasFlag(f.Flags, imap.FlagDeleted) {
				out = append(out, journal.Known{UID: f.UID, Print: fingerprint(f, facts.ParseHeader(f.Header))})
			}
		}
	}
	return out, nil
}

// claimed returns the UIDs of a target that other steps of ours produced. Where
// nobody told a UID, and copies of any age count, one that is like the message is
// the step's: which of them does not matter, for they are identical.
func (c *connection) claimed(ctx context.Context, target string, group []*task, there []journal.Known) (map[imap.UID]bool, error) {
	var prints []journal.Fingerprint
	for _, w := range group {
		prints = append(prints, w.Print)
	}
	acted, err := c.journal.Acted(ctx, c.cfg.Name, prints)
	if err != nil {
		return nil, err
	}
	out := map[imap.UID]bool{}
	var untold []journal.Fingerprint
	for _, e := range acted {
		for _, s := range e.Steps {
			switch {
			case s.Target != target && !isSamePlace(s, *group[0].step()):
			case s.TargetUID != 0:
				out[s.TargetUID] = true
			case isDone(s):
				untold = append(untold, s.Arrives(e))
			}
		}
	}
	if slices.ContainsFunc(group, func(w *task) bool { return w.step().Doubt }) {
		claimUntold(out, untold, there)
	}
	return out, nil
}

// isSamePlace reports whether two steps lead to one mailbox of another account, which
// may be spelled in two ways: by its name and by its role.
func isSamePlace(a, b journal.Step) bool {
	account, _, abroad := journal.SplitAbroad(a.Target)
	other, _, _ := journal.SplitAbroad(b.Target)
	return abroad && account == other && a.There != "" && sameName(a.There, b.There)
}

// claimUntold claims one copy for each print.
func claimUntold(claimed map[imap.UID]bool, prints []journal.Fingerprint, there []journal.Known) {
	for _, p := range prints {
		i := slices.IndexFunc(there, func(k journal.Known) bool { return !claimed[k.UID] && identical(k.Print, p) })
		if i >= 0 {
			claimed[there[i].UID] = true
		}
	}
}

// assign gives each message a copy that is its own and nobody else's: exact
// ones first, so that no message takes what is exactly another's, then those
// whose date or size the server rewrote, which are weak. k identical messages
// need k copies; which of them is whose does not matter, for they are identical.
func assign(group []*task, there []journal.Known, claimed map[imap.UID]bool) (uids map[imap.UID]imap.UID, weak map[imap.UID]bool) {
	byID := map[string][]journal.Known{}
	for _, k := range there {
		byID[k.Print.MessageID] = append(byID[k.Print.MessageID], k)
	}
	uids, weak = map[imap.UID]imap.UID{}, map[imap.UID]bool{}
	for _, equal := range []func(a, b journal.Fingerprint) bool{identical, likely} {
		for _, w := range group {
			if _, ok := uids[w.UID]; ok {
				continue
			}
			if k, ok := firstCopy(w, byID[w.Print.MessageID], claimed, equal); ok {
				claimed[k.UID] = true
				uids[w.UID], weak[w.UID] = k.UID, !sameContent(k.Print, w.Print)
			}
		}
	}
	return uids, weak
}

// mayBeOlder reports whether a message that was in the target before the command
// counts as the copy: only where that is in doubt, and it has all of the
// identity of its source.
func mayBeOlder(p journal.Fingerprint, w *task) bool {
	return w.step().Doubt && identical(p, w.Print) && sameIdentity(p, w.Print)
}

// sameContent reports whether a copy proves that nothing is lost with its
// source: an EMAILID does, whatever date the server gave the copy.
func sameContent(a, b journal.Fingerprint) bool {
	return kinshipOf(a, b) == kin || exact(a, b)
}

func firstCopy(w *task, there []journal.Known, claimed map[imap.UID]bool, equal func(a, b journal.Fingerprint) bool) (journal.Known, bool) {
	for _, k := range there {
		if !claimed[k.UID] && equal(k.Print, w.Print) && (k.UID >= w.step().TargetNext || mayBeOlder(k.Print, w)) {
			return k, true
		}
	}
	return journal.Known{}, false
}
