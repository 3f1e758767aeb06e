package engine

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// A rule that is run over the mail that is there acts on one message once. The
// journal says whether it did: first by the place in which the message lies, and
// for what is not found so, as for a message that was moved away and back, by its
// identity.

const (
	actedText = "it acted on this message before"
	waitsText = "this message was confirmed and waits to be decided again"
	// touchAfter is how old an act is before it is noted that it is still needed.
	touchAfter = 30 * 24 * time.Hour
)

// isAct reports whether an entry did something, or is about to. Dry runs, and what
// was held, skipped or failed, are none.
func isAct(e journal.Entry) bool {
	return e.State == journal.Open || e.State == journal.Done || e.State == journal.Unsure || e.State == journal.Undone
}

// wasUndone reports whether what an entry did was put back, or whether it is the one
// that put it back: the user does not want that of the rule with this content, on
// whatever occasion.
func wasUndone(e journal.Entry) bool {
	return e.State == journal.Undone || e.Trigger == journal.TriggerUndo
}

// undecided reports whether an entry was confirmed and has not been decided again
// since: it has no plan, but is about to act.
func undecided(e journal.Entry) bool {
	return e.State == journal.Open && len(e.Plan.Items) == 0 && len(e.Steps) == 0
}

// askedBy are the rules of a decision that an undecided entry asks too. They act
// through that entry, so that they must not act through another one beside it.
func (m *candidate) askedBy(e journal.Entry, ruleset *rules.Ruleset) map[string]string {
	out := map[string]string{}
	for _, item := range m.decision.Plan.Items {
		rule, ok := ruleset.Rule(item.Rule)
		if _, skipped := e.Skipped[item.Rule]; ok && !skipped && walkOf(e).asks(rule) {
			out[item.Rule] = waitsText
		}
	}
	return out
}

// counts reports whether what an entry did for a rule keeps that rule from acting
// now. What was undone counts for the same content. Else it is for a scheduled rule
// what it did on a clock, for an apply what was done by the same rule with the same
// content, whatever asked it.
func (p *pass) counts(ruleset *rules.Ruleset, now time.Time) func(journal.Entry, actions.Item) bool {
	return func(e journal.Entry, item actions.Item) bool {
		if wasUndone(e) {
			rule, asked := ruleset.Rule(item.Rule)
			return !p.scope.Again && asked && item.Hash == rule.Hash
		}
		if e.Trigger == p.walk.kind() && e.Occasion == p.walk.occasion && p.walk.occasion != applyOccasion {
			return true // this run did it, before it was cut off
		}
		if p.walk.kind() == journal.TriggerSchedule {
			return p.repeat == 0 || p.since(e, now) < p.repeat-repeatSlack(p.repeat)
		}
		rule, asked := ruleset.Rule(item.Rule)
		return !p.scope.Again && asked && item.Hash == rule.Hash
	}
}

// since is how long ago a scheduled rule acted, from when it was due then to when
// it is due now: a run that began a second late must not cost the next one.
func (p *pass) since(e journal.Entry, now time.Time) time.Duration {
	due, err := time.Parse(time.RFC3339, e.Occasion)
	if err != nil || p.run == nil {
		return now.Sub(e.Decided)
	}
	return p.run.Due.Sub(due)
}

// repeatSlack forgives a change of clocks: the day on which they go forward has 23
// hours.
func repeatSlack(repeat time.Duration) time.Duration { return min(time.Hour, repeat/10) }

// actedInPass returns, by UID, the rules that acted on a message before.
func (c *connection) actedInPass(ctx context.Context, cursor journal.Cursor, acting []*candidate, p *pass) (map[imap.UID]map[string]string, error) {
	ruleset, _ := c.rulesOf(p.walk)
	counts := p.counts(ruleset, time.Now())
	here := func(e journal.Entry, item actions.Item) bool {
		return isAct(e) && (p.walk.kind() != journal.TriggerSchedule || e.Trigger == journal.TriggerSchedule || wasUndone(e)) && counts(e, item)
	}
	out := map[imap.UID]map[string]string{}
	var rest []*candidate
	for _, m := range acting {
		for _, e := range m.earlier {
			found := skipsOf(e, here, actedText)
			if undecided(e) && (p.walk.kind() != journal.TriggerSchedule || e.Trigger == journal.TriggerSchedule) {
				found = m.askedBy(e, ruleset)
			}
			if len(found) == 0 {
				continue
			}
			out[m.fetched.UID] = merge(out[m.fetched.UID], found)
			if e.Trigger == journal.TriggerSchedule && time.Since(e.Updated) > touchAfter {
				m.keep = append(m.keep, e.Seq)
			}
		}
		if !m.allSkipped(out[m.fetched.UID]) {
			rest = append(rest, m)
		}
	}
	if !p.recalls {
		return out, nil
	}
	// What this run does itself is nothing that came back: a plan does not see it.
	before := func(e journal.Entry, item actions.Item) bool {
		return (e.Decided.Before(p.began) || e.Trigger == journal.TriggerUndo) && counts(e, item)
	}
	back, err := c.cameBack(ctx, cursor, rest, before)
	for uid, skips := range back {
		out[uid] = merge(out[uid], skips)
	}
	return out, err
}

