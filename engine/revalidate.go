package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// revalidate matches a mailbox whose UIDs mean something else now (RFC 9051
// section 2.3.1.1) to what was known before: known messages are
// handled, unknown ones are new when they are younger than the last scan less
// a day, and everything else is baseline.
func (c *connection) revalidate(ctx context.Context, name string, old journal.Cursor, before []journal.Known, sel imapsession.Selected) error {
	listed, err := c.searchAbove(ctx, 1)
	if err != nil {
		return err
	}
	now, err := c.prints(ctx, uidsOf(listed))
	if err != nil {
		return err
	}
	if err := c.allPrinted(name, listed, now); err != nil {
		return err
	}
	now, handled, fresh := matchKnown(before, now, old.Scanned)
	cursor := baseline(name, sel.UIDValidity, handled)
	cursor.Scanned = old.Scanned
	batch := journal.Batch{
		Expect:  c.renumberedArrivals(name, old.UIDValidity, sel.UIDValidity),
		Cursors: []journal.Cursor{cursor},
		Known:   []journal.KnownBatch{{Mailbox: name, UIDValidity: sel.UIDValidity, Messages: only(now, handled)}},
		Events: []journal.Event{{Kind: "uidvalidity", Mailbox: name, Text: fmt.Sprintf(
			"%s: the server renumbered its messages (UIDVALIDITY %d is now %d): %d known, %d new",
			c.dir.config(name), old.UIDValidity, sel.UIDValidity, len(handled), len(fresh))}},
	}
	if old.UIDValidity == 0 {
		batch.Events = []journal.Event{{Kind: "appeared", Mailbox: name, Text: fmt.Sprintf(
			"%s: a new mailbox: %d messages are left alone, %d are new", c.dir.config(name), len(handled), len(fresh))}}
	}
	batch.Events = c.tellOnce(batch.Events)
	if err := c.rebind(ctx, &batch, name, old.UIDValidity, sel.UIDValidity, renumbered(before, now), now); err != nil {
		return err
	}
	if old.UIDValidity != 0 && len(fresh) > importSize && len(fresh)*10 > len(now) && !c.session.Profile().UnstableUIDValidity {
		held, err := c.holdUnseen(ctx, name, sel.UIDValidity, only(now, fresh))
		if err != nil {
			return err
		}
		batch.Entries = append(batch.Entries, held...)
		batch.Known[0].Messages = append(batch.Known[0].Messages, only(now, fresh)...)
		handle(&cursor, fresh)
		batch.Cursors = []journal.Cursor{cursor}
		handled = append(handled, fresh...)
	}
	batch.Flagged = c.renumberedFlags(name, old.UIDValidity, sel.UIDValidity, before, now, handled)
	return c.commit(ctx, batch)
}

// allPrinted is an error while the server does not give every message that it
// lists: one without a fingerprint would pass for a new one. A message that it
// never gives must not keep the mailbox waiting for ever.
func (c *connection) allPrinted(name string, listed imap.UIDSet, now []journal.Known) error {
	printed := map[imap.UID]bool{}
	for _, k := range now {
		printed[k.UID] = true
	}
	missing := slices.DeleteFunc(uidsOf(listed), func(uid imap.UID) bool { return printed[uid] })
	if len(missing) == 0 {
		delete(c.blind, name)
		return nil
	}
	if c.blind == nil {
		c.blind = map[string]int{}
	}
	if c.blind[name]++; c.blind[name] <= maxTries {
		return c.notGiven(setOf(missing))
	}
	return nil
}

// renumberedArrivals are the arrivals that are expected in a mailbox, as they are
// to be recognised after it was renumbered.
func (c *connection) renumberedArrivals(name string, old, now uint32) []journal.Expected {
	var out []journal.Expected
	for _, id := range slices.Sorted(maps.Keys(c.expected)) {
		x := c.expected[id]
		if x.Mailbox == name && x.UIDValidity == old && old != 0 {
			x.UIDValidity, x.UIDNext = now, 1
			out = append(out, x)
		}
	}
	return out
}

// matchKnown splits the messages of a renumbered mailbox into those that were
// handled before and those that are new. Each known fingerprint matches once,
// exact matches first; a known Message-ID whose size or date the server
// rewrote is still the same message. EMAILIDs count only when the mailbox has
// some of those that are known: a server that the mail migrated to gives it
// others. ordered is now with the order in which the known ones were handled:
// of two with one Message-ID the first must stay the first.
func matchKnown(before, now []journal.Known, mark time.Time) (ordered []journal.Known, handled, fresh []imap.UID) {
	left := map[string][]journal.Known{}
	for _, k := range before {
		left[k.Print.MessageID] = append(left[k.Print.MessageID], k)
	}
	ordered = slices.Clone(now)
	taken := map[imap.UID]bool{}
	for _, equal := range renumbered(before, now) {
		for i, k := range ordered {
			if taken[k.UID] {
				continue
			}
			if old, ok := takeKnown(left, k.Print, equal); ok {
				ordered[i].Order, taken[k.UID] = old.Order, true
			}
		}
	}
	for _, k := range ordered {
		if !taken[k.UID] && k.Print.Received.After(mark.Add(-24*time.Hour)) {
			fresh = append(fresh, k.UID)
			continue
		}
		handled = append(handled, k.UID)
	}
	return ordered, handled, fresh
}

