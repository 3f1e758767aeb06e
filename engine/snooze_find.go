package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

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
