package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// appends reports whether the next step adds a message.
func (w *task) appends() bool { return w.Next() >= 0 && w.step().Adds != nil }

// goesAlone reports whether the next step is done for one message at a time: it is no
// single command.
func (w *task) goesAlone() bool { return w.isAbroad() || w.appends() }

// addition is what is recorded of the message that a step appends, nil where it appends
// none: all that makes that message what it is, so that it can be made again, be told
// from others, and be expected.
func (c *connection) addition(e journal.Entry, item actions.Item) *journal.Addition {
	what := item.Action.Append
	if what == nil {
		return nil
	}
	out := &journal.Addition{ID: c.additionID(e, item), From: c.ownAddress(), Print: e.Print}
	out.Print.EmailID = ""
	if what.Note {
		o := actions.Origin{ID: out.ID, From: out.From}
		out.Print = journal.Fingerprint{MessageID: o.MessageID(), Received: e.Decided.UTC().Truncate(time.Second)}
	}
	out.Print.Size += int64(len(what.Message(originOf(*out, item.Rule), nil)))
	return out
}

// additionID is made of what the message is, not of where it lies: a journal that was
// restored from a backup finds what was added for one that was moved since. Of identical
// messages all have one id, which of them is whose does not matter.
func (c *connection) additionID(e journal.Entry, item actions.Item) string {
	return idOf(e, item, fmt.Appendf(nil, "%q %q %d %d %q %d %q",
		c.cfg.Name, e.Print.MessageID, e.Print.Received.Unix(), e.Print.Size, item.Rule, item.Index, item.Action.Kind))
}

// ownAddress is who the account's notes are from.
func (a *account) ownAddress() string {
	if len(a.cfg.Addresses) > 0 {
		return a.cfg.Addresses[0]
	}
	return a.cfg.Username
}

func originOf(a journal.Addition, rule string) actions.Origin {
	return actions.Origin{ID: a.ID, Rule: rule, From: a.From, At: a.Print.Received}
}

// Append adds what the step under way adds. Nothing of it is kept in memory afterwards.
func (m *mailbox) Append(ctx context.Context, ref actions.MessageRef, a actions.Action) (imap.UID, error) {
	adds := m.tasks[0].step().Adds
	whole := imapsession.WholeMessage{Received: adds.Print.Received}
	if !a.Append.Note {
		var err error
		if whole, err = m.whole(ctx, ref.UID); err != nil {
			return 0, err
		}
	}
	whole.Text = a.Append.Message(originOf(*adds, m.tasks[0].step().Rule), whole.Text)
	to := m.c
	if a.Account != "" {
		g, err := m.c.guest(ctx, a.Account)
		if err != nil {
			return 0, err
		}
		to = g.connection
	}
	refusal, err := to.takes(ctx, a.Mailbox, int64(len(whole.Text)))
	switch {
	case err != nil:
		return 0, m.c.abroad(m.step, err)
	case refusal != "":
		return 0, fmt.Errorf("%w: %s", actions.ErrTooLarge, refusal)
	}
	uid, err := to.append(ctx, a.Mailbox, whole)
	return uid, m.c.abroad(m.step, err)
}

// whole fetches a message of this mailbox as it is.
func (m *mailbox) whole(ctx context.Context, uid imap.UID) (imapsession.WholeMessage, error) {
	whole, found, err := m.c.session.FetchMessage(ctx, uid, maxCarried)
	switch {
	case errors.Is(err, imapsession.ErrTooLarge):
		return whole, fmt.Errorf("%w: more than %d MiB", actions.ErrTooLarge, maxCarried>>20)
	case err != nil:
		return whole, err
	case !found:
		return whole, m.notFound(ctx, imap.UIDSetNum(uid))
	}
	return whole, nil
}

// takes says why a mailbox does not take a message of that size, "" if it does.
func (c *connection) takes(ctx context.Context, name string, size int64) (string, error) {
	if size > maxCarried {
		return fmt.Sprintf("the message has %d octets, and at most %d MiB are carried", size, maxCarried>>20), nil
	}
	limit, known := c.limits[name]
	if !known {
		var err error
		if limit, err = c.session.AppendLimit(ctx, name); err != nil && !mailboxOnly(err) {
			return "", err
		}
		if c.limits == nil {
			c.limits = map[string]int64{}
		}
		c.limits[name] = limit
	}
	if limit > 0 && size > limit {
		return fmt.Sprintf("the message has %d octets, and the account %s takes at most %d", size, c.cfg.Name, limit), nil
	}
	return "", nil
}

// append adds a message to a mailbox. One that is flagged \Deleted there would be lost
// to the next client that expunges.
func (c *connection) append(ctx context.Context, target string, m imapsession.WholeMessage) (imap.UID, error) {
	flags := slices.DeleteFunc(imapsession.Settable(m.Flags), func(f imap.Flag) bool { return strings.EqualFold(string(f), string(imap.FlagDeleted)) })
	uid, err := c.session.Append(ctx, target, flags, m.Received, m.Text)
	if uid == 0 {
		delete(c.targets, target) // there is, or may be, a copy of which nobody told the UID
	}
	return uid, err
}

