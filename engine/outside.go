package engine

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"imapilot/actions"
	"imapilot/actions/webhook"
	"imapilot/engine/journal"
)

// A step that leaves the mailbox is done by the outbox, as a delivery whose endpoint is
// the word of the action. It waits for the steps before it, and the steps behind it
// wait for it, for as long as the schedule of its attempts lasts; it spends no tries of
// the message and stops no other one. A step whose delivery is given up has failed: a
// retry of the entry has it attempted anew, but for one that was replayed and
// delivered since, which is done.

// outside reports whether the next step of an entry is done by the outbox.
func (w *task) outside() bool {
	i := w.Next()
	return i >= 0 && w.Steps[i].Action.Kind.Outside()
}

// isOutside reports whether an endpoint is no webhook: its deliveries are steps.
func isOutside(endpoint string) bool { return actions.Kind(endpoint).Outside() }

// outsideDocument is what such a delivery says: the document of a webhook, and what is
// run, or what is done.
type outsideDocument struct {
	webhook.Message
	Command *actions.Command `json:"command"`
	Action  actions.Action   `json:"action"`
}

// addOutside adds the deliveries of those steps of an entry to a batch that have none
// yet. One that is the next step is due at once.
func (c *connection) addOutside(batch *journal.Batch, e *journal.Entry, m *candidate) {
	for i := range e.Steps {
		s := &e.Steps[i]
		if !s.Action.Kind.Outside() || s.State != journal.Recorded || s.Delivery != "" {
			continue
		}
		named := *s.Action
		named.Endpoint = string(s.Action.Kind)
		d := c.delivery(*e, m, actions.Item{Action: &named, Rule: s.Rule, Hash: s.Hash, Index: s.Index})
		d.Payload = withAction(d.Payload, s.Action)
		if s.Action.Kind == actions.Reply {
			d.Sender = replySender(m)
		}
		if e.State != journal.Open || i != e.Next() {
			d.State = journal.Waiting
		}
		s.Delivery = d.ID
		batch.Deliveries = append(batch.Deliveries, d)
		addRaw(batch, d.ID, m, s.Action)
	}
}

// withAction adds what is done to a document, which is an object with members. A
// program reads the document, and finds its command there.
func withAction(document []byte, a *actions.Action) []byte {
	name, value := "action", any(a)
	if a.Kind == actions.Exec {
		name, value = "command", a.Command
	}
	what, err := json.Marshal(value)
	if err != nil {
		panic(err) // it has texts and numbers only
	}
	out := append(slices.Clone(document[:len(document)-1]), `,"`+name+`":`...)
	return append(append(out, what...), '}')
}

// outsideReleases begins what is the next step of an entry, and cancels what is not
// delivered of steps that will not be done.
func outsideReleases(e journal.Entry) []journal.Release {
	wanted := map[string]bool{}
	for _, s := range e.Steps {
		if s.State != journal.StepReplaced && !isCancelling(e.State) {
			wanted[s.Delivery] = true
		}
	}
	var out []journal.Release
	for i, s := range e.Steps {
		switch {
		case s.Delivery == "":
		case !wanted[s.Delivery]:
			out = append(out, journal.Release{Seq: e.Seq, ID: s.Delivery, State: journal.Cancelled, From: undelivered()})
		case e.State == journal.Open && i == e.Next():
			out = append(out, journal.Release{Seq: e.Seq, ID: s.Delivery, State: journal.Pending})
		}
	}
	return out
}

// isCancelling reports whether nothing more is done for an entry in a state.
func isCancelling(s journal.EntryState) bool {
	switch s {
	case journal.Gone, journal.Kept, journal.Withdrawn, journal.Skipped, journal.DryRun, journal.Undone:
		return true
	}
	return false
}

func undelivered() []journal.DeliveryState {
	return []journal.DeliveryState{journal.Waiting, journal.Pending, journal.Dead}
}

