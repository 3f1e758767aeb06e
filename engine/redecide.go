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

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// decideOld decides again what is old, of one walk.
func (c *connection) decideOld(ctx context.Context, name string, entries []*task) error {
	if entries[0].Trigger == journal.TriggerUndo {
		return c.reconsider(ctx, name, entries)
	}
	return c.redecide(ctx, name, entries)
}

// redecide runs the whole walk again for entries whose next step is
// destructive and old, or that were held: on fresh facts, in which the flags
// that this entry's own steps set or cleared stand as the first decision saw
// them, and with the clock of the first decision. Steps that are done are
// kept and not repeated; the rest is replaced by the new plan's. All entries are
// of one walk, and of different messages.
func (c *connection) redecide(ctx context.Context, name string, entries []*task) error {
	// A look into a target may have ended there.
	if err := c.back(ctx, name, entries[0].UIDValidity); err != nil {
		return err
	}
	ruleset, generation := c.rulesOf(walkOf(entries[0].Entry))
	box := c.ruleMailbox(name)
	var uids imap.UIDSet
	for _, w := range entries {
		uids.AddNum(w.UID)
	}
	needs := ruleset.Needs(c.cfg.Name, box)
	fetched, err := c.fetchSome(ctx, uidsOf(uids), needs)
	if err != nil {
		return err
	}
	present, err := c.there(ctx, uids)
	if err != nil {
		return err
	}
	again, open := redecided(entries, fetched, needs.WholeHeader)
	if err := c.settle(ctx, ruleset, c.cursors.of(name), open, open); err != nil {
		return err
	}
	if err := c.withoutActed(ctx, ruleset, name, entries, again); err != nil {
		return err
	}
	switch err := c.includeAgain(ctx, name, entries, again); {
	case errors.Is(err, errManyRaws):
		return halves(entries, func(half []*task) error { return c.redecide(ctx, name, half) })
	case err != nil:
		return err
	}
	batch := journal.Batch{At: time.Now()}
	for _, w := range entries {
		m := again[w.Seq]
		if present.Contains(w.UID) && (m == nil || m.absent) {
			w.NextTry = time.Now().Add(c.timing.Again)
			continue
		}
		e, err := c.again(ctx, &batch, w, m)
		if err != nil {
			return err
		}
		batch.Entries = append(batch.Entries, e)
		batch.Arrived = append(batch.Arrived, c.forgotten(w.Entry, batch.Expect)...)
	}
	if err := c.commit(ctx, batch); err != nil {
		return err
	}
	c.decidedNow(batch.Entries, generation)
	return nil
}

// includeAgain fetches what those calls include that entries did not owe before. An
// entry whose message does not come waits.
func (c *connection) includeAgain(ctx context.Context, name string, entries []*task, again map[int64]*candidate) error {
	var some []*candidate
	for _, w := range entries {
		if m := again[w.Seq]; m != nil && !m.absent {
			m.include = rules.CallNeeds(newItems(documentItems(w.Plan), documentItems(m.decision.Plan)))
			some = append(some, m)
		}
	}
	if tooLarge(some) {
		return errManyRaws
	}
	return c.fetchIncluded(ctx, c.cursors.of(name), some)
}

// redecided are the messages that came, by the sequence of their entry, as
// the first decisions saw them.
func redecided(entries []*task, fetched []imapsession.Fetched, whole bool) (of map[int64]*candidate, all []*candidate) {
	of = map[int64]*candidate{}
	for _, w := range entries {
		i := slices.IndexFunc(fetched, func(f imapsession.Fetched) bool { return f.UID == w.UID })
		if i < 0 {
			continue
		}
		f := fetched[i]
		m := &candidate{fetched: f, print: w.Print, at: w.Decided, skip: w.Skipped, again: true, walk: walkOf(w.Entry), entry: &w.Entry}
		m.message = &facts.Message{
			UID: f.UID, Flags: asDecided(f.Flags, w.Entry), Received: f.Received, Size: f.Size,
			Header: facts.ParseHeader(f.Header), WholeHeader: whole,
		}
		of[w.Seq], all = m, append(all, m)
	}
	return of, all
}

