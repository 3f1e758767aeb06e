package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// wanted is a message that is looked for in a mailbox.
type wanted struct {
	place
	print journal.Fingerprint
	// from is the lowest UID that it may have where its own is not known.
	from imap.UID
	// exactly is set where nothing but its UID will do.
	exactly bool
	// taken are the UIDs of others that are like it.
	taken map[imap.UID]bool
	found *lying
	// labels is set where its labels have to be known, too.
	labels bool
}

// examine finds out where the messages of some acts and their copies are now. moved
// are those that a newer act, which is undone first, would have put into a place.
func (c *connection) examine(ctx context.Context, acts []*undoable, moved map[place]lying) error {
	var prints []journal.Fingerprint
	for _, a := range acts {
		prints = append(prints, a.Print)
	}
	acted, err := c.journal.Acted(ctx, c.cfg.Name, prints)
	if err != nil {
		return err
	}
	if acted, err = c.snoozedActs(ctx, acts, acted); err != nil {
		return err
	}
	by := map[string][]wanted{}
	ask := func(w wanted) { by[w.mailbox] = append(by[w.mailbox], w) }
	for _, a := range acts {
		w, now := whereNow(a, acted, moved)
		a.now = now
		if now.why == "" && now.mailbox == "" {
			w.found, w.labels = &a.now, labelled(a.Entry)
			ask(w)
		}
	}
	copies := c.copiesOf(acts)
	for i := range copies {
		ask(copies[i])
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if err := c.findIn(ctx, name, by[name]); err != nil {
			return err
		}
	}
	keepCopies(acts, copies)
	return nil
}

// copiesOf are the copies of some acts that the server named, in their order.
func (c *connection) copiesOf(acts []*undoable) []wanted {
	var out []wanted
	for _, a := range acts {
		for _, s := range a.Steps {
			if isCopy(s) {
				at := place{mailbox: s.Target, validity: s.TargetValidity, uid: s.TargetUID}
				out = append(out, wanted{place: at, print: s.Arrives(a.Entry), exactly: true, found: &lying{}})
			}
		}
	}
	return out
}

func isCopy(s journal.Step) bool {
	return isDone(s) && s.Action.Kind.Spec().Phase == actions.PhaseCopy && s.TargetUID != 0 && s.TargetValidity != 0 && !journal.IsAbroad(s.Target)
}

// keepCopies gives the copies that were found to the acts that made them.
func keepCopies(acts []*undoable, copies []wanted) {
	for _, a := range acts {
		a.copies = map[int]lying{}
		for i, s := range a.Steps {
			if isCopy(s) {
				a.copies[i], copies = *copies[0].found, copies[1:]
			}
		}
	}
}

// whereNow follows the message of an entry through what was done and undone since. It
// is wanted where that ends, or it is known already.
func whereNow(a *undoable, acted []journal.Entry, moved map[place]lying) (wanted, lying) {
	e := a.Entry
	if a.asleep == nil {
		back, why := returnOf(e, acted)
		if why != "" {
			return wanted{}, lying{why: why}
		}
		if back.Seq != 0 {
			e, a.over = back, "it came back already"
		}
	}
	w := leftIn(e)
	if s, ok := leaving(e); ok && beyondReach(s) != "" {
		return w, lying{why: beyondReach(s)}
	}
	if a.asleep != nil {
		w.lies(a.asleep)
	}
	for range len(acted) + 1 { // a ring of moves ends too
		if at, ok := moved[w.place]; ok {
			return w, at
		}
		later, s, ok := leftFrom(w.place, acted)
		later = awake(later, acted)
		switch {
		case !ok:
			w.taken = takenIn(acted, w.place)
			return w, lying{}
		case beyondReach(s) != "":
			return w, lying{why: beyondReach(s)}
		case !wasUndone(later) && later.Trigger != journal.TriggerSnooze:
			return w, lying{why: fmt.Sprintf("a later act moved it on; undo %d first", later.Seq)}
		}
		w = leftIn(later)
	}
	return w, lying{why: "it cannot be found any more"}
}

// leftIn is the message of an entry where that left it.
func leftIn(e journal.Entry) wanted {
	mailbox, validity, uid := lastPlace(e)
	w := wanted{place: place{mailbox: mailbox, validity: validity, uid: uid}, print: e.Print}
	if s, ok := leaving(e); ok {
		w.from = s.TargetNext
	}
	return w
}

// lies is that a wanted message is asleep in a place, which may be another since it
// was put there.
func (w *wanted) lies(s *journal.Snoozed) {
	if w.validity != s.UIDValidity {
		w.from = 0
	}
	w.place = place{mailbox: s.Mailbox, validity: s.UIDValidity, uid: s.UID}
}

// beyondReach says why a message that a step took out of its mailbox cannot be put
// back, "" where it can: what is in another account is there under its rules and its
// journal, and the original is gone.
func beyondReach(s journal.Step) string {
	if s.Action.Kind == actions.Expunge {
		return "it was expunged"
	}
	if account, _, ok := journal.SplitAbroad(s.Target); ok {
		return "it is in the account " + account + " now, and nothing comes back from another account"
	}
	return ""
}

// leaving is the step by which a message left its mailbox.
func leaving(e journal.Entry) (journal.Step, bool) {
	i := slices.IndexFunc(e.Steps, func(s journal.Step) bool { return isDone(s) && s.Action.Kind.Spec().Destination })
	if i < 0 {
		return journal.Step{}, false
	}
	return e.Steps[i], true
}

