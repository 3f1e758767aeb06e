package engine

import (
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
	"imapilot/rules"
	"imapilot/rules/facts"
)

// judgement is what a scan knows beforehand of the messages it decides.
type judgement struct {
	// began is when the scan did; last is set for its last batch.
	began time.Time
	last  bool
	hours int    // since the mailbox's last scan
	hold  string // why all of them are held, "" for ordinary mail
	// walk is which rules are asked, pass what they are asked for: nil for mail
	// that arrives.
	walk walk
	pass *pass
	// strangers: the journal says nothing of the places of these messages.
	strangers bool
	// doubt: what is done for them may have been done before, by a process of
	// which the journal tells nothing.
	doubt bool
}

// candidate is one fetched message on its way to a decision.
type candidate struct {
	fetched imapsession.Fetched
	message *facts.Message
	print   journal.Fingerprint
	// at is the clock of the decision, skip the rules that must not act, and why.
	at   time.Time
	skip map[string]string
	// unfound are those of them whose search did not find it.
	unfound map[string]string
	// hops counts our moves of it in the last 24 hours after which it left again.
	hops int
	// walk and doubt are those of the judgement.
	walk  walk
	doubt bool
	// again is set where it was decided before, acted are the rules that acted on
	// it since.
	again bool
	acted map[string]string
	// decision is what the rules say once nothing is missing; absent is set when
	// what they need did not come: the message stays pending.
	decision rules.Decision
	absent   bool
	entries  []journal.Entry
	// space is where entries lie, of which there is one in most cases.
	space [1]journal.Entry
	// include is what the calls that it owes are to say of it besides.
	include rules.Needs
	// entry is what was decided before, where that is decided again.
	entry *journal.Entry
	// arrived is the expected arrival that it fulfils, "" if none.
	arrived string
	// earlier is what the journal holds of its place, keep the entries of it that a
	// rule on a clock still needs; both are of a pass only.
	earlier []journal.Entry
	keep    []int64
	// octets counts what was fetched of the parts of its body.
	octets int
}

// process fetches, decides and records one batch of a mailbox. Messages whose
// items did not come back stay pending and are asked for again by the next
// scan, until a listing lacks them.
func (c *connection) process(ctx context.Context, name string, uids []imap.UID, j judgement) error {
	ruleset, generation := c.rulesOf(j.walk)
	box := c.ruleMailbox(name)
	fetched, err := c.fetchArrivals(ctx, uids, ruleset.Needs(c.cfg.Name, box))
	switch {
	case mailboxOnly(err) && len(uids) > 1:
		// Some servers refuse the lot for one bad message.
		return c.processHalves(ctx, name, uids, j)
	case mailboxOnly(err):
		c.log.Error("a message cannot be fetched; it stays pending", "mailbox", c.dir.config(name), "uid", uids[0], "error", err)
		c.state.mailbox(c.dir.config(name), func(m *MailboxStatus) { m.Error = fmt.Sprintf("UID %d: %v", uids[0], err) })
	case err != nil:
		return err
	}
	for _, uid := range lacking(uids, fetched) {
		c.notFetched(name, uid)
	}
	cursor := c.cursors.of(name)
	all := c.candidates(cursor, fetched, ruleset.Needs(c.cfg.Name, box).WholeHeader)
	switch err := c.decide(ctx, ruleset, cursor, all, j); {
	case errors.Is(err, errManyRaws):
		return c.processHalves(ctx, name, uids, j)
	case err != nil:
		return err
	}
	for _, m := range all {
		if m.absent {
			c.notFetched(name, m.fetched.UID)
		}
	}
	if j.last && c.unfetched == 0 {
		cursor.Scanned = j.began
	}
	return c.record(ctx, cursor, complete(all), generation)
}

// processHalves is process for messages that are too large together.
func (c *connection) processHalves(ctx context.Context, name string, uids []imap.UID, j judgement) error {
	last, left := j.last, len(uids)
	return halves(uids, func(half []imap.UID) error {
		left -= len(half)
		j.last = last && left == 0
		return c.process(ctx, name, half, j)
	})
}