// renumbered are the ways in which a message may be a known one, the surest
// first.
func renumbered(before, now []journal.Known) []func(a, b journal.Fingerprint) bool {
	byID := func(a, b journal.Fingerprint) bool { return a.MessageID == b.MessageID && identifies(a.MessageID) }
	if !shareEmailIDs(before, now) {
		return []func(a, b journal.Fingerprint) bool{exact, byID}
	}
	return []func(a, b journal.Fingerprint) bool{
		func(a, b journal.Fingerprint) bool { return kinshipOf(a, b) == kin && exact(a, b) },
		func(a, b journal.Fingerprint) bool { return kinshipOf(a, b) == kin },
		identical,
		func(a, b journal.Fingerprint) bool { return kinshipOf(a, b) != unrelated && byID(a, b) },
	}
}

func shareEmailIDs(before, now []journal.Known) bool {
	known := map[string]bool{}
	for _, k := range before {
		known[k.Print.EmailID] = true
	}
	return slices.ContainsFunc(now, func(k journal.Known) bool { return k.Print.EmailID != "" && known[k.Print.EmailID] })
}

func takeKnown(left map[string][]journal.Known, p journal.Fingerprint, equal func(a, b journal.Fingerprint) bool) (journal.Known, bool) {
	known := left[p.MessageID]
	for i, k := range known {
		if equal(k.Print, p) {
			left[p.MessageID] = slices.Delete(known, i, i+1)
			return k, true
		}
	}
	return journal.Known{}, false
}

func only(known []journal.Known, uids []imap.UID) []journal.Known {
	want := setOf(uids)
	var out []journal.Known
	for _, k := range known {
		if want.Contains(k.UID) {
			out = append(out, k)
		}
	}
	return out
}

// rebind gives the entries that still matter their message's new UID, by an
// unambiguous fingerprint; one that cannot be told is closed as unsure. k
// entries of k identical messages get one each: which is whose does not matter.
func (c *connection) rebind(ctx context.Context, batch *journal.Batch, name string, old, now uint32, ways []func(a, b journal.Fingerprint) bool, known []journal.Known) error {
	entries, err := c.journal.Entries(ctx, journal.Query{
		Account: c.cfg.Name, Mailbox: name,
		States: []journal.EntryState{journal.Open, journal.Held, journal.Failed, journal.Unsure},
	})
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e journal.Entry) bool { return e.UIDValidity != old })
	for i, e := range entries {
		before, all := alike(entries, i)
		found := findPrint(known, e.Print, ways)
		if e.OfCopy {
			batch.Entries = append(batch.Entries, unprovenCopy(e, renumberedCopy))
			continue
		}
		e.UIDValidity, e.UID = now, 0
		switch {
		case len(found) == 0:
			e.State, e.Reason = journal.Gone, "the message is not in the mailbox any more"
		case len(found) != all:
			e.UID = found[0]
			e.State, e.Reason = journal.Unsure, "the server renumbered the mailbox and this message cannot be told from others"
		default:
			e.UID = found[before]
		}
		batch.Entries = append(batch.Entries, e)
	}
	noteGone(batch, batch.Entries)
	return nil
}

// alike counts the entries with the fingerprint of the i-th: those before it,
// and all of them. Two of one message, for what was done and what a rule in dry
// run would do, are one.
func alike(entries []journal.Entry, i int) (before, all int) {
	uids := map[imap.UID]bool{}
	for n, e := range entries {
		if e.Print != entries[i].Print || uids[e.UID] {
			continue
		}
		uids[e.UID] = true
		if n < i && e.UID != entries[i].UID {
			before++
		}
	}
	return before, len(uids)
}

// findPrint finds the messages of a fingerprint by the surest way that finds
// any, in order of UIDs.
func findPrint(known []journal.Known, p journal.Fingerprint, ways []func(a, b journal.Fingerprint) bool) []imap.UID {
	for _, equal := range ways {
		var found []imap.UID
		for _, k := range known {
			if equal(k.Print, p) {
				found = append(found, k.UID)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// holdUnseen makes held entries for messages that were not evaluated yet.
func (c *connection) holdUnseen(_ context.Context, name string, validity uint32, messages []journal.Known) ([]journal.Entry, error) {
	var out []journal.Entry
	for _, k := range messages {
		out = append(out, journal.Entry{
			Seq: c.seq(), Mailbox: name, UIDValidity: validity, UID: k.UID, Print: k.Print,
			Trigger: journal.TriggerArrival, Decided: time.Now(), State: journal.Held,
			Reason: "the mailbox was renumbered with many new messages; confirm or skip",
		})
	}
	return out, nil
}

// seq returns the next unused sequence. A sequence whose commit fails stays
// unused, which does no harm.
func (a *account) seq() int64 {
	a.nextSeq++
	return a.nextSeq - 1
}
