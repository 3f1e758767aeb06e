package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// cameBack finds the messages that were here before and returns, by UID, the
// rules that must not act on them again and why. A rule acts on one message
// once; and when the user moves a message back, he wins. It also counts our
// recent moves of each message: see hopLimit.
//
// "Came back" needs an identity, and that the place where we last saw the
// message does not hold it any more: two identical deliveries are two
// messages. The identity is the EMAILID where the server has it (RFC 8474),
// else Message-ID, size and INTERNALDATE. A message without any never came
// back, but for one that lies where an undo put it.
//
// counts says whether what an entry did for a rule counts as an act now.
func (c *connection) cameBack(ctx context.Context, cursor journal.Cursor, acting []*candidate, counts func(journal.Entry, actions.Item) bool) (map[imap.UID]map[string]string, error) {
	prints := printsOf(acting)
	if len(prints) == 0 {
		return nil, nil
	}
	acted, err := c.journal.Acted(ctx, c.cfg.Name, prints)
	if err != nil || len(acted) == 0 {
		return nil, err
	}
	out := map[imap.UID]map[string]string{}
	used := map[int64]bool{}
	for _, m := range acting {
		for _, e := range acted {
			if used[e.Seq] || !sameIdentity(e.Print, m.print) && !wasPutBackHere(e, cursor, m) || isSame(e, cursor, m) {
				continue
			}
			if liesWhereItWasPut(e, cursor, m) {
				used[e.Seq] = true
				out[m.fetched.UID] = merge(out[m.fetched.UID], skipsOf(e, counts, actedText))
				continue
			}
			became := departed
			if !wasTakenAway(e, acted) {
				if became, err = c.cameFrom(ctx, m, e); err != nil {
					return nil, err
				}
			}
			if became != present {
				m.hops += movesOf(e, m.at.Add(-hopWindow))
			}
			if became == departed {
				used[e.Seq] = true
				out[m.fetched.UID] = merge(out[m.fetched.UID], skipsOf(e, counts, "it acted on this message before, and the message was moved back"))
			}
		}
	}
	return out, c.use(ctx, cursor.Mailbox)
}

// wasTakenAway reports whether a later move of ours took the message away from where an
// entry left it, as an undo does: no UID comes back, and no server has to be asked.
func wasTakenAway(e journal.Entry, acted []journal.Entry) bool {
	mailbox, validity, uid := lastPlace(e)
	return validity != 0 && uid != 0 && slices.ContainsFunc(acted, func(o journal.Entry) bool {
		return o.Mailbox == mailbox && o.UIDValidity == validity && o.UID == uid && slices.ContainsFunc(o.Steps, func(s journal.Step) bool {
			return s.State == journal.StepDone && s.Action.Kind.Spec().Destination
		})
	})
}

// cameFrom reports what became of the place where an entry left a message: a
// message came back when it departed from there. While that place cannot be
// looked at, the message waits. After so many looks it counts as one that came
// back, for the rules that acted on it before then do nothing: the user may
// have moved it.
func (c *connection) cameFrom(ctx context.Context, m *candidate, e journal.Entry) (fate, error) {
	became, err := c.leftItsPlace(ctx, e)
	if !mailboxOnly(err) {
		return became, err
	}
	mailbox, _, _ := lastPlace(e)
	if err := c.cannotLook(mailbox, nil, err); err != nil {
		return untold, err
	}
	if c.blind[mailbox] > maxTries {
		return departed, nil
	}
	m.absent = true
	return waiting, nil
}

func printsOf(acting []*candidate) []journal.Fingerprint {
	var out []journal.Fingerprint
	for _, m := range acting {
		out = append(out, m.print)
	}
	return out
}

// wasPutBackHere reports whether an undo put a message under the UID that it has,
// which needs no identity.
func wasPutBackHere(e journal.Entry, cursor journal.Cursor, m *candidate) bool {
	mailbox, validity, uid := lastPlace(e)
	return e.Trigger == journal.TriggerUndo && mailbox == cursor.Mailbox && uid == m.fetched.UID &&
		validity != 0 && validity == cursor.UIDValidity && exact(e.Print, m.print)
}

func isSame(e journal.Entry, cursor journal.Cursor, m *candidate) bool {
	return e.Mailbox == cursor.Mailbox && e.UIDValidity == cursor.UIDValidity && e.UID == m.fetched.UID
}