// lacking are the messages that were asked for and did not come.
func lacking(uids []imap.UID, fetched []imapsession.Fetched) []imap.UID {
	came := map[imap.UID]bool{}
	for _, f := range fetched {
		came[f.UID] = true
	}
	return slices.DeleteFunc(slices.Clone(uids), func(uid imap.UID) bool { return came[uid] })
}

// notFetched notes a message that was announced, but is not to be fetched yet,
// or gone: a listing will tell.
func (c *connection) notFetched(name string, uid imap.UID) {
	if c.unfetched == 0 || uid < c.unfetched {
		c.unfetched = uid
	}
	c.later(name, c.timing.Unfetched)
}

// complete are the candidates of which everything came that the rules need.
func complete(all []*candidate) []*candidate {
	return slices.DeleteFunc(slices.Clone(all), func(m *candidate) bool { return m.absent })
}

func (c *connection) candidates(cursor journal.Cursor, fetched []imapsession.Fetched, whole bool) []*candidate {
	out := c.freshCandidates(fetched, whole)
	c.recognise(cursor, out)
	return out
}

// recognise gives each expected arrival to the message that fulfils it: exact
// matches first, so that a look-alike that came at the same time is not taken
// for ours and ours for new mail.
func (c *connection) recognise(cursor journal.Cursor, all []*candidate) {
	c.hear()
	claimed := map[string]bool{}
	for _, equal := range []func(a, b journal.Fingerprint) bool{identical, likely} {
		for _, m := range all {
			if m.arrived == "" {
				m.arrived = c.expectedBy(cursor, m, claimed, equal)
				claimed[m.arrived] = m.arrived != ""
			}
		}
	}
}

// expectedBy returns the expected arrival that a message fulfils: it lies in
// the target at or above the UIDNEXT recorded before the command.
func (c *connection) expectedBy(cursor journal.Cursor, m *candidate, claimed map[string]bool, equal func(a, b journal.Fingerprint) bool) string {
	for id, x := range c.expected {
		if claimed[id] || x.Mailbox != cursor.Mailbox || m.fetched.UID < x.UIDNext {
			continue
		}
		if x.UIDValidity != 0 && x.UIDValidity != cursor.UIDValidity {
			continue
		}
		if equal(x.Print, m.print) {
			return id
		}
	}
	return ""
}

// decide evaluates every candidate. Messages that we saw before and that came
// back are not acted on again by the rules that acted on them. Where it fails with
// errManyRaws nothing was counted, and the messages are to be decided in halves.
func (c *connection) decide(ctx context.Context, ruleset *rules.Ruleset, cursor journal.Cursor, all []*candidate, j judgement) error {
	now := time.Now()
	var acting []*candidate
	open := slices.DeleteFunc(slices.Clone(all), func(m *candidate) bool { return m.arrived != "" })
	for _, m := range open {
		m.at, m.doubt, m.walk = now, j.doubt, j.walk
	}
	if err := c.settle(ctx, ruleset, cursor, all, open); err != nil {
		return err
	}
	for _, m := range complete(open) {
		m.entries = c.entriesOf(cursor, m, m.decision, now)
		if len(m.decision.Plan.Items) > 0 {
			acting = append(acting, m)
		}
	}
	if j.pass != nil && !j.strangers {
		if err := c.lookUp(ctx, cursor, open); err != nil {
			return err
		}
	}
	skips, err := c.actedBefore(ctx, cursor, acting, j)
	if err != nil {
		return err
	}
	if err := c.decideAgain(ctx, ruleset, cursor, all, acting, skips); err != nil {
		return err
	}
	acting = complete(acting)
	if !c.planning && j.hold == "" {
		if err := includeCalls(acting); err != nil {
			return err
		}
	}
	if err := c.limit(ctx, ruleset, acting, j); err != nil || c.planning {
		return err
	}
	return c.includeOwed(ctx, cursor, acting, j)
}

