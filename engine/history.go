package engine

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// histories sets the History of the messages of one batch: all messages of
// cursor's mailbox that are decided together, expected arrivals included,
// which count as seen and get none themselves. It asks the journal once, and
// once more when a message was seen elsewhere with the same Message-ID, size
// and INTERNALDATE. Only then it looks at the server: whether the other place
// still holds it tells a move from a copy. Afterwards cursor's mailbox is
// selected again. An error means that it cannot be told now, and that the
// batch must wait.
//
// # What the facts mean
//
// A message is a duplicate when another one with its Message-ID, byte for
// byte, was handled before it in the account, in any mailbox that is or was
// watched, also when that one was deleted since. Handled before is the order
// of the journal: that of the commits, and by UID within a batch; it outlives a
// change of UIDVALIDITY. So a later delivery never makes an earlier one a
// duplicate, however often it is decided again. The memory reaches back to the
// newest 10,000 messages of each mailbox ([journal.Window]); a message that is
// decided again and is not remembered is no duplicate. It is no duplicate of
//
//   - itself where it lay before: the same Message-ID with the same size or
//     INTERNALDATE, of which some servers rewrite one, in a place that no
//     longer holds it, or holds it flagged \Deleted. Where a rule moved it on,
//     that place is where the rule put it;
//   - a twin in another mailbox: the same Message-ID, size and INTERNALDATE.
//     Clients without MOVE copy first and delete then, and in between it must
//     not be taken away as a duplicate of what is about to go. A twin that a
//     rule took out of the mailbox after both were decided lay beside it, and
//     makes it one;
//   - a copy that a rule of ours made;
//   - what lies among the sent messages and the drafts, and nothing there is a
//     duplicate: none of it was delivered;
//   - a message whose Message-ID is empty or cut, or one of which nothing can be
//     told: its mailbox may not be opened any more, or the server did not say
//     where the rule's move ended.
//
// Whoever sends mail chooses the Message-ID, so a forged one can make a genuine
// message a duplicate.
//
// A message was moved by the user when it was, exactly, in another mailbox
// that no longer holds it, and when no other sighting explains that
// departure. Of several such mailboxes the one seen last is where it came from.
//
// Where a mailbox cannot be looked at now, the messages that were seen in it
// wait, without a History, and no others.
//
// It has a reply when a message that was handled, in its own batch or before,
// refers to it.
func (c *connection) histories(ctx context.Context, cursor journal.Cursor, all []*candidate) error {
	traces, err := c.journal.Seen(ctx, c.cfg.Name, idsOf(all))
	if err != nil {
		return err
	}
	past := c.past(cursor, all, traces)
	if err := c.follow(ctx, past); err != nil {
		return err
	}
	if err := c.lookAround(ctx, cursor, past); err != nil {
		return err
	}
	referred := referredIn(all)
	for _, m := range all {
		if id := m.print.MessageID; m.arrived == "" && !past.waits(cursor, m) {
			m.message.History = c.historyOf(cursor, m, past)
			m.message.History.HasReply = id != "" && (traces[id].Referred || referred[id])
		}
	}
	return nil
}

// historyOf is what the sightings tell of one message. Without a Message-ID
// there are none.
func (c *connection) historyOf(cursor journal.Cursor, m *candidate, past past) *facts.History {
	self := past.of(cursor, m)
	if self == nil {
		return &facts.History{}
	}
	duplicate, from := historyOf(self, past[m.print.MessageID])
	if from == "" {
		return &facts.History{Duplicate: duplicate}
	}
	return &facts.History{Duplicate: duplicate, ByUser: true, MovedFrom: c.dir.config(from)}
}

func idsOf(all []*candidate) []string {
	var out []string
	for _, m := range all {
		if identifies(m.print.MessageID) {
			out = append(out, m.print.MessageID)
		}
	}
	return out
}

// identifies reports whether a Message-ID can tell messages apart: one that is
// empty but for its brackets, or cut, stands for many.
func identifies(id string) bool {
	return strings.Trim(id, "<> \t") != "" && len(id) < maxMessageID
}

// holdsOwnMail reports whether a mailbox has what the user wrote: a note to
// himself is no duplicate of what he sent.
func (c *connection) holdsOwnMail(name string) bool {
	role := c.dir.role(name)
	return role == "sent" || role == "drafts"
}