// leftFrom is the entry and the step of it by which a message left a place.
func leftFrom(p place, acted []journal.Entry) (journal.Entry, journal.Step, bool) {
	for _, e := range acted {
		if p.uid == 0 || !p.is(place{mailbox: e.Mailbox, validity: e.UIDValidity, uid: e.UID}) {
			continue
		}
		if s, ok := leaving(e); ok {
			return e, s, true
		}
	}
	return journal.Entry{}, journal.Step{}, false
}

// takenIn are the UIDs of a mailbox under which other steps of ours put messages.
func takenIn(acted []journal.Entry, but place) map[imap.UID]bool {
	out := map[imap.UID]bool{}
	for _, e := range acted {
		for _, s := range e.Steps {
			at := place{mailbox: s.Target, validity: s.TargetValidity, uid: s.TargetUID}
			if isDone(s) && s.TargetUID != 0 && sameName(s.Target, but.mailbox) && !at.is(but) {
				out[s.TargetUID] = true
			}
		}
	}
	return out
}

// findIn looks for messages in one mailbox. One that cannot be looked at keeps no
// other from being undone.
func (c *connection) findIn(ctx context.Context, name string, list []wanted) error {
	sel, err := c.sel(ctx, name)
	if err == nil {
		err = c.findSelected(ctx, sel, list)
	}
	switch {
	case err == nil:
	case isGone(err) || mailboxOnly(err) && c.dir.holdsNone(name):
		notFound(list, "its mailbox "+c.dir.config(name)+" is gone")
	case mailboxOnly(err):
		notFound(list, c.dir.config(name)+" cannot be looked at now: "+reasonOf(err))
	default:
		return err
	}
	return nil
}

func notFound(list []wanted, why string) {
	for _, w := range list {
		*w.found = lying{why: why}
	}
}

func (c *connection) findSelected(ctx context.Context, sel imapsession.Selected, list []wanted) error {
	var uids []imap.UID
	for _, w := range list {
		if w.uid != 0 && (w.validity == 0 || w.validity == sel.UIDValidity) {
			uids = append(uids, w.uid)
		}
	}
	there, err := c.lyingHere(ctx, uids, list)
	if err != nil {
		return err
	}
	var search []wanted
	for _, w := range list {
		got, ok := there[w.uid]
		known := w.uid != 0 && w.validity != 0 && w.validity == sel.UIDValidity
		switch {
		case ok && (known || sameIdentity(got.print, w.print)):
			got.sure = known
			*w.found = got
		case known:
			*w.found = lying{why: "it is not in " + c.dir.config(w.mailbox) + " any more"}
		case w.exactly:
			*w.found = lying{why: renumberedCopy}
		default:
			search = append(search, w)
		}
	}
	return c.recogniseIn(ctx, sel, search)
}

// lyingHere fetches messages of the selected mailbox, with what is needed to find those
// of a list. Those that are gone are absent.
func (c *connection) lyingHere(ctx context.Context, uids []imap.UID, list []wanted) (map[imap.UID]lying, error) {
	out := map[imap.UID]lying{}
	for chunk := range slices.Chunk(uids, batchSize) {
		fetched, err := c.session.FetchHeaders(ctx, setOf(chunk), []string{"Message-Id"})
		if err != nil {
			return nil, err
		}
		for _, f := range fetched {
			out[f.UID] = lying{place: place{c.selected, c.validity, f.UID}, flags: f.Flags, permanent: c.permanent,
				print: fingerprint(f, facts.ParseHeader(f.Header))}
		}
		missing := lacking(chunk, fetched)
		if len(missing) == 0 {
			continue
		}
		listed, err := c.there(ctx, setOf(missing))
		if err == nil && len(listed) > 0 {
			err = c.notGiven(listed)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, c.lyingLabels(ctx, out, list)
}

// recogniseIn looks for messages by their fingerprints in the selected mailbox: for
// those of which nobody told the UID, or whose UID means another message now. One
// that is like another cannot be told.
func (c *connection) recogniseIn(ctx context.Context, sel imapsession.Selected, list []wanted) error {
	for _, w := range list {
		*w.found = lying{why: "it cannot be found any more"}
	}
	if len(list) == 0 {
		return nil
	}
	first, last := list[0].print.Received, list[0].print.Received
	for _, w := range list {
		if at := w.print.Received; at.Before(first) {
			first = at
		} else if at.After(last) {
			last = at
		}
	}
	// Whole days, in whatever time zone the server counts them.
	listed, err := c.session.Search(ctx, &imap.SearchCriteria{Since: first.AddDate(0, 0, -1), Before: last.AddDate(0, 0, 2)})
	if err != nil {
		return err
	}
	uids := uidsOf(listed)
	if len(uids) > maxLookedThrough {
		notFound(list, "there are too many messages to tell which it is")
		return nil
	}
	there, err := c.lyingHere(ctx, uids, list)
	if err != nil {
		return err
	}
	for _, w := range list {
		*w.found = w.pick(there, sel.UIDValidity)
	}
	return nil
}

// pick takes the one message that has the identity of the wanted one.
func (w wanted) pick(there map[imap.UID]lying, validity uint32) lying {
	same := w.validity == validity
	out := lying{why: "it cannot be found any more"}
	for _, at := range there {
		switch {
		case !sameIdentity(at.print, w.print) || w.taken[at.uid] || same && at.uid < w.from:
		case out.why == "":
			return lying{why: "it cannot be told from others that are like it"}
		default:
			out = at
		}
	}
	return out
}
