package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// record writes one decided batch: entries with their steps, the arrivals
// they will cause, the webhooks they owe, and the cursor. Only then may
// anything be sent.
func (c *connection) record(ctx context.Context, cursor journal.Cursor, all []*candidate, generation int) error {
	batch := journal.Batch{At: time.Now()}
	if err := c.learnTargets(ctx, all); err != nil {
		return err
	}
	known := journal.KnownBatch{Mailbox: cursor.Mailbox, UIDValidity: cursor.UIDValidity}
	var uids []imap.UID
	for _, m := range byUID(all) {
		uids = append(uids, m.fetched.UID)
		known.Messages = append(known.Messages, journal.Known{UID: m.fetched.UID, Print: m.print})
		batch.References = append(batch.References, referencesOf(cursor, m)...)
		if m.arrived != "" {
			batch.Arrived = append(batch.Arrived, m.arrived)
		}
		for i := range m.entries {
			if err := c.addEntry(ctx, &batch, &m.entries[i], m); err != nil {
				return err
			}
			if m.doubt {
				doubtCopies(batch.Entries[len(batch.Entries)-1].Steps)
			}
		}
	}
	handle(&cursor, uids)
	trim(&cursor, c.unfetched)
	batch.Cursors = []journal.Cursor{cursor}
	c.noteArrived(&batch, cursor, all)
	if len(known.Messages) > 0 {
		batch.Known = []journal.KnownBatch{known}
	}
	if err := c.commit(ctx, batch); err != nil {
		return err
	}
	c.decidedNow(batch.Entries, generation)
	c.observeKept(cursor.Mailbox, all)
	if len(all) > 0 {
		c.state.mailbox(c.dir.config(cursor.Mailbox), func(m *MailboxStatus) { m.LastMessage = batch.At })
	}
	for _, m := range all {
		for rule, why := range errorsOf(m.decision) {
			c.state.ruleError(rule, why)
		}
	}
	return nil
}

// byUID is the order of handling within a batch, whatever the order of the
// server's answers: of two deliveries the one with the lower UID is the first.
func byUID(all []*candidate) []*candidate {
	return slices.SortedFunc(slices.Values(all), func(a, b *candidate) int { return cmp.Compare(a.fetched.UID, b.fetched.UID) })
}

// addEntry adds what was decided of a message to a batch, with its steps and calls.
// Where it fails the batch is of no use any more.
func (c *connection) addEntry(ctx context.Context, batch *journal.Batch, decided *journal.Entry, m *candidate) error {
	batch.Entries = append(batch.Entries, *decided)
	e := &batch.Entries[len(batch.Entries)-1]
	e.Seq = c.seq()
	if e.State == journal.Open {
		c.addCalls(batch, *e, m, webhookItems(e.Plan))
		steps, err := c.steps(ctx, e, e.Plan.Effective())
		if err != nil {
			return err
		}
		e.Steps = steps
		conclude(e)
		c.addOutside(batch, e, m)
		batch.Expect = append(batch.Expect, c.expectations(*e)...)
	}
	return nil
}

// doubtCopies marks the copies of what waited when this process began. The
// journal may be an old one, restored from a backup, and the copies made long
// ago: it cannot know. So they are looked for first.
func doubtCopies(steps []journal.Step) {
	for i := range steps {
		steps[i].Doubt = steps[i].Action.Kind.Spec().Phase == actions.PhaseCopy
	}
}

// decidedNow remembers that the entries were decided by this process under
// the rules in force, so that their steps need not be decided again at once.
func (c *connection) decidedNow(entries []journal.Entry, generation int) {
	for _, e := range entries {
		if w, ok := c.open[e.Seq]; ok {
			w.generation, w.decided = generation, time.Now()
		}
	}
}

func (c *connection) observeKept(mailbox string, all []*candidate) {
	for _, m := range all {
		if len(m.entries) > 0 || m.arrived != "" {
			continue
		}
		c.engine.opts.Observe(Observation{Account: c.cfg.Name, At: time.Now(), Entry: journal.Entry{
			Mailbox: mailbox, UID: m.fetched.UID, Print: m.print,
			From: shown(fromOf(m.message.Header)), Subject: shown(m.message.Header.Subject()),
			Trigger: journal.TriggerArrival, Flags: m.fetched.Flags,
		}})
	}
}