// place is where a message lies. UIDVALIDITY 0 is any.
type place struct {
	mailbox  string
	validity uint32
	uid      imap.UID
}

func (p place) is(o place) bool {
	return sameName(p.mailbox, o.mailbox) && p.uid == o.uid && (p.validity == o.validity || p.validity == 0 || o.validity == 0)
}

// fate is what became of a message that was seen.
type fate int

const (
	present   fate = iota // it is still there
	departed              // it left, or is flagged \Deleted, and not by us
	destroyed             // we expunged it
	untold                // it cannot be told
	waiting               // it cannot be told now
)

// sighting is a message of the account with one Message-ID.
type sighting struct {
	print journal.Fingerprint
	order int64
	first place // where it was handled
	now   place // where a rule of ours moved it since, else the same
	fate  fate
	// here: it is in the batch, so that there is no need to look.
	here bool
	// decided: its history is asked for.
	decided bool
	// unplaced: it was handled before, and it is not known when.
	unplaced bool
	// at is the clock of the decision, of what is decided.
	at time.Time
	// own: it lies among the sent messages or the drafts.
	own bool
	// left is when a rule of ours took it out of first, zero if none did.
	left time.Time
	// copied: a rule of ours made it, a copy of another.
	copied bool
	// moved: a rule of ours moved an earlier sighting here.
	moved bool
	// look: whether it is still there matters.
	look bool
}

// past is what is known of each Message-ID, in the order of handling.
type past map[string][]*sighting

func (p past) of(cursor journal.Cursor, m *candidate) *sighting {
	at := place{mailbox: cursor.Mailbox, validity: cursor.UIDValidity, uid: m.fetched.UID}
	i := slices.IndexFunc(p[m.print.MessageID], func(s *sighting) bool { return s.first.is(at) })
	if i < 0 {
		return nil
	}
	return p[m.print.MessageID][i]
}

// waits reports whether something that matters to a message cannot be told now.
func (p past) waits(cursor journal.Cursor, m *candidate) bool {
	self := p.of(cursor, m)
	return self != nil && slices.ContainsFunc(p[m.print.MessageID], func(s *sighting) bool {
		return s.fate == waiting && s.order < self.order && matters(s, self)
	})
}

// unhandled is the order of the messages that the journal does not hold yet:
// after all others, and by UID.
const unhandled = int64(1) << 62

// past puts together what the journal saw and what the batch holds.
func (c *connection) past(cursor journal.Cursor, all []*candidate, traces map[string]journal.Trace) past {
	out := past{}
	for id, t := range traces {
		for _, s := range t.Sightings {
			if s.UIDValidity == c.cursors.of(s.Mailbox).UIDValidity {
				at := place{mailbox: s.Mailbox, validity: s.UIDValidity, uid: s.UID}
				out[id] = append(out[id], &sighting{print: s.Print, order: s.Order, first: at, now: at, own: c.holdsOwnMail(s.Mailbox)})
			}
		}
	}
	for _, m := range all {
		id := m.print.MessageID
		s := out.of(cursor, m)
		if s == nil {
			at := place{mailbox: cursor.Mailbox, validity: cursor.UIDValidity, uid: m.fetched.UID}
			s = &sighting{print: m.print, order: unhandled + int64(m.fetched.UID), first: at, now: at, unplaced: m.again, own: c.holdsOwnMail(cursor.Mailbox)}
			out[id] = append(out[id], s)
		}
		s.here, s.decided, s.at = true, m.arrived == "", m.at
		if hasFlag(m.fetched.Flags, imap.FlagDeleted) {
			s.fate = departed
		}
	}
	maps.DeleteFunc(out, func(id string, _ []*sighting) bool { return !identifies(id) })
	for _, group := range out {
		slices.SortFunc(group, func(a, b *sighting) int { return cmp.Compare(a.order, b.order) })
		markLooks(group)
	}
	return out
}

// markLooks marks what a message may have been before it came here.
func markLooks(group []*sighting) {
	for i, m := range group {
		if !m.decided || m.unplaced {
			continue
		}
		for _, s := range group[:i] {
			s.look = s.look || !s.here && matters(s, m)
		}
	}
}

// matters reports whether m hangs on what became of s.
func matters(s, m *sighting) bool {
	return exact(s.print, m.print) || same(s.print, m.print) && !s.own && !m.own
}