// liesWhereItWasPut reports whether a message is the one that a step of ours put
// where it is, or that was acted on here under another UID before the mailbox was
// renumbered: its identity is the same, and each entry is given away once.
func liesWhereItWasPut(e journal.Entry, cursor journal.Cursor, m *candidate) bool {
	mailbox, validity, uid := lastPlace(e)
	if mailbox != cursor.Mailbox {
		return false
	}
	moved := mailbox != e.Mailbox
	return moved && uid == m.fetched.UID && (validity == 0 || validity == cursor.UIDValidity) ||
		!moved && m.walk.kind() != journal.TriggerArrival && validity != cursor.UIDValidity
}

// leftItsPlace tells what became of a message that an entry dealt with: departed
// when it is no longer where we last saw it, or lies there flagged \Deleted. A UID
// proves it only together with the identity, for the place may have been made
// anew; without a UID the identity alone is looked for. Where there is too much to
// look through, the question is left to the rules and to the limit of hops.
func (c *connection) leftItsPlace(ctx context.Context, e journal.Entry) (fate, error) {
	mailbox, validity, uid := lastPlace(e)
	if journal.IsAbroad(mailbox) {
		return c.leftAbroad(ctx, e)
	}
	if uid == 0 {
		return c.copyLeft(ctx, e, false)
	}
	sel, err := c.sel(ctx, mailbox)
	if isGone(err) {
		return departed, nil // and took our copy with it
	}
	if err != nil {
		return untold, err // it cannot be told now: the message waits
	}
	if validity != 0 && sel.UIDValidity != validity {
		return c.copyLeft(ctx, e, true)
	}
	listed, err := c.there(ctx, setOf([]imap.UID{uid}))
	if err != nil {
		return untold, err
	}
	there, err := c.targetPrints(ctx, uidsOf(listed))
	if err != nil {
		return untold, err
	}
	delete(c.blind, mailbox)
	switch {
	case len(there) == 0:
		return departed, nil
	case !sameIdentity(there[0].Print, e.Print):
		return c.copyLeft(ctx, e, true) // its UID is another message's now
	}
	return present, nil
}

// copyLeft tells what became of a copy whose UID nobody knows (any more, where the
// target was renumbered): it departed when its target holds no message with the
// identity.
func (c *connection) copyLeft(ctx context.Context, e journal.Entry, renumbered bool) (fate, error) {
	// One that was gone when its mailbox was renumbered may have been moved by the
	// step that was under way.
	i := slices.IndexFunc(e.Steps, func(s journal.Step) bool {
		return s.Action.Kind.Spec().Destination && (isDone(s) || e.State == journal.Gone && s.State == journal.Recorded)
	})
	if i < 0 || e.Steps[i].Target == "" || journal.IsAbroad(e.Steps[i].Target) {
		return untold, nil
	}
	s := e.Steps[i]
	sel, err := c.sel(ctx, s.Target)
	switch {
	case isGone(err):
		return departed, nil
	case err != nil:
		return untold, err
	}
	from := s.TargetNext
	if renumbered || s.TargetValidity != 0 && s.TargetValidity != sel.UIDValidity {
		from = 1
	}
	listed, err := c.searchAbove(ctx, max(1, from))
	if uids := uidsOf(listed); err != nil || len(uids) > maxLookedThrough {
		return untold, err
	}
	there, err := c.targetPrints(ctx, uidsOf(listed))
	if err != nil {
		return untold, err
	}
	if slices.ContainsFunc(there, func(k journal.Known) bool { return sameIdentity(k.Print, e.Print) }) {
		return present, nil
	}
	return departed, nil
}

// maxLookedThrough is how many messages are looked through for one copy.
const maxLookedThrough = 2 * batchSize

// lastPlace is where an entry left its message.
func lastPlace(e journal.Entry) (mailbox string, validity uint32, uid imap.UID) {
	for _, s := range e.Steps {
		if isDone(s) && s.Action.Kind.Spec().Destination {
			return s.Target, s.TargetValidity, s.TargetUID
		}
	}
	return e.Mailbox, e.UIDValidity, e.UID
}

// skipsOf are the rules that an entry keeps from acting again.
func skipsOf(e journal.Entry, counts func(journal.Entry, actions.Item) bool, why string) map[string]string {
	out := map[string]string{}
	if e.Trigger == journal.TriggerSnooze {
		return out // it came back; no rule acted
	}
	for _, item := range e.Plan.Items {
		if item.SupersededBy == "" && counts(e, item) {
			out[item.Rule] = why
		}
	}
	for rule := range e.Errors {
		delete(out, rule)
	}
	return out
}

func merge(a, b map[string]string) map[string]string {
	if a == nil {
		return b
	}
	for k, v := range b {
		a[k] = v
	}
	return a
}

func hasFlag(flags []imap.Flag, want imap.Flag) bool {
	return slices.ContainsFunc(flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(want)) })
}