// targetFresh is for how long UIDVALIDITY and UIDNEXT of a target are not asked for
// again. UIDNEXT only grows, so an old one is a sound lower bound for a copy, as
// long as COPYUID names all copies of ours.
const targetFresh = time.Minute

// knownStatus is a STATUS and when it was asked for.
type knownStatus struct {
	imapsession.Status
	at time.Time
}

// targetStatus returns UIDVALIDITY and UIDNEXT of a target, and zero and 1 when it
// does not exist yet.
func (c *connection) targetStatus(ctx context.Context, name string) (imapsession.Status, error) {
	if !c.dir.exists(name) {
		return imapsession.Status{UIDNext: 1}, nil
	}
	if st, ok := c.targets[name]; ok && time.Since(st.at) < targetFresh {
		return st.Status, nil
	}
	st, err := c.session.Status(ctx, name)
	return c.learnTarget(name, st, err)
}

func (c *connection) learnTarget(name string, st imapsession.Status, err error) (imapsession.Status, error) {
	if err != nil && !mailboxOnly(err) {
		return st, err
	}
	if err != nil || st.UIDNext == 0 {
		st.UIDNext = 1
	}
	if c.targets == nil {
		c.targets = map[string]knownStatus{}
	}
	c.targets[name] = knownStatus{st, time.Now()}
	return st, nil
}

const (
	// fewArrivals is for how many messages targets are asked about ahead.
	fewArrivals = 20
	// recentTargets is how many targets are remembered for that.
	recentTargets = 4
)

// expectTargets takes the mailboxes that the rules name for those used last, until
// some were used.
func (c *connection) expectTargets() {
	if len(c.recent) > 0 {
		return
	}
	for _, r := range c.watching().Rules() {
		for _, name := range r.Targets {
			target, reason := c.target(&actions.Action{Kind: actions.Copy, Mailbox: name}, "")
			if reason != "" {
				continue
			}
			if c.used(target); len(c.recent) == recentTargets {
				return
			}
		}
	}
}

// used notes that a target was used.
func (c *connection) used(target string) {
	if len(c.recent) > 0 && c.recent[0] == target {
		return
	}
	c.recent = append([]string{target}, slices.DeleteFunc(c.recent, func(t string) bool { return t == target })...)
	c.recent = c.recent[:min(len(c.recent), recentTargets)]
}

// targetSoon is how long before that they are asked for beside something else: what is
// fresh when messages are fetched has to be that when they are recorded.
const targetSoon = 10 * time.Second

// staleTargets are the targets used last of which nothing is known that stays fresh for
// long enough.
func (c *connection) staleTargets() []string {
	return slices.DeleteFunc(slices.Clone(c.recent), func(name string) bool {
		return name == c.selected || !c.dir.exists(name) || time.Since(c.targets[name].at) < targetFresh-targetSoon
	})
}