// allSkipped reports whether nothing of a plan is left without these rules.
func (m *candidate) allSkipped(skips map[string]string) bool {
	return !slices.ContainsFunc(m.decision.Plan.Items, func(i actions.Item) bool { _, skipped := skips[i.Rule]; return !skipped })
}

// strangers reports whether the journal says nothing of any of these messages, as
// it does when rules are first applied to old mail: one question instead of one for
// each batch, which would wait for the batch before to be written.
func (c *connection) strangers(ctx context.Context, b Bound, some ...[]imap.UID) (bool, error) {
	uids := slices.Concat(some...)
	if len(uids) == 0 {
		return true, nil
	}
	known, err := c.journal.Any(ctx, journal.Query{
		Account: c.cfg.Name, Mailbox: b.Mailbox, UIDValidity: b.UIDValidity, FirstUID: slices.Min(uids), LastUID: slices.Max(uids),
	})
	return !known, err
}

// lookUp finds what the journal holds of the places of some messages.
func (c *connection) lookUp(ctx context.Context, cursor journal.Cursor, all []*candidate) error {
	by := map[imap.UID]*candidate{}
	first, last := imap.UID(0), imap.UID(0)
	for _, m := range complete(all) {
		if len(m.entries) > 0 {
			by[m.fetched.UID] = m
			last = max(last, m.fetched.UID)
			if first == 0 || m.fetched.UID < first {
				first = m.fetched.UID
			}
		}
	}
	if len(by) == 0 {
		return nil
	}
	found, err := c.journal.Entries(ctx, journal.Query{
		Account: c.cfg.Name, Mailbox: cursor.Mailbox, UIDValidity: cursor.UIDValidity, FirstUID: first, LastUID: last,
	})
	for _, e := range found {
		if m := by[e.UID]; m != nil {
			m.earlier = append(m.earlier, e)
		}
	}
	return err
}

// toRecord are the entries of a message in a pass that say something new: what a
// rule in dry run would do is written once, and so is what a limit holds, or why a
// rule cannot be evaluated.
func (m *candidate) toRecord() []journal.Entry {
	if len(m.earlier) == 0 {
		return m.entries
	}
	return slices.DeleteFunc(slices.Clone(m.entries), func(e journal.Entry) bool {
		return slices.ContainsFunc(m.earlier, func(old journal.Entry) bool {
			return old.State == e.State && old.Trigger == e.Trigger && slices.Equal(old.Walk, e.Walk) && e.State != journal.Open &&
				reflect.DeepEqual(hashesIn(old), hashesIn(e)) && maps.Equal(old.Errors, e.Errors)
		})
	})
}

// hashesIn are the contents of the rules of an entry's plan.
func hashesIn(e journal.Entry) map[string]string {
	out := map[string]string{}
	for _, item := range e.Plan.Effective() {
		out[item.Rule] = item.Hash
	}
	return out
}

// overtaken are entries that were held for this message and that a decision to act
// makes void, as far as it asked their rules.
func (m *candidate) overtaken() []journal.Entry {
	if !slices.ContainsFunc(m.entries, func(e journal.Entry) bool { return e.State == journal.Open }) {
		return nil
	}
	var out []journal.Entry
	for _, old := range m.earlier {
		if old.State != journal.Held || !m.walk.covers(old) {
			continue
		}
		old = cloneEntry(old)
		old.State, old.Reason = journal.Withdrawn, "a later run decided it anew, as an entry of its own"
		out = append(out, old)
	}
	return out
}

// covers reports whether a walk asks every rule that an entry speaks of.
func (w walk) covers(e journal.Entry) bool {
	if len(w.names) == 0 {
		return len(e.Walk) == 0
	}
	return !slices.ContainsFunc(e.Plan.Effective(), func(i actions.Item) bool { return !slices.Contains(w.names, i.Rule) })
}