// includeOwed fetches what the calls include that are still owed after the limits. A
// message of which it does not come is not recorded, and so does not count.
func (c *connection) includeOwed(ctx context.Context, cursor journal.Cursor, acting []*candidate, j judgement) error {
	if err := includeCalls(acting); err != nil {
		return err // they are no more than before the limits
	}
	if err := c.fetchIncluded(ctx, cursor, acting); err != nil {
		return err
	}
	lost := slices.DeleteFunc(slices.Clone(acting), func(m *candidate) bool { return !m.absent })
	if len(lost) == 0 {
		return nil
	}
	quota, err := c.quotaFor(ctx, j)
	if err != nil {
		return err
	}
	for _, m := range lost {
		for _, e := range m.entries {
			if item, leaves := e.Plan.Destination(); leaves && e.State == journal.Open {
				quota.giveBack(item.Rule)
			}
		}
	}
	return nil
}

// actedBefore returns, by UID, the rules that must not act on a message again,
// and why.
func (c *connection) actedBefore(ctx context.Context, cursor journal.Cursor, acting []*candidate, j judgement) (map[imap.UID]map[string]string, error) {
	if j.pass != nil {
		return c.actedInPass(ctx, cursor, acting, j.pass)
	}
	if j.walk.trigger == journal.TriggerFlags {
		return nil, nil // once for each flag that was seen to come
	}
	return c.cameBack(ctx, cursor, acting, func(journal.Entry, actions.Item) bool { return true })
}

// decideAgain decides the messages that came back without the rules that
// acted on them before.
func (c *connection) decideAgain(ctx context.Context, ruleset *rules.Ruleset, cursor journal.Cursor, all, acting []*candidate, skips map[imap.UID]map[string]string) error {
	back := slices.DeleteFunc(slices.Clone(acting), func(m *candidate) bool { return len(skips[m.fetched.UID]) == 0 })
	for _, m := range back {
		m.skip = merge(maps.Clone(m.unfound), skips[m.fetched.UID])
	}
	if err := c.settle(ctx, ruleset, cursor, all, back); err != nil {
		return err
	}
	for _, m := range complete(back) {
		m.entries = c.entriesOf(cursor, m, m.decision, m.at)
		if m.walk.kind() == journal.TriggerArrival {
			m.entries = keepWithReason(m, cursor, m.skip, m.entries, m.at)
		}
	}
	return nil
}

func (c *connection) evaluate(ruleset *rules.Ruleset, box rules.Mailbox, m *candidate) rules.Decision {
	return ruleset.Evaluate(rules.Input{
		Account: c.cfg.Name, Mailbox: box, Message: m.message, Now: m.at, Skip: m.skip,
	})
}

// entriesOf turns a decision into entries: one for what is done, one for what
// rules in dry run would do. A message that no rule wanted gets none.
func (c *connection) entriesOf(cursor journal.Cursor, m *candidate, d rules.Decision, now time.Time) []journal.Entry {
	if len(d.Verdicts) == 0 {
		return nil // every rule plainly said no
	}
	base := journal.Entry{
		Mailbox: cursor.Mailbox, UIDValidity: cursor.UIDValidity, UID: m.fetched.UID, Print: m.print,
		From: shown(fromOf(m.message.Header)), Subject: shown(m.message.Header.Subject()),
		Trigger: m.walk.kind(), Walk: m.walk.names, Occasion: m.walk.occasion, Run: m.walk.run,
		Decided: now, Flags: slices.Clone(m.fetched.Flags), Errors: errorsOf(d), Skipped: m.unfound,
	}
	out := m.space[:0]
	if len(d.Plan.Items) > 0 {
		e := base
		e.Plan, e.State = d.Plan, journal.Open
		noteLabels(&e, m)
		if c.isDryRun() {
			e.State = journal.DryRun
		}
		out = append(out, e)
	}
	if len(d.Dry.Items) > 0 {
		e := base
		e.Plan, e.State = d.Dry, journal.DryRun
		out = append(out, e)
	}
	if len(out) == 0 && len(base.Errors) > 0 {
		base.State, base.Reason = journal.Kept, "a rule could not be evaluated: "+strings.Join(sortedValues(base.Errors), "; ")
		out = append(out, base)
	}
	return out
}

