package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// Gmail's labels are its mailboxes (X-GM-EXT-1): to add one is to make the message
// arrive in that mailbox, too. So a step adds one label, which is paused, counted and
// created as a target is, and whose arrival is expected. To add or to remove a label
// again changes nothing, so that no such step is looked at after a crash.

// fetchGmail asks for what Gmail alone tells of messages. Of another server that is
// nothing, and nothing is asked.
func (c *connection) fetchGmail(ctx context.Context, some []*candidate) error {
	if !c.session.Capabilities().Gmail {
		for _, m := range some {
			m.message.Gmail = &facts.Gmail{}
		}
		return nil
	}
	got, err := c.session.FetchGmail(ctx, setOf(uidsIn(some)))
	switch {
	case isRefusal(err) && len(some) > 1:
		return halves(some, func(half []*candidate) error { return c.fetchGmail(ctx, half) })
	case isRefusal(err):
		c.log.Error("the labels of a message cannot be fetched; the message stays pending", "uid", some[0].fetched.UID, "error", err)
		return nil
	case err != nil:
		return err
	}
	for _, m := range some {
		if g, came := got[m.fetched.UID]; came {
			m.message.Gmail = &facts.Gmail{Labels: m.labelsAsDecided(g.Labels), MessageID: g.MessageID, ThreadID: g.ThreadID}
		}
	}
	return nil
}

// labelsAsDecided is asDecided for labels.
func (m *candidate) labelsAsDecided(now []string) []string {
	if m.entry == nil {
		return now
	}
	out := slices.Clone(now)
	for _, s := range m.entry.Steps {
		if !s.Action.Kind.Labels() {
			continue
		}
		for _, label := range s.Action.Labels {
			out = slices.DeleteFunc(out, func(l string) bool { return strings.EqualFold(l, label) })
			if actions.HasLabel(m.entry.Labels, label) {
				out = append(out, label)
			}
		}
	}
	return out
}

// noteLabels keeps in an entry the labels that its message had when it was decided,
// where its plan changes some.
func noteLabels(e *journal.Entry, m *candidate) {
	if g := m.message.Gmail; g != nil && slices.ContainsFunc(e.Plan.Items, func(i actions.Item) bool { return i.Action.Kind.Labels() }) {
		e.Labels = g.Labels
	}
}

// eachLabel makes one step of each label that is added.
func eachLabel(s journal.Step) []journal.Step {
	if s.Action.Kind != actions.AddLabels {
		return []journal.Step{s}
	}
	out := make([]journal.Step, len(s.Action.Labels))
	for i, label := range s.Action.Labels {
		one := *s.Action
		one.Labels = []string{label}
		out[i] = s
		out[i].Action = &one
	}
	return out
}

