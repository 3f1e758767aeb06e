package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// prepareTarget creates the target of a group when it is missing. It returns
// true when the group has to wait.
func (c *connection) prepareTarget(ctx context.Context, group []*task) (bool, error) {
	step := group[0].step()
	if group[0].isAbroad() {
		return c.prepareAbroad(ctx, group)
	}
	target := leadsTo(*step)
	if target == "" || c.dir.exists(target) {
		return false, nil
	}
	if c.cfg.NoCreate {
		return true, c.pauseTarget(ctx, target, "it does not exist, and create: false keeps imapilot from making it", c.timing.Probe)
	}
	if c.createdToday(step.Rule) >= createsPerDay {
		reason := fmt.Sprintf("rule %q created %d mailboxes in 24 h, the most it may; this one waits", step.Rule, createsPerDay)
		return true, c.pauseTarget(ctx, target, reason, time.Hour)
	}
	err := c.create(ctx, target)
	switch {
	case mailboxOnly(err):
		return true, c.pauseTarget(ctx, target, "it does not exist and cannot be created: "+reasonOf(err), c.timing.Probe)
	case err != nil:
		return true, err
	}
	c.dir.add(target)
	// What imapilot created starts empty, whatever is found there later.
	return false, c.commit(ctx, journal.Batch{
		Entries: c.aimedAt(target), Expect: c.expectedIn(target),
		Created: []journal.Creation{{Rule: step.Rule, Mailbox: target, At: time.Now()}},
		Events:  []journal.Event{{Kind: "created", Mailbox: target, Rule: step.Rule, Text: c.dir.config(target) + ": created by rule " + step.Rule}},
	})
}

