package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// Verb is what a user asks of entries that do not go on by themselves.
type Verb string

// The verbs.
const (
	// Confirm decides held entries again and then acts.
	Confirm Verb = "confirm"
	// Retry tries failed and unsure entries again, after a look, and probes
	// paused targets now. A step that leaves the mailbox is attempted at once, with a
	// schedule that begins anew where it was given up, unless it was replayed and
	// delivered since: then it is done.
	Retry Verb = "retry"
	// Skip closes held, failed, unsure and waiting entries: nothing more is
	// done for them.
	Skip Verb = "skip"
)

// States are the states of the entries that a verb may change.
func (v Verb) States() []journal.EntryState {
	switch v {
	case Confirm:
		return []journal.EntryState{journal.Held}
	case Retry:
		return []journal.EntryState{journal.Failed, journal.Unsure, journal.Open}
	case Skip:
		return []journal.EntryState{journal.Held, journal.Failed, journal.Unsure, journal.Open}
	}
	return nil
}

// Selection chooses entries. Zero fields do not restrict.
type Selection struct {
	Account string `json:"account,omitempty"`
	// Mailbox is spelled as in [journal.SpelledAs].
	Mailbox string `json:"mailbox,omitempty"`
	Rule    string `json:"rule,omitempty"`
	// MessageID may lack its angle brackets.
	MessageID string `json:"message_id,omitempty"`
	UID       uint32 `json:"uid,omitempty"`
	// Seqs name entries of one account, at most [journal.MaxSeqs].
	Seqs     []int64              `json:"seqs,omitempty"`
	Outcomes []journal.EntryState `json:"outcomes,omitempty"`
	// Since and Until compare with when an entry was last written. With Until
	// nothing is changed that the user was not shown.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Query is the selection as a question to the journal about one account.
func (s Selection) Query(account string) journal.Query {
	return journal.Query{
		Account: account, Spelled: s.Mailbox, Rule: s.Rule, MessageID: s.MessageID, UID: s.UID,
		Seqs: s.Seqs, States: s.Outcomes, Since: s.Since, Until: s.Until,
	}
}

// narrow reports whether a selection says more than where.
func (s Selection) narrow() bool {
	return s.Rule != "" || s.MessageID != "" || s.UID != 0 || len(s.Seqs) > 0 || len(s.Outcomes) > 0 || !s.Since.IsZero()
}

// request is a question to the owner of an account, or a run for it to do.
type request struct {
	pass   *pass
	verb   Verb
	sel    Selection
	result chan<- amended
}

type amended struct {
	n   int
	err error
}

// ask hands a request to the owner and waits for the answer. ended is closed
// when the owner is gone.
func (a *account) ask(ctx context.Context, ended <-chan struct{}, verb Verb, sel Selection) (int, error) {
	result := make(chan amended, 1)
	if err := a.request(ctx, ended, request{verb: verb, sel: sel, result: result}); err != nil {
		return 0, err
	}
	select {
	case r := <-result:
		return r.n, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-ended:
		return a.lastWord(result)
	}
}

// request leaves a request for the owner, and wakes it.
func (a *account) request(ctx context.Context, ended <-chan struct{}, req request) error {
	select {
	case a.requests <- req:
		a.wake.work()
		return nil
	case <-ended:
		return fmt.Errorf("account %q is not running", a.cfg.Name)
	case <-ctx.Done():
		return fmt.Errorf("account %q is busy: %w", a.cfg.Name, ctx.Err())
	}
}

// lastWord is the answer of an owner that is gone, which may have been its last act.
func (a *account) lastWord(result <-chan amended) (int, error) {
	select {
	case r := <-result:
		return r.n, r.err
	default:
		return 0, fmt.Errorf("account %q is not running", a.cfg.Name)
	}
}

// answer does what a request asks; it runs on the owner's goroutine.
func (a *account) answer(ctx context.Context, req request) {
	if req.pass != nil {
		req.result <- amended{err: a.accept(req.pass)}
		return
	}
	entries, err := Amendable(ctx, a.journal, a.cfg.Name, req.verb, req.sel)
	if err != nil {
		req.result <- amended{err: err}
		return
	}
	batch := journal.Batch{At: time.Now()}
	for _, e := range entries {
		batch.Entries = append(batch.Entries, amend(e, req.verb))
	}
	if req.verb == Retry {
		batch.Release = outsideAgain(batch.Entries)
		batch.Pauses = probeNow(slices.Collect(maps.Values(a.pauses)), req.sel, entries, batch.At)
	}
	err = a.commit(ctx, batch)
	for _, e := range batch.Entries {
		if w, ok := a.open[e.Seq]; ok {
			w.look, w.generation, w.NextTry = true, 0, time.Time{}
			a.news.tell("") // it may have been replayed, and delivered
		}
	}
	if errors.Is(err, journal.ErrUnknown) || errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrFenced) {
		a.stale = err // memory and journal disagree
	}
	a.wake.work()
	req.result <- amended{n: len(entries), err: err}
}