// labelMailbox is the mailbox in which a step makes its message appear by a label, ""
// where it does not.
func labelMailbox(s journal.Step) string {
	if s.Action.Kind != actions.AddLabels || len(s.Action.Labels) != 1 || strings.HasPrefix(s.Action.Labels[0], `\`) {
		return ""
	}
	return s.Action.Labels[0]
}

// leadsTo is the mailbox in which a step puts something, "" for none.
func leadsTo(s journal.Step) string {
	if s.Target != "" {
		return s.Target
	}
	return labelMailbox(s)
}

// expectLabel notes in a step what is known of the mailbox in which its message will
// appear, where that is looked at.
func (c *connection) expectLabel(ctx context.Context, s *journal.Step) error {
	name := labelMailbox(*s)
	if name == "" || !c.session.Capabilities().Gmail || !c.isScanned(name) {
		return nil
	}
	st, err := c.targetStatus(ctx, name)
	if err != nil {
		return err
	}
	s.TargetValidity, s.TargetNext = st.UIDValidity, st.UIDNext
	return nil
}

// arrivesIn is the mailbox in which a step of an entry will make something arrive. A
// message does not arrive again by a label that it has.
func arrivesIn(e journal.Entry, s journal.Step) string {
	if label := labelMailbox(s); label != "" && actions.HasLabel(e.Labels, label) {
		return ""
	}
	return leadsTo(s)
}

// cannotLabel says why labels cannot be changed at all, "" if they can.
func (c *connection) cannotLabel(a *actions.Action) string {
	here := c.dir.config(c.selected)
	switch {
	case !c.session.Capabilities().Gmail:
		return "this server has no labels: they are Gmail's (X-GM-EXT-1); use copy, move or add_flags"
	case !actions.HasLabel(a.Labels, here):
		return ""
	case a.Kind == actions.AddLabels:
		return "the message is in " + here + " already, which is that label"
	}
	return fmt.Sprintf("to remove the label %s would take the message out of the mailbox that it is in; use archive or move", here)
}

// labelChange is the command of a group that changes labels.
func labelChange(c imapsession.Change, a *actions.Action) imapsession.Change {
	c.Verb, c.Labels = "UNLABEL", a.Labels
	if a.Kind == actions.AddLabels {
		c.Verb = "LABEL"
	}
	return c
}

// labelsBack puts labels back: each once, as the last step left it.
func (r *reversal) labelsBack(a undoable) {
	var seen []string
	for _, s := range slices.Backward(a.Steps) {
		if !isDone(s) || !s.Action.Kind.Labels() {
			continue
		}
		added := s.Action.Kind == actions.AddLabels
		back := &actions.Action{Kind: actions.RemoveLabels}
		if !added {
			back.Kind = actions.AddLabels
		}
		for _, label := range s.Action.Labels {
			if actions.HasLabel(seen, label) {
				continue
			}
			if seen = append(seen, label); added == actions.HasLabel(a.Labels, label) {
				continue // it was so before
			}
			if why := labelStays(a, label, added); why != "" {
				r.unable(actions.Action{Kind: s.Action.Kind, Labels: []string{label}}.String(), why)
				continue
			}
			back.Labels = append(back.Labels, label)
		}
		if len(back.Labels) > 0 {
			r.steps = append(r.steps, eachLabel(journal.Step{Action: back, Rule: s.Rule, Hash: s.Hash, Index: s.Index, State: journal.Recorded})...)
		}
	}
}

// labelStays says why a label that an act changed is left as it is, "" if it is not.
func labelStays(a undoable, label string, added bool) string {
	switch {
	case a.now.why != "":
		return a.now.why
	case strings.EqualFold(label, a.now.mailbox):
		return "the message is in the mailbox of that label"
	case added != actions.HasLabel(a.now.labels, label):
		return "the label was changed since"
	}
	return ""
}

// changedLabels are labels after a step.
func changedLabels(labels []string, s journal.Step) []string {
	if !s.Action.Kind.Labels() {
		return labels
	}
	out := slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return actions.HasLabel(s.Action.Labels, l) })
	if s.Action.Kind == actions.AddLabels {
		return append(out, s.Action.Labels...)
	}
	return out
}

// labelled reports whether an entry changed labels.
func labelled(e journal.Entry) bool {
	return slices.ContainsFunc(e.Steps, func(s journal.Step) bool { return isDone(s) && s.Action.Kind.Labels() })
}

// lyingLabels adds their labels to messages of the selected mailbox, where an undo of
// some asks for them.
func (c *connection) lyingLabels(ctx context.Context, there map[imap.UID]lying, list []wanted) error {
	if len(there) == 0 || !c.session.Capabilities().Gmail || !slices.ContainsFunc(list, func(w wanted) bool { return w.labels }) {
		return nil
	}
	var uids []imap.UID
	for uid := range there {
		uids = append(uids, uid)
	}
	got, err := c.session.FetchGmail(ctx, setOf(uids))
	if err != nil {
		return err
	}
	for uid, at := range there {
		g, came := got[uid]
		if at.labels = g.Labels; !came {
			at.why = "its labels cannot be read now"
		}
		there[uid] = at
	}
	return nil
}