// withoutActed decides messages that were confirmed without the rules that acted on
// them through another entry since they were held: a message may be held twice, for
// two triggers, and both confirmed.
func (c *connection) withoutActed(ctx context.Context, ruleset *rules.Ruleset, name string, entries []*task, again map[int64]*candidate) error {
	held := filter(entries, func(w *task) bool { return undecided(w.Entry) && again[w.Seq] != nil && !again[w.Seq].absent })
	if len(held) == 0 {
		return nil
	}
	first, last := held[0].UID, held[0].UID
	for _, w := range held {
		first, last = min(first, w.UID), max(last, w.UID)
	}
	others, err := c.journal.Entries(ctx, journal.Query{
		Account: c.cfg.Name, Mailbox: name, UIDValidity: held[0].UIDValidity, FirstUID: first, LastUID: last, Since: earliest(held),
	})
	if err != nil {
		return err
	}
	var back []*candidate
	for _, w := range held {
		m := again[w.Seq]
		for _, e := range others {
			if e.UID == w.UID && e.Seq != w.Seq && actedSince(w.Entry, e) {
				m.acted = merge(m.acted, skipsOf(e, ofSameContent(ruleset), actedText))
			}
		}
		if len(m.acted) > 0 {
			m.skip = merge(maps.Clone(m.skip), m.acted)
			back = append(back, m)
		}
	}
	return c.settle(ctx, ruleset, c.cursors.of(name), back, back)
}

// actedSince reports whether another entry of a message did something after one
// was held: what came before was known then. A rule on flags acts once for each
// flag that comes.
func actedSince(held, e journal.Entry) bool {
	return isAct(e) && e.Updated.After(held.Decided) && (held.Trigger != journal.TriggerFlags || e.Trigger != journal.TriggerFlags)
}

// ofSameContent counts what was done by a rule as it is in force.
func ofSameContent(ruleset *rules.Ruleset) func(journal.Entry, actions.Item) bool {
	return func(_ journal.Entry, item actions.Item) bool {
		rule, asked := ruleset.Rule(item.Rule)
		return asked && item.Hash == rule.Hash
	}
}

// earliest is when the first of some entries was decided.
func earliest(all []*task) time.Time {
	return slices.MinFunc(all, func(a, b *task) int { return a.Decided.Compare(b.Decided) }).Decided
}

// forgotten are the arrivals that an entry's old steps expected and its new
// ones do not.
func (c *connection) forgotten(old journal.Entry, now []journal.Expected) []string {
	var out []string
	for i, s := range old.Steps {
		id := expectedID(old.Seq, i)
		_, expected := c.expected[id]
		still := slices.ContainsFunc(now, func(x journal.Expected) bool { return x.ID == id })
		if expected && !still && s.State == journal.Recorded {
			out = append(out, id)
		}
	}
	return out
}