// additions looks in a target for the messages that steps add, by the ids that only
// they have: flagged \Deleted or not, and in a mailbox that was renumbered, too, as long
// as not too much is to be looked through. It leaves the target selected, in the account
// that it is in.
func (c *connection) additions(ctx context.Context, target string, group []*task) (copies, error) {
	in, name, err := c.sideOf(ctx, group[0].step())
	if err != nil || !in.dir.exists(name) {
		return copies{}, err
	}
	sel, err := in.sel(ctx, name)
	if isGone(err) {
		return copies{}, nil
	}
	if err != nil {
		return copies{}, c.abroad(target, err)
	}
	from, renumbered := sel.UIDNext, false
	for _, w := range group {
		from = min(from, cmp.Or(w.step().TargetNext, sel.UIDNext))
		renumbered = renumbered || w.step().TargetValidity != 0 && w.step().TargetValidity != sel.UIDValidity
	}
	if renumbered {
		from = 1
	}
	listed, err := in.listCopies(ctx, group, from)
	if err != nil {
		return copies{}, c.abroad(target, err)
	}
	uids := uidsOf(listed)
	if renumbered && len(uids) > maxLookedThrough {
		return copies{renumbered: true}, nil
	}
	ids, err := in.idsOf(ctx, uids)
	if err != nil {
		return copies{}, c.abroad(target, err)
	}
	if err := c.leaveOut(ctx, ids, group, sel.UIDValidity); err != nil {
		return copies{}, err
	}
	return copies{uids: added(group, ids, renumbered)}, nil
}

// leaveOut takes those out that other steps added which are done: the same ones where
// their UIDs are known, else one for each.
func (c *connection) leaveOut(ctx context.Context, ids map[imap.UID]string, group []*task, validity uint32) error {
	var prints []journal.Fingerprint
	for _, w := range group {
		prints = append(prints, w.Print)
	}
	acted, err := c.journal.Acted(ctx, c.cfg.Name, prints)
	if err != nil {
		return err
	}
	untold := map[string]int{}
	for _, e := range acted {
		for _, s := range e.Steps {
			switch {
			case s.Adds == nil || !isDone(s) || s.Target != group[0].step().Target && !isSamePlace(s, *group[0].step()):
			case s.TargetUID != 0 && s.TargetValidity == validity:
				delete(ids, s.TargetUID)
			default:
				untold[s.Adds.ID]++
			}
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(ids)) {
		if untold[ids[uid]] > 0 {
			untold[ids[uid]]--
			delete(ids, uid)
		}
	}
	return nil
}

// added gives each message what its step added. Nothing is proven by a UID in a mailbox
// that was renumbered: it is 0 then.
func added(group []*task, ids map[imap.UID]string, renumbered bool) map[imap.UID]imap.UID {
	out := map[imap.UID]imap.UID{}
	for _, w := range group {
		for _, uid := range slices.Sorted(maps.Keys(ids)) {
			if ids[uid] != w.step().Adds.ID {
				continue
			}
			delete(ids, uid)
			if out[w.UID] = uid; renumbered {
				out[w.UID] = 0
			}
			break
		}
	}
	return out
}

// claimAdditions claims those messages of a target, which is selected, that appends for
// the same messages added: such a copy is none that a copy or a move made.
func (c *connection) claimAdditions(ctx context.Context, in *connection, group []*task, there []journal.Known, claimed map[imap.UID]bool) error {
	prints := map[journal.Fingerprint]bool{}
	for _, w := range group {
		prints[w.Print] = true
	}
	adds := func(w *task) bool {
		return prints[w.Print] && slices.ContainsFunc(w.Steps, func(s journal.Step) bool { return s.Adds != nil })
	}
	if len(there) == 0 || !slices.ContainsFunc(c.tasks(), adds) {
		return nil
	}
	uids := make([]imap.UID, len(there))
	for i, k := range there {
		uids[i] = k.UID
	}
	ids, err := in.idsOf(ctx, uids)
	for _, w := range filter(c.tasks(), adds) {
		for _, s := range w.Steps {
			for uid, id := range ids {
				claimed[uid] = claimed[uid] || s.Adds != nil && s.Adds.ID == id
			}
		}
	}
	return err
}

// idsOf are the ids of those messages of the selected mailbox that appends added.
func (c *connection) idsOf(ctx context.Context, uids []imap.UID) (map[imap.UID]string, error) {
	out := map[imap.UID]string{}
	for chunk := range slices.Chunk(uids, batchSize*2) {
		fetched, err := c.session.FetchHeaders(ctx, setOf(chunk), []string{actions.FieldID})
		if err != nil {
			return nil, err
		}
		if missing := lacking(chunk, fetched); len(missing) > 0 {
			return nil, c.notGiven(setOf(missing))
		}
		for _, f := range fetched {
			if id := idIn(f.Header); id != "" {
				out[f.UID] = id
			}
		}
	}
	return out, nil
}

// idIn is the first X-Imapilot-Id of a header: the topmost is the last that was added.
func idIn(header []byte) string {
	return facts.ParseHeader(header).First(actions.FieldID)
}