// outsideAgain has the next steps of entries attempted at once that a user retries: those
// that were given up begin their schedule anew.
func outsideAgain(entries []journal.Entry) []journal.Release {
	var out []journal.Release
	for _, e := range entries {
		if i := e.Next(); e.State == journal.Open && i >= 0 && e.Steps[i].Delivery != "" {
			out = append(out, journal.Release{Seq: e.Seq, ID: e.Steps[i].Delivery, State: journal.Pending,
				From: []journal.DeliveryState{journal.Waiting, journal.Pending, journal.Dead, journal.Cancelled}})
		}
	}
	return out
}

// news are the IDs of deliveries of which the outbox knows more than the owner of the
// account.
type news struct {
	mu  sync.Mutex
	all bool
	ids map[string]bool
}

// tell says that a delivery reached its end; "" is any.
func (n *news) tell(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all = n.all || id == ""; n.ids == nil {
		n.ids = map[string]bool{}
	}
	n.ids[id] = true
}

// tellOutside wakes the owner of the account where a step came to its end.
func (a *account) tellOutside(d journal.Delivery) {
	if isOutside(d.Endpoint) {
		a.news.tell(d.ID)
		a.wake.work()
	}
}

// take returns what was told since the last call.
func (n *news) take() (all bool, ids map[string]bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all, ids = n.all, n.ids
	n.all, n.ids = false, nil
	return all, ids
}

// learnOutside writes into entries what became of their next steps, where the outbox
// has news of it. Where it was not told, as after a restart, it asks of all.
func (c *connection) learnOutside(ctx context.Context) (err error) {
	all, ids := c.news.take()
	if !all && len(ids) == 0 {
		return nil
	}
	defer func() {
		if err != nil {
			c.news.tell("")
		}
	}()
	if err := c.written(); err != nil {
		return err
	}
	var learned []journal.Entry
	for _, w := range c.open {
		if !w.outside() || !all && !ids[w.step().Delivery] {
			continue
		}
		e := cloneEntry(w.Entry)
		changed, err := c.learn(ctx, &e)
		if err != nil {
			return err
		}
		if changed {
			learned = append(learned, e)
		}
	}
	if len(learned) == 0 {
		return nil
	}
	return c.commit(ctx, c.closing(learned...))
}

// learn reports whether there is something to write of an entry whose next step the
// outbox does.
func (c *connection) learn(ctx context.Context, e *journal.Entry) (bool, error) {
	i, now := e.Next(), time.Now()
	found, err := c.journal.Deliveries(ctx, journal.DeliveryQuery{Account: c.cfg.Name, ID: e.Steps[i].Delivery, Bare: true, Limit: 1})
	if err != nil {
		return false, err
	}
	if len(found) == 0 || e.Steps[i].Delivery == "" {
		fail(e, i, "the journal does not hold its attempts any more", now)
		return true, nil
	}
	switch d := found[0]; d.State {
	case journal.Delivered:
		settle(e, i, actions.Outcome{UID: e.UID, State: actions.Done}, now)
		e.Steps[i].Error = d.LastError // why nothing was sent
	case journal.Dead:
		fail(e, i, d.LastError, now)
	case journal.Cancelled:
		fail(e, i, "it was cancelled", now)
	case journal.Waiting: // nothing is before it: it is begun with the entry
	default:
		return false, nil
	}
	return true, nil
}

// finishOutside lets what leaves the mailbox be tried, and does what comes after it, for
// a process that is no daemon.
func (c *connection) finishOutside(ctx, work context.Context) error {
	for ctx.Err() == nil && slices.ContainsFunc(c.tasks(), (*task).outside) {
		if c.outbox.drain(ctx, work, c.outbox.programs()) == 0 {
			return nil
		}
		if err := c.apply(ctx, work); err != nil {
			return err
		}
	}
	return nil
}

func (a *account) tasks() []*task {
	var out []*task
	for _, w := range a.open {
		out = append(out, w)
	}
	return out
}