// aimedAt are the open entries that lead to a mailbox which was just made: copies
// of theirs in one of that name before went away with it, and any there is now is
// new.
func (c *connection) aimedAt(target string) []journal.Entry {
	var out []journal.Entry
	for _, w := range c.open {
		e, changed := cloneEntry(w.Entry), false
		for i, s := range e.Steps {
			if s.State == journal.Recorded && s.Target == target && s.TargetValidity != 0 {
				e.Steps[i].TargetValidity, e.Steps[i].TargetNext, changed = 0, 1, true
			}
		}
		if changed {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b journal.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// expectedIn are the arrivals that are expected in a mailbox which was just made.
func (c *connection) expectedIn(target string) []journal.Expected {
	var out []journal.Expected
	for _, id := range slices.Sorted(maps.Keys(c.expected)) {
		if x := c.expected[id]; x.Mailbox == target && x.UIDValidity != 0 {
			x.UIDValidity, x.UIDNext = 0, 1
			out = append(out, x)
		}
	}
	return out
}

// create makes a mailbox and subscribes to it. One that somebody else made in
// the meantime is as good.
func (c *connection) create(ctx context.Context, name string) error {
	err := c.session.Create(ctx, name)
	var e *imapsession.Error
	if errors.As(err, &e) && e.Code != "ALREADYEXISTS" {
		// Not every server says ALREADYEXISTS: one that exists answers STATUS.
		if _, statusErr := c.session.Status(ctx, name); statusErr != nil {
			return err
		}
	}
	if err := c.session.Subscribe(ctx, name); err != nil && !mailboxOnly(err) {
		return err
	}
	return nil
}

func (a *account) createdToday(rule string) int {
	n := 0
	for _, made := range a.created {
		if made.Rule == rule && time.Since(made.At) < 24*time.Hour {
			n++
		}
	}
	return n
}

// lane is the mailbox that a refusal of the next step pauses: its target, that of the
// label that it adds, or the message's own mailbox.
func (w *task) lane() string {
	return cmp.Or(leadsTo(*w.step()), w.Mailbox)
}

// mailbox is the selected mailbox as an action sees it.
type mailbox struct {
	c    *connection
	name string
	step string // the target of the step under way
	// tasks are those whose step it is.
	tasks group
	// ahead is the answer to the first command, where it was sent with others.
	ahead *imapsession.Changed
	// flight is what became of the commands before it in its flight.
	flight []landed
}

// answered takes the answer to a command that was sent ahead.
func (m *mailbox) answered() (imapsession.Changed, bool) {
	if m.ahead == nil {
		return imapsession.Changed{}, false
	}
	out := *m.ahead
	m.ahead = nil
	return out, true
}

func (m *mailbox) Can() actions.Can {
	caps := m.c.session.Capabilities()
	return actions.Can{Move: caps.Move, UIDPlus: caps.UIDPlus, Aside: m.c.aside()}
}

func (m *mailbox) Store(ctx context.Context, uids imap.UIDSet, op imap.StoreFlagsOp, flags []imap.Flag) error {
	if sent, ok := m.answered(); ok {
		return sent.Err
	}
	return m.c.session.Store(ctx, uids, op, flags)
}

func (m *mailbox) Label(ctx context.Context, uids imap.UIDSet, add bool, labels []string) error {
	if sent, ok := m.answered(); ok {
		return sent.Err
	}
	return m.c.session.StoreLabels(ctx, uids, add, labels)
}

func (m *mailbox) Copy(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	if sent, ok := m.answered(); ok {
		return sent.Pairs, sent.Err
	}
	return m.c.session.Copy(ctx, uids, target)
}

func (m *mailbox) Move(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	sent, ok := m.answered()
	if !ok {
		sent.Pairs, sent.Err = m.c.session.Move(ctx, uids, target)
	}
	moved, err := sent.Pairs, sent.Err
	if err == nil {
		m.c.fallbacks.worked("MOVE")
	}
	return moved, err
}

func (m *mailbox) Expunge(ctx context.Context, uids imap.UIDSet) error {
	err := m.c.session.Expunge(ctx, uids)
	if err == nil {
		m.c.fallbacks.worked("UIDPLUS")
	}
	return err
}

func (m *mailbox) Present(ctx context.Context, uids imap.UIDSet) (imap.UIDSet, error) {
	return m.c.there(ctx, uids)
}

// Find looks for the copies of messages of this mailbox whose steps are under
// way, and selects this mailbox again.
func (m *mailbox) Find(ctx context.Context, target string, refs []actions.MessageRef) (map[imap.UID]imap.UID, error) {
	found, err := m.find(ctx, target, refs)
	for uid := range found.weak {
		if found.weak[uid] {
			delete(found.uids, uid) // no proof that anything may be removed
		}
	}
	return found.uids, err
}

func (m *mailbox) Arrived(ctx context.Context, target string, refs []actions.MessageRef) (map[imap.UID]imap.UID, error) {
	found, err := m.find(ctx, target, refs)
	return found.uids, err
}

func (m *mailbox) find(ctx context.Context, target string, refs []actions.MessageRef) (copies, error) {
	validity := m.c.validity
	// The copies of an earlier flight are claimed once the journal has them.
	if err := m.c.written(); err != nil {
		return copies{}, err
	}
	found, err := m.c.copies(ctx, target, m.wanting(target, refs), m.taken(target))
	if err != nil {
		return copies{}, err
	}
	return found, m.c.back(ctx, m.name, validity)
}

// Transfer carries a message to another account. Nothing of it is kept in memory
// afterwards.
func (m *mailbox) Transfer(ctx context.Context, ref actions.MessageRef, account, target string) (imap.UID, error) {
	w := m.tasks[0]
	if w.isCarried() {
		return w.step().TargetUID, nil
	}
	whole, err := m.whole(ctx, ref.UID)
	if err != nil {
		return 0, err
	}
	g, err := m.c.guest(ctx, account)
	if err != nil {
		return 0, err
	}
	uid, err := g.append(ctx, target, whole)
	if err != nil || uid == 0 || !w.step().Action.Kind.Spec().Destination {
		return uid, m.c.guestFailed(account, err)
	}
	return uid, m.c.noteCarried(ctx, w, uid)
}

// notFound is the error of a message that did not come.
func (m *mailbox) notFound(ctx context.Context, uid imap.UIDSet) error {
	there, err := m.Present(ctx, uid)
	switch {
	case err != nil:
		return err
	case len(there) > 0:
		return m.c.notGiven(there)
	}
	return actions.ErrGone
}

// FindThere is Find: the step under way says which account.
func (m *mailbox) FindThere(ctx context.Context, _, _ string, refs []actions.MessageRef) (map[imap.UID]imap.UID, error) {
	return m.Find(ctx, m.step, refs)
}

// wanting are the tasks of messages whose next step leads to a target.
func (m *mailbox) wanting(target string, refs []actions.MessageRef) []*task {
	asked := map[imap.UID]bool{}
	for _, ref := range refs {
		asked[ref.UID] = true
	}
	var out []*task
	for _, w := range m.c.open {
		if asked[w.UID] && w.Mailbox == m.name && w.UIDValidity == m.c.validity && w.Next() >= 0 && w.step().Target == target {
			out = append(out, w)
		}
	}
	return out
}

// taken are the copies that commands of the same flight made in a target.
func (m *mailbox) taken(target string) map[imap.UID]bool {
	out := map[imap.UID]bool{}
	for _, l := range m.flight {
		for _, o := range l.outcomes {
			if l.group[0].step().Target == target {
				out[o.Target] = true
			}
		}
	}
	return out
}

var _ actions.Mailbox = (*mailbox)(nil)
