package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	// paused targets now.
	Retry Verb = "retry"
	// Skip closes held, failed, unsure and waiting entries: nothing more is
	// done for them.
	Skip Verb = "skip"
)

// Selection chooses entries. Zero fields do not restrict.
type Selection struct {
	Account string    `json:"account,omitempty"`
	Mailbox string    `json:"mailbox,omitempty"`
	Rule    string    `json:"rule,omitempty"`
	UID     uint32    `json:"uid,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// request is a question to the owner of an account.
type request struct {
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
	select {
	case a.requests <- request{verb: verb, sel: sel, result: result}:
	case <-ended:
		return 0, fmt.Errorf("account %q is not running", a.cfg.Name)
	case <-ctx.Done():
		return 0, fmt.Errorf("account %q is busy: %w", a.cfg.Name, ctx.Err())
	}
	select {
	case r := <-result:
		return r.n, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// answer does what a request asks; it runs on the owner's goroutine.
func (a *account) answer(ctx context.Context, req request) {
	entries, err := selected(ctx, a.journal, a.cfg.Name, req.verb, req.sel)
	if err != nil {
		req.result <- amended{err: err}
		return
	}
	batch := journal.Batch{At: time.Now()}
	for _, e := range entries {
		batch.Entries = append(batch.Entries, amend(e, req.verb))
	}
	if req.verb == Retry {
		batch.Pauses = probeNow(a.pauses, req.sel.Mailbox, batch.At)
	}
	err = a.commit(ctx, batch)
	for _, e := range batch.Entries {
		if w, ok := a.open[e.Seq]; ok {
			w.look, w.generation, w.NextTry = true, 0, time.Time{}
		}
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
	entries, err := selected(ctx, j, account, verb, sel)
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
	if verb == Retry {
		pauses := map[string]journal.Pause{}
		for _, p := range snap.Pauses {
			pauses[p.Target] = p
		}
		batch.Pauses = probeNow(pauses, sel.Mailbox, batch.At)
	}
	return len(entries), j.Commit(ctx, own, batch)
}

// selected returns the entries that a verb may change.
func selected(ctx context.Context, j journal.Journal, account string, verb Verb, sel Selection) ([]journal.Entry, error) {
	entries, err := j.Entries(ctx, query(account, verb, sel))
	return slices.DeleteFunc(entries, func(e journal.Entry) bool {
		return sel.Mailbox != "" && !spelledAs(e.Mailbox, sel.Mailbox)
	}), err
}

// spelledAs compares a server's mailbox name with one that a user typed, who
// writes "/" between levels whatever the server does.
func spelledAs(server, typed string) bool {
	slashed := strings.ReplaceAll(server, ".", "/")
	return sameName(server, typed) || slashed == typed || strings.TrimPrefix(slashed, "INBOX/") == typed
}

// query selects the entries that a verb may change.
func query(account string, verb Verb, sel Selection) journal.Query {
	q := journal.Query{Account: account, Rule: sel.Rule, UID: sel.UID, Since: sel.Since}
	switch verb {
	case Confirm:
		q.States = []journal.EntryState{journal.Held}
	case Retry:
		q.States = []journal.EntryState{journal.Failed, journal.Unsure, journal.Open}
	case Skip:
		q.States = []journal.EntryState{journal.Held, journal.Failed, journal.Unsure, journal.Open}
	}
	return q
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
			if e.Steps[i].State == journal.StepFailed || e.Steps[i].State == journal.StepUnsure {
				e.Steps[i].State, e.Steps[i].Error = journal.Recorded, ""
			}
		}
	case Skip:
		e.State, e.Reason = journal.Skipped, "skipped by the user"
	}
	return e
}

func probeNow(pauses map[string]journal.Pause, mailbox string, now time.Time) []journal.Pause {
	var out []journal.Pause
	for _, p := range pauses {
		if mailbox == "" || spelledAs(p.Target, mailbox) {
			p.Probe = now
			out = append(out, p)
		}
	}
	return out
}
