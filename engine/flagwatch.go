package engine

import (
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
)

// Rules on flags are asked about a message when one of their flags was added to
// it. Of each mailbox and flag the journal holds the set of messages that carried
// it; what a search finds beyond that was added since, by whomever. The set moves
// on in the commit that records the decision, so that each addition is decided
// once. What imapilot sets itself goes into the set when it is recorded as done.

// flagSlack is by how much the clocks of a server and of this machine may differ,
// where a message came with a flag that somebody set before we looked.
const flagSlack = 5 * time.Minute

// flagKey is a mailbox, in the server's spelling, and a flag in lower case: flags
// compare without it (RFC 9051 section 2.3.2).
type flagKey struct{ mailbox, flag string }

func keyOf(mailbox string, f imap.Flag) flagKey {
	return flagKey{mailbox, strings.ToLower(string(f))}
}

func flaggedByKey(list []journal.Flagged) map[flagKey]journal.Flagged {
	var out map[flagKey]journal.Flagged
	for _, f := range list {
		put(&out, keyOf(f.Mailbox, f.Flag), f)
	}
	return out
}

// flagRules are the rules that wait for flags in a mailbox.
func (c *connection) flagRules(name string) []rules.Rule {
	all := c.onFlags()
	if len(all) == 0 {
		return nil
	}
	box := c.ruleMailbox(name)
	return slices.DeleteFunc(slices.Clone(all), func(r rules.Rule) bool {
		return len(r.Accounts) > 0 && !slices.Contains(r.Accounts, c.cfg.Name) || !slices.ContainsFunc(r.In, box.Match)
	})
}

// onFlags are the rules on flags in force.
func (a *account) onFlags() []rules.Rule {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.flagWaiters
}