// follow finds out where our own rules put what was seen, and what of it they
// made.
func (c *connection) follow(ctx context.Context, past past) error {
	var prints []journal.Fingerprint
	for _, group := range past {
		if len(group) == 1 {
			continue // there is nothing before it
		}
		for _, s := range group {
			prints = append(prints, s.print)
		}
	}
	if len(prints) == 0 {
		return nil
	}
	acted, err := c.journal.Acted(ctx, c.cfg.Name, prints)
	if err != nil {
		return err
	}
	for _, group := range past {
		followGroup(group, acted)
	}
	return nil
}

// lookAround looks at every place that matters, one mailbox at a time.
func (c *connection) lookAround(ctx context.Context, cursor journal.Cursor, past past) error {
	where := map[string][]*sighting{}
	for _, group := range past {
		for _, s := range group {
			if s.look {
				where[s.now.mailbox] = append(where[s.now.mailbox], s)
			}
		}
	}
	if len(where) == 0 {
		return nil
	}
	for _, mailbox := range slices.Sorted(maps.Keys(where)) {
		if err := c.lookAt(ctx, mailbox, where[mailbox]); err != nil {
			return err
		}
	}
	if err := c.use(ctx, cursor.Mailbox); err != nil {
		return err
	}
	if c.validity != cursor.UIDValidity {
		return &imapsession.Error{Op: "SELECT", Subject: cursor.Mailbox, Class: imapsession.Target,
			Text: "the server renumbered the mailbox while its messages were decided; they wait for the next scan"}
	}
	return nil
}

// lookAt finds the fate of sightings in one mailbox.
func (c *connection) lookAt(ctx context.Context, mailbox string, list []*sighting) error {
	sel, err := c.sel(ctx, mailbox)
	switch {
	case isGone(err) || err != nil && c.dir.holdsNone(mailbox):
		return setFates(list, departed) // and took its messages with it
	case refusedForGood(err):
		return setFates(list, untold)
	case err != nil:
		return c.cannotLook(mailbox, list, err)
	}
	var uids imap.UIDSet
	for _, s := range list {
		uids.AddNum(s.now.uid)
	}
	flags, err := c.flagsThere(ctx, uids)
	switch {
	case refusedForGood(err):
		return setFates(list, untold)
	case err != nil:
		return c.cannotLook(mailbox, list, err)
	}
	delete(c.blind, mailbox)
	for _, s := range list {
		s.fate = fateOf(s.now, sel.UIDValidity, flags)
	}
	return nil
}

// cannotLook is what an error says of the sightings in a mailbox. One of that
// mailbox alone makes the messages wait that were seen in it, and no others, and
// only for so many looks: a mailbox can be broken for good.
func (c *connection) cannotLook(mailbox string, list []*sighting, err error) error {
	if !mailboxOnly(err) {
		return err
	}
	if c.blind == nil {
		c.blind = map[string]int{}
	}
	if c.blind[mailbox]++; c.blind[mailbox] > maxTries {
		if c.blind[mailbox] == maxTries+1 {
			c.log.Error("a mailbox cannot be looked at; messages that were seen in it are decided without", "mailbox", c.dir.config(mailbox), "error", err)
		}
		return setFates(list, untold)
	}
	c.log.Warn("a mailbox cannot be looked at; messages that were seen in it wait", "mailbox", c.dir.config(mailbox), "error", err)
	return setFates(list, waiting)
}

func setFates(list []*sighting, f fate) error {
	for _, s := range list {
		s.fate = f
	}
	return nil
}

func fateOf(at place, validity uint32, flags map[imap.UID][]imap.Flag) fate {
	have, there := flags[at.uid]
	switch {
	case at.validity != 0 && at.validity != validity:
		return untold // the next scan of that mailbox sorts it out
	case !there || hasFlag(have, imap.FlagDeleted):
		return departed
	default:
		return present
	}
}

// refusedForGood reports whether asking again would not help: without it, one
// mailbox that may not be opened would hold up the mail of another for ever.
func refusedForGood(err error) bool {
	var e *imapsession.Error
	return errors.As(err, &e) && (e.Class == imapsession.Target || e.Class == imapsession.Message || e.Class == imapsession.Bad)
}