// learnTargets asks for the STATUS of all targets of some messages together.
func (c *connection) learnTargets(ctx context.Context, all []*candidate) error {
	var names []string
	seen := map[string]bool{}
	for _, m := range all {
		for _, e := range m.entries {
			for _, item := range e.Plan.Effective() {
				name, _ := c.target(item.Action, e.Mailbox)
				st, known := c.targets[name]
				if name == "" || seen[name] || e.State != journal.Open || known && time.Since(st.at) < targetFresh || !c.dir.exists(name) {
					continue
				}
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	if len(names) < 2 {
		return nil // one is asked for when it is needed
	}
	for i, r := range c.session.StatusAll(ctx, names) {
		if _, err := c.learnTarget(names[i], r.Status, r.Err); err != nil {
			return err
		}
	}
	return nil
}

// steps makes the chain of a message from the items of its plan. An item
// whose target cannot be resolved becomes a failed step, and then nothing
// after it is sent.
func (c *connection) steps(ctx context.Context, e *journal.Entry, items []actions.Item) ([]journal.Step, error) {
	var out []journal.Step
	for _, item := range items {
		if item.Action.Kind.Spec().Phase == actions.PhaseOutbox {
			continue
		}
		s := journal.Step{Action: item.Action, Rule: item.Rule, Hash: item.Hash, Index: item.Index, State: journal.Recorded, Adds: c.addition(*e, item)}
		target, reason := c.target(item.Action, e.Mailbox)
		if reason != "" {
			s.State, s.Error = journal.StepFailed, reason
		}
		if s.Target = target; target != "" && !journal.IsAbroad(target) {
			c.used(target)
			st, err := c.targetStatus(ctx, target)
			if err != nil {
				return nil, err
			}
			s.TargetValidity, s.TargetNext = st.UIDValidity, st.UIDNext
		}
		for _, s := range eachLabel(s) {
			if err := c.expectLabel(ctx, &s); err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// target resolves where an action leads, in the server's spelling; reason is
// set when it leads nowhere. One in another account is resolved when it is needed.
func (c *connection) target(a *actions.Action, source string) (target, reason string) {
	role := a.Role()
	switch {
	case a.Account != "":
		return journal.Abroad(a.Account, a.Mailbox), ""
	case role != "":
		name, ok := c.dir.byRole(role)
		if !ok {
			return "", fmt.Sprintf(`no mailbox has the \%s role or the usual name of one; use move with the mailbox's name`, strings.ToUpper(role[:1])+role[1:])
		}
		target = name
	case a.Kind == actions.Snooze:
		target = c.dir.server(c.cfg.Snooze)
	case a.Mailbox != "":
		target = c.dir.server(a.Mailbox)
	default:
		return "", ""
	}
	switch listed := c.dir.role(target); {
	case sameName(target, source):
		return "", "the message is in " + c.dir.config(target) + " already"
	case slices.Contains(virtualRoles(), listed):
		return "", fmt.Sprintf("the server shows in %s what is in other mailboxes (its role is %s): nothing can be filed there", c.dir.config(target), listed)
	}
	return target, ""
}

// virtualRoles are those of mailboxes whose messages are in other ones (RFC 6154
// section 2, RFC 8457).
func virtualRoles() []string { return []string{"all", "flagged", "important"} }

// expectations are the arrivals that an entry's steps will cause in mailboxes
// that are watched or were.
func (c *connection) expectations(e journal.Entry) []journal.Expected {
	var out []journal.Expected
	for i, s := range e.Steps {
		name := arrivesIn(e, s)
		if name == "" || journal.IsAbroad(name) || s.State != journal.Recorded || !c.isScanned(name) {
			continue
		}
		out = append(out, journal.Expected{
			ID: expectedID(e.Seq, i), Mailbox: name, UIDValidity: s.TargetValidity,
			UIDNext: s.TargetNext, Print: s.Arrives(e), Recorded: time.Now(),
		})
	}
	return out
}

func expectedID(seq int64, step int) string { return fmt.Sprintf("%d.%d", seq, step) }

// isScanned reports whether arrivals in a mailbox are looked at. A mailbox
// that does not exist yet counts when the watch patterns will match it.
func (c *connection) isScanned(name string) bool {
	if c.cursors.of(name).UIDValidity != 0 {
		return true
	}
	return slices.ContainsFunc(c.cfg.Watch, func(p string) bool { return c.mayMatch(p, name) }) &&
		!slices.ContainsFunc(c.cfg.Except, func(p string) bool { return c.mayMatch(p, name) })
}

// mayMatch reports whether a pattern of watch or except is for a mailbox that may not
// exist yet. What imapilot makes it subscribes to.
func (c *connection) mayMatch(pattern, name string) bool {
	role, isRole := strings.CutPrefix(pattern, "role:")
	return pattern == config.Subscribed || isRole && c.dir.role(name) == role || matches(pattern, c.dir.config(name))
}

// addCalls adds the webhook calls that an entry owes to a batch.
func (c *connection) addCalls(batch *journal.Batch, e journal.Entry, m *candidate, items []actions.Item) {
	for _, item := range items {
		d := c.delivery(e, m, item)
		batch.Deliveries = append(batch.Deliveries, d)
		addRaw(batch, d.ID, m, item.Action)
	}
}

// delivery is what is owed for one item. Its ID depends on the message, the rule and
// the action alone.
func (c *connection) delivery(e journal.Entry, m *candidate, item actions.Item) journal.Delivery {
	id, state := c.deliveryID(e, item), journal.Pending
	if item.Action.When == actions.WhenDone {
		state = journal.Waiting
	}
	return journal.Delivery{
		ID: id, Account: c.cfg.Name, Endpoint: item.Action.Endpoint, Rule: item.Rule, Seq: e.Seq, About: aboutOf(e), Sender: senderOf(m),
		Payload: c.payload(id, e, m, item), URL: item.Action.URL, Created: e.Decided, Next: e.Decided, State: state,
	}
}

// senderOf is the address that a message is from.
func senderOf(m *candidate) string {
	for _, a := range m.message.Header.Addresses("From") {
		return strings.ToLower(a.Address)
	}
	return ""
}

// aboutOf names the message of an entry as the journal groups calls.
func aboutOf(e journal.Entry) string { return fmt.Sprintf("%s %d %d", e.Mailbox, e.UIDValidity, e.UID) }

func (c *connection) deliveryID(e journal.Entry, item actions.Item) string {
	return idOf(e, item, fmt.Appendf(nil, "%q %q %d %d %q %d %q",
		c.cfg.Name, e.Mailbox, e.UIDValidity, e.UID, item.Rule, item.Index, item.Action.Endpoint))
}

// idOf is an id that is the same for the same text, occasion and program.
func idOf(e journal.Entry, item actions.Item, of []byte) string {
	if e.Occasion != "" {
		// A rule that acts on a message again makes another call.
		of = fmt.Appendf(of, " %q %q", e.Trigger, e.Occasion)
	}
	if e.Occasion == applyOccasion {
		// It does so for what it says now.
		of = fmt.Appendf(of, " %q", item.Hash)
	}
	if command := item.Action.Command; command != nil {
		of = fmt.Appendf(of, " %q", command.Argv) // another program is another call
		if command.Stdin != "" {
			of = fmt.Appendf(of, " %q", command.Stdin)
		}
	}
	if item.Action.Save != nil {
		of = append(of, savingID(item.Action.Save)...) // so are other files
	}
	if letter := item.Action.Letter; letter != nil {
		of = fmt.Appendf(of, " %q", letter.Tells())
	}
	sum := sha256.Sum256(of)
	return "msg_" + hex.EncodeToString(sum[:16])
}

func (c *connection) payload(id string, e journal.Entry, m *candidate, item actions.Item) []byte {
	if item.Action.JSON != nil {
		return item.Action.JSON
	}
	doc := webhook.Message{
		ID: id, Rule: item.Rule, Title: item.Action.Title, Body: item.Action.Body, Account: c.cfg.Name, Mailbox: c.dir.config(e.Mailbox),
		UIDValidity: e.UIDValidity, UID: uint32(e.UID), Subject: m.message.Header.Subject(),
		MessageID: e.Print.MessageID, Sent: m.message.Header.Sent(), Received: m.fetched.Received, Size: m.fetched.Size,
		Included: includedOf(m.message, item.Action.Include),
	}
	for _, a := range m.message.Header.Addresses("From") {
		doc.From = append(doc.From, webhook.Address{Name: a.Name, Address: a.Address})
	}
	for _, a := range m.message.Header.Addresses("To") {
		doc.To = append(doc.To, webhook.Address{Name: a.Name, Address: a.Address})
	}
	for _, f := range e.Flags {
		doc.Flags = append(doc.Flags, string(f))
	}
	for _, item := range e.Plan.Effective() {
		doc.Planned = append(doc.Planned, item.Action.String())
	}
	return webhook.Payload(doc)
}