// again replaces the unfinished steps of an entry by those of the decision
// on its message, and adds what it owes to the batch.
func (c *connection) again(ctx context.Context, batch *journal.Batch, w *task, m *candidate) (journal.Entry, error) {
	e := cloneEntry(w.Entry)
	if m == nil || m.absent {
		withdraw(&e, nil)
		e.State, e.Reason = journal.Gone, "the message is not in the mailbox any more"
		return e, nil
	}
	if e.From == "" && e.Subject == "" {
		e.From, e.Subject = shown(fromOf(m.message.Header)), shown(m.message.Header.Subject())
	}
	d := m.decision
	if c.isDryRun() {
		withdraw(&e, nil)
		e.Plan, e.State = d.Plan, journal.DryRun
		return e, nil
	}
	owed, unwanted, err := c.callsAgain(ctx, w.Entry, d.Plan)
	if err != nil {
		return e, err
	}
	steps, err := c.steps(ctx, &e, d.Plan.Effective())
	if err != nil {
		return e, err
	}
	withdraw(&e, steps)
	e.Plan, e.Reason, e.Errors, e.Skipped = d.Plan, "", errorsOf(d), m.skip
	noteLabels(&e, m)
	conclude(&e)
	switch {
	case len(d.Plan.Items) > 0:
	case len(e.Errors) > 0:
		e.State, e.Reason = journal.Kept, "a rule could not be evaluated: "+strings.Join(sortedValues(e.Errors), "; ")
	case len(e.Steps) == 0:
		e.State, e.Reason = journal.Withdrawn, cmp.Or(strings.Join(sortedValues(m.acted), "; "), "no rule asks for it any more")
	}
	for rule, why := range e.Errors {
		c.state.ruleError(rule, why)
	}
	c.addCalls(batch, e, m, owed)
	c.addOutside(batch, &e, m)
	batch.Release = append(batch.Release, unwanted...)
	batch.Expect = append(batch.Expect, c.expectations(e)...)
	return e, nil
}

// withdraw replaces the unfinished steps of an entry by those of a new plan.
// A new step that equals one that is done is not repeated, and one that
// equals an unfinished one keeps its place and what was recorded with it.
func withdraw(e *journal.Entry, plan []journal.Step) {
	var kept []journal.Step
	old := e.Steps
	for _, s := range old {
		if s.State != journal.Recorded {
			kept = append(kept, s)
		}
	}
	for _, s := range plan {
		i := slices.IndexFunc(old, func(o journal.Step) bool {
			return o.Rule == s.Rule && o.Target == s.Target && sameStep(o, s) && o.State != journal.StepReplaced
		})
		switch {
		case i < 0:
			kept = append(kept, s)
		case old[i].State == journal.Recorded && s.State == journal.Recorded:
			kept = append(kept, old[i])
		case old[i].State == journal.Recorded:
			kept = append(kept, s)
		}
	}
	for _, s := range old {
		gone := !slices.ContainsFunc(kept, func(k journal.Step) bool {
			return k.Rule == s.Rule && k.Target == s.Target && sameStep(k, s)
		})
		if s.State == journal.Recorded && gone {
			s.State, s.Error = journal.StepReplaced, "no rule asks for it any more"
			kept = append(kept, s)
		}
	}
	e.Steps = kept
}

// sameStep reports whether two steps of a rule do the same. What has the id of a message
// that was added is that message, though the rule would say something else now.
func sameStep(a, b journal.Step) bool {
	return a.Action.Equal(*b.Action) || a.Adds != nil && b.Adds != nil && a.Adds.ID == b.Adds.ID
}

// asDecided gives the flags that an entry's own flag steps touch the values
// that the first decision saw, so that "if: not seen" stays true after we set
// \Seen ourselves.
func asDecided(now []imap.Flag, e journal.Entry) []imap.Flag {
	out := slices.Clone(now)
	for _, s := range e.Steps {
		if s.Action.Kind.Spec().Phase != actions.PhaseFlags {
			continue
		}
		if s.Action.Kind == actions.SetFlags {
			return slices.Clone(e.Flags) // it touches all of them
		}
		for _, f := range s.Action.Flags {
			out = slices.DeleteFunc(out, func(o imap.Flag) bool { return strings.EqualFold(string(o), string(f)) })
			if hasFlag(e.Flags, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// newWebhooks are the calls that a new plan owes and the old one did not: a
// call that was recorded is never taken back or made anew.
func newWebhooks(old, now actions.Plan) []actions.Item {
	return newItems(webhookItems(old), webhookItems(now))
}

// newItems leaves out what there was before.
func newItems(old, now []actions.Item) []actions.Item {
	return slices.DeleteFunc(now, func(i actions.Item) bool {
		return slices.ContainsFunc(old, func(o actions.Item) bool { return o.Rule == i.Rule && o.Action.Equal(*i.Action) })
	})
}