// keepWithReason notes in the entries of a message which rules were skipped. A
// message that lost every action gets an entry that says why it was kept.
func keepWithReason(m *candidate, cursor journal.Cursor, skip map[string]string, entries []journal.Entry, now time.Time) []journal.Entry {
	if len(entries) == 0 {
		entries = []journal.Entry{{
			Mailbox: cursor.Mailbox, UIDValidity: cursor.UIDValidity, UID: m.fetched.UID, Print: m.print,
			From: shown(fromOf(m.message.Header)), Subject: shown(m.message.Header.Subject()),
			Trigger: journal.TriggerArrival, Decided: now, State: journal.Kept,
		}}
	}
	for i := range entries {
		entries[i].Skipped = skip
		if entries[i].Reason == "" {
			entries[i].Reason = strings.Join(sortedValues(skip), "; ")
		}
	}
	return entries
}

func sortedValues(m map[string]string) []string {
	var out []string
	for k, v := range m {
		out = append(out, k+": "+v)
	}
	slices.Sort(out)
	return out
}

func errorsOf(d rules.Decision) map[string]string {
	var out map[string]string
	for _, v := range d.Verdicts {
		if v.Err == nil {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[v.Rule] = v.Err.Error()
	}
	return out
}

func fromOf(h *facts.Header) string {
	list := h.Addresses("From")
	if len(list) == 0 {
		return ""
	}
	return list[0].Address
}

// shown makes a text of a message fit for a terminal: no control or format
// characters (which include the bidirectional ones), at most 200 bytes.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if !printable(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	for len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

// limit holds the entries that exceed their rule's limit, those of messages
// that were moved too often, and all of them when the scan is an import.
func (c *connection) limit(ctx context.Context, ruleset *rules.Ruleset, acting []*candidate, j judgement) error {
	if len(acting) == 0 {
		return nil
	}
	quota, err := c.quotaFor(ctx, j)
	if err != nil {
		return err
	}
	for _, m := range acting {
		for i := range m.entries {
			if m.entries[i].State == journal.Open {
				c.hold(ruleset, quota, &m.entries[i], m.hops, j)
			}
		}
	}
	return nil
}

func (c *connection) hold(ruleset *rules.Ruleset, quota *quota, e *journal.Entry, hops int, j judgement) {
	if j.hold != "" {
		e.State, e.Reason = journal.Held, j.hold
		return
	}
	item, ok := e.Plan.Destination()
	if !ok {
		return
	}
	if reason := tooManyHops(hops); reason != "" {
		e.State, e.Reason = journal.Held, reason
		return
	}
	rule, ok := ruleset.Rule(item.Rule)
	if !ok {
		return
	}
	if reason, ok := quota.take(rule, item.Action.Kind, e.Decided, j.hours); !ok {
		e.State, e.Reason = journal.Held, reason
	}
}

// quotaFor is what limits the rules: of a run its own count, else that of the last
// hour.
func (c *connection) quotaFor(ctx context.Context, j judgement) (*quota, error) {
	if j.pass != nil {
		return j.pass.quota, nil
	}
	err := c.loadQuota(ctx)
	return c.quota, err
}

// loadQuota counts what was taken away in the last hour, once a process.
func (a *account) loadQuota(ctx context.Context) error {
	if a.quota != nil {
		return nil
	}
	entries, err := a.journal.Entries(ctx, journal.Query{Account: a.cfg.Name, Since: time.Now().Add(-window)})
	if err != nil {
		return fmt.Errorf("counting recent moves: %w", err)
	}
	a.quota = newQuota(entries)
	return nil
}

// documentItems are what a plan hands over documents to.
func documentItems(p actions.Plan) []actions.Item {
	return filterItems(p, func(i *actions.Item) bool { return i.Action.Kind.Documents() })
}

// webhookItems are the calls that a plan owes.
func webhookItems(p actions.Plan) []actions.Item {
	return filterItems(p, func(i *actions.Item) bool { return i.Action.Kind == actions.Webhook })
}

func filterItems(p actions.Plan, keep func(*actions.Item) bool) (out []actions.Item) {
	all := p.Effective()
	for i := range all {
		if keep(&all[i]) {
			out = append(out, all[i])
		}
	}
	return out
}