// flagsIn are the flags that rules wait for, each once.
func flagsIn(waiting []rules.Rule) []imap.Flag {
	var out []imap.Flag
	for _, r := range waiting {
		for _, f := range r.Flags {
			if !hasFlag(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// scanFlags looks for flags that were added in the selected mailbox, and decides
// what follows. sel is what SELECT told of it.
func (c *connection) scanFlags(ctx, work context.Context, name string, sel imapsession.Selected) error {
	waiting := c.flagRules(name)
	for _, f := range flagsIn(waiting) {
		if ctx.Err() != nil {
			return nil
		}
		if err := c.back(work, name, sel.UIDValidity); err != nil {
			return err
		}
		if err := c.scanFlag(ctx, work, name, sel, f, waiting); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) scanFlag(ctx, work context.Context, name string, sel imapsession.Selected, f imap.Flag, waiting []rules.Rule) error {
	before, known := c.flagged[keyOf(name, f)]
	known = known && before.UIDValidity == sel.UIDValidity
	if known && before.ModSeq != 0 && before.ModSeq == sel.HighestModSeq {
		return nil // nothing in the mailbox changed (RFC 7162 section 3.1.2.1)
	}
	now, err := c.session.Search(work, &imap.SearchCriteria{Flag: []imap.Flag{f}})
	if err != nil {
		return err
	}
	after := journal.Flagged{Mailbox: name, Flag: f, UIDValidity: sel.UIDValidity, ModSeq: sel.HighestModSeq, UIDs: c.handledOf(name, now)}
	if len(uidsOf(after.UIDs)) != len(uidsOf(now)) {
		after.ModSeq = 0 // look again, whatever changes
	}
	if !known {
		return c.commit(work, journal.Batch{Flagged: []journal.Flagged{after}})
	}
	added := c.added(name, before.UIDs, after.UIDs, f)
	for chunk := range slices.Chunk(added, batchSize) {
		if ctx.Err() != nil {
			return nil
		}
		if err := c.decideFlagged(work, name, chunk, f, waiting); err != nil {
			return err
		}
	}
	return c.settleFlagged(work, after)
}

// settleFlagged writes the set as it was found, less what is still to be decided.
func (c *connection) settleFlagged(ctx context.Context, after journal.Flagged) error {
	before := c.flagged[keyOf(after.Mailbox, after.Flag)]
	pending := c.added(after.Mailbox, before.UIDs, after.UIDs, after.Flag)
	if len(pending) > 0 {
		after.ModSeq = 0 // look again, whatever changes
		left := setOf(pending)
		after.UIDs = setOf(slices.DeleteFunc(uidsOf(after.UIDs), left.Contains))
	}
	if before.ModSeq == after.ModSeq && before.UIDs.String() == after.UIDs.String() {
		return nil
	}
	return c.commit(ctx, journal.Batch{Flagged: []journal.Flagged{after}})
}

// handledOf are those of some messages that the cursor has handled. Of the others,
// which could not be fetched yet, noteArrived says whether a flag was added.
func (c *connection) handledOf(name string, uids imap.UIDSet) imap.UIDSet {
	cursor := c.cursors.of(name)
	return setOf(slices.DeleteFunc(uidsOf(uids), func(uid imap.UID) bool {
		return uid > cursor.Floor && !cursor.Handled.Contains(uid)
	}))
}

// added are the messages that carry a flag which they did not, without those on
// which a step of ours sets it.
func (c *connection) added(name string, before, now imap.UIDSet, f imap.Flag) []imap.UID {
	own := c.ownFlags(name, c.cursors.of(name).UIDValidity, f)
	return slices.DeleteFunc(uidsOf(now), func(uid imap.UID) bool { return before.Contains(uid) || own[uid] })
}

// ownFlags are the messages of which a step that is under way sets a flag.
func (c *connection) ownFlags(name string, validity uint32, f imap.Flag) map[imap.UID]bool {
	out := map[imap.UID]bool{}
	for _, w := range c.open {
		if w.Mailbox != name || w.UIDValidity != validity {
			continue
		}
		for _, s := range w.Steps {
			has, _ := s.Action.Says(f)
			out[w.UID] = out[w.UID] || s.State == journal.Recorded && has
		}
	}
	return out
}

// decideFlagged asks the rules that wait for a flag about messages to which it was
// added.
func (c *connection) decideFlagged(ctx context.Context, name string, uids []imap.UID, f imap.Flag, waiting []rules.Rule) error {
	w := walk{trigger: journal.TriggerFlags, occasion: string(f) + " " + time.Now().UTC().Format(time.RFC3339Nano)}
	for _, r := range waiting {
		if hasFlag(r.Flags, f) {
			w.names = append(w.names, r.Name)
		}
	}
	ruleset, generation := c.rulesOf(w)
	needs := ruleset.Needs(c.cfg.Name, c.ruleMailbox(name))
	fetched, err := c.fetchSome(ctx, uids, needs)
	if err != nil {
		return err
	}
	cursor := c.cursors.of(name)
	all := c.freshCandidates(fetched, needs.WholeHeader)
	switch err := c.decide(ctx, ruleset, cursor, all, judgement{walk: w, hours: 1}); {
	case errors.Is(err, errManyRaws):
		return halves(uids, func(half []imap.UID) error { return c.decideFlagged(ctx, name, half, f, waiting) })
	case err != nil:
		return err
	}
	seen := complete(all)
	for _, uid := range uids {
		if !slices.ContainsFunc(seen, func(m *candidate) bool { return m.fetched.UID == uid }) {
			c.notFetched(name, uid)
		}
	}
	return c.recordFlagged(ctx, c.flagged[keyOf(name, f)], seen, generation)
}

// recordFlagged writes what was decided, and that these additions were seen.
func (c *connection) recordFlagged(ctx context.Context, set journal.Flagged, all []*candidate, generation int) error {
	batch := journal.Batch{At: time.Now()}
	if err := c.learnTargets(ctx, all); err != nil {
		return err
	}
	set.UIDs, set.ModSeq = slices.Clone(set.UIDs), 0
	for _, m := range byUID(all) {
		set.UIDs.AddNum(m.fetched.UID)
		for i := range m.entries {
			if err := c.addEntry(ctx, &batch, &m.entries[i], m); err != nil {
				return err
			}
		}
		for rule, why := range errorsOf(m.decision) {
			c.state.ruleError(rule, why)
		}
	}
	batch.Flagged = []journal.Flagged{set}
	if err := c.commit(ctx, batch); err != nil {
		return err
	}
	c.decidedNow(batch.Entries, generation)
	return nil
}

// noteFlags moves the sets with what a step of ours did to the flags of a message,
// so that it is no news.
func (c *connection) noteFlags(batch *journal.Batch, e journal.Entry, step int) {
	s := e.Steps[step]
	if s.State != journal.StepDone || s.Action.Kind.Spec().Phase != actions.PhaseFlags {
		return
	}
	changed := s.Action.Flags
	if s.Action.Kind == actions.SetFlags {
		changed = c.flaggedIn(e.Mailbox) // it takes away what it does not name
	}
	for _, f := range changed {
		has, _ := s.Action.Says(f)
		c.changeFlagged(batch, e.Mailbox, e.UIDValidity, f, []imap.UID{e.UID}, has)
	}
}

// flaggedIn are the flags of a mailbox of which there is a set.
func (a *account) flaggedIn(mailbox string) []imap.Flag {
	var out []imap.Flag
	for key, set := range a.flagged {
		if key.mailbox == mailbox {
			out = append(out, set.Flag)
		}
	}
	return out
}

// changeFlagged adds messages to the set of a flag, or takes them out, where there
// is one.
func (c *connection) changeFlagged(batch *journal.Batch, mailbox string, validity uint32, f imap.Flag, uids []imap.UID, add bool) {
	key := keyOf(mailbox, f)
	set, ok := c.flagged[key]
	i := slices.IndexFunc(batch.Flagged, func(b journal.Flagged) bool { return keyOf(b.Mailbox, b.Flag) == key })
	if i >= 0 {
		set = batch.Flagged[i]
	}
	if !ok || set.UIDValidity != validity {
		return
	}
	if add {
		set.UIDs = slices.Clone(set.UIDs)
		set.UIDs.AddNum(uids...)
	} else {
		gone := setOf(uids)
		set.UIDs = setOf(slices.DeleteFunc(uidsOf(set.UIDs), gone.Contains))
	}
	set.ModSeq = 0
	if i >= 0 {
		batch.Flagged[i] = set
		return
	}
	batch.Flagged = append(batch.Flagged, set)
}

// noteArrived is told of messages that are handled for the first time. A flag that
// one carries already was not added to it here, unless it came after the last scan:
// somebody was quicker than we.
func (c *connection) noteArrived(batch *journal.Batch, cursor journal.Cursor, all []*candidate) {
	for _, f := range flagsIn(c.flagRules(cursor.Mailbox)) {
		var old []imap.UID
		for _, m := range all {
			late := m.arrived == "" && m.fetched.Received.After(c.cursors.of(cursor.Mailbox).Scanned.Add(-flagSlack))
			if hasFlag(m.fetched.Flags, f) && !late {
				old = append(old, m.fetched.UID)
			}
		}
		if len(old) > 0 {
			c.changeFlagged(batch, cursor.Mailbox, cursor.UIDValidity, f, old, true)
		}
	}
}

// noteCopy is noteArrived for a copy of ours that COPYUID named: it has the flags
// of the message (RFC 9051 section 6.4.7).
func (c *connection) noteCopy(batch *journal.Batch, e journal.Entry, target string, validity uint32, uid imap.UID) {
	for _, f := range flagsIn(c.flagRules(target)) {
		if carries(e, f) {
			c.changeFlagged(batch, target, validity, f, []imap.UID{uid}, true)
		}
	}
}

// carries reports whether a message has a flag, as far as its entry tells.
func carries(e journal.Entry, f imap.Flag) bool {
	has := hasFlag(e.Flags, f)
	for _, s := range e.Steps {
		if now, told := s.Action.Says(f); s.State == journal.StepDone && told {
			has = now
		}
	}
	return has
}

// noteExcluded is noteArrived for messages that were never fetched: whatever flags
// they carry was not added. The next look at the flags takes those out again that
// carry none.
func (c *connection) noteExcluded(batch *journal.Batch, cursor journal.Cursor, uids []imap.UID) {
	for _, f := range flagsIn(c.flagRules(cursor.Mailbox)) {
		c.changeFlagged(batch, cursor.Mailbox, cursor.UIDValidity, f, uids, true)
	}
}

// renumberedFlags are the sets of a mailbox with the UIDs that its messages have
// now. ordered are those with the order of the known ones, which they kept. One that
// was handled and is not known counts as flagged: nobody can tell whether it was.
func (c *connection) renumberedFlags(name string, old, now uint32, before, ordered []journal.Known, handled []imap.UID) []journal.Flagged {
	was := map[int64]imap.UID{}
	for _, k := range before {
		was[k.Order] = k.UID
	}
	var out []journal.Flagged
	for _, key := range c.flagKeys() {
		set := c.flagged[key]
		if key.mailbox != name || old == 0 || set.UIDValidity != old {
			continue
		}
		var uids []imap.UID
		for _, k := range only(ordered, handled) {
			if uid, known := was[k.Order]; !known || set.UIDs.Contains(uid) {
				uids = append(uids, k.UID)
			}
		}
		set.UIDValidity, set.ModSeq, set.UIDs = now, 0, setOf(uids)
		out = append(out, set)
	}
	return out
}

// flagKeys are the keys of the sets, in order.
func (c *connection) flagKeys() []flagKey {
	return slices.SortedFunc(maps.Keys(c.flagged), func(a, b flagKey) int { return strings.Compare(a.mailbox+a.flag, b.mailbox+b.flag) })
}

// forgetFlags makes the sets void that no rule waits for any more, so that a rule
// which does so later starts from what is there then.
func (c *connection) forgetFlags(ctx context.Context) error {
	var batch journal.Batch
	for _, key := range c.flagKeys() {
		set := c.flagged[key]
		waited := slices.Contains(c.watched, set.Mailbox) && hasFlag(flagsIn(c.flagRules(set.Mailbox)), set.Flag)
		if set.UIDValidity != 0 && !waited {
			batch.Flagged = append(batch.Flagged, journal.Flagged{Mailbox: set.Mailbox, Flag: set.Flag})
		}
	}
	if len(batch.Flagged) == 0 {
		return nil
	}
	return c.commit(ctx, batch)
}