// AmendOffline does what Engine.Amend does when no daemon runs: it takes the
// leases of the accounts itself. The next run acts on what it leaves.
func AmendOffline(ctx context.Context, j journal.Journal, holder string, accounts []string, verb Verb, sel Selection) (int, error) {
	total := 0
	for _, name := range accounts {
		if sel.Account != "" && sel.Account != name {
			continue
		}
		n, err := amendOne(ctx, j, holder, name, verb, sel)
		if err != nil {
			return total, fmt.Errorf("account %q: %w", name, err)
		}
		total += n
	}
	return total, nil
}

func amendOne(ctx context.Context, j journal.Journal, holder, account string, verb Verb, sel Selection) (int, error) {
	entries, err := Amendable(ctx, j, account, verb, sel)
	if err != nil {
		return 0, err
	}
	own, snap, err := j.Acquire(ctx, account, holder)
	if err != nil {
		return 0, err
	}
	batch := journal.Batch{At: time.Now()}
	for _, e := range entries {
		e = amend(e, verb)
		e.Updated = batch.At
		batch.Entries = append(batch.Entries, e)
	}
	batch.Release = releases(batch.Entries, func(server string) string { return server })
	if verb == Retry {
		batch.Release = append(batch.Release, outsideAgain(batch.Entries)...)
		batch.Pauses = probeNow(snap.Pauses, sel, entries, batch.At)
	}
	return len(entries), j.Commit(ctx, own, batch)
}

// EntryReader is what finds entries: a journal, or one that is only read.
type EntryReader interface {
	Entries(ctx context.Context, q journal.Query) ([]journal.Entry, error)
}

// Amendable returns the entries of an account that a verb would change, in
// order of their sequence.
func Amendable(ctx context.Context, j EntryReader, account string, verb Verb, sel Selection) ([]journal.Entry, error) {
	if len(sel.Seqs) > journal.MaxSeqs {
		return nil, fmt.Errorf("at most %d entries can be named at once", journal.MaxSeqs)
	}
	q := sel.Query(account)
	q.States = slices.DeleteFunc(verb.States(), func(s journal.EntryState) bool {
		return len(sel.Outcomes) > 0 && !slices.Contains(sel.Outcomes, s)
	})
	if len(q.States) == 0 {
		return nil, nil // no state would mean any
	}
	return j.Entries(ctx, q)
}

// amend changes one entry as a verb asks. A held entry loses its plan, so that
// everything that the next decision wants counts as new.
func amend(e journal.Entry, verb Verb) journal.Entry {
	e = cloneEntry(e)
	switch verb {
	case Confirm:
		e.State, e.Reason, e.Plan, e.Steps = journal.Open, "", actions.Plan{}, nil
	case Retry:
		e.State, e.Reason, e.Tries, e.NextTry = journal.Open, "", 0, time.Time{}
		for i := range e.Steps {
			if e.Steps[i].State == journal.StepUnsure {
				// Its target may have been renumbered: the copy is looked for in all
				// of it.
				e.Steps[i].TargetValidity, e.Steps[i].TargetNext = 0, 1
			}
			if e.Steps[i].State == journal.StepFailed || e.Steps[i].State == journal.StepUnsure {
				e.Steps[i].State, e.Steps[i].Error = journal.Recorded, ""
			}
		}
	case Skip:
		e.State, e.Reason = journal.Skipped, "skipped by the user"
	}
	return e
}

// probeNow returns the pauses that a retry has probed at once: those of the
// mailboxes that were selected, and where single messages were, those that
// stand in their way.
func probeNow(pauses []journal.Pause, sel Selection, entries []journal.Entry, now time.Time) []journal.Pause {
	var out []journal.Pause
	for _, p := range pauses {
		stops := func(e journal.Entry) bool { return inTheWay(p, e) }
		chosen := sel.Mailbox == "" || journal.SpelledAs(p.Target, sel.Mailbox)
		if chosen && !sel.narrow() || slices.ContainsFunc(entries, stops) {
			p.Probe = now
			out = append(out, p)
		}
	}
	return out
}

// inTheWay reports whether a pause keeps an entry from going on.
func inTheWay(p journal.Pause, e journal.Entry) bool {
	return p.Target == "" || sameName(p.Target, e.Mailbox) ||
		slices.ContainsFunc(e.Steps, func(s journal.Step) bool { return s.Target != "" && sameName(s.Target, p.Target) })
}
