package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"imapilot/engine/journal"
)

// errNotReady is why an account cannot be told of a message.
var errNotReady = errors.New("it is just beginning")

// owners are the accounts that run in this process, and the leases of those that do
// not. It has a mutex of its own: the engine's is held while an account ends, which
// must not wait for it.
type owners struct {
	mu       sync.Mutex
	accounts map[string]*account
	leases   map[string]journal.Ownership
}

func (o *owners) add(all ...*account) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.accounts == nil {
		o.accounts, o.leases = map[string]*account{}, map[string]journal.Ownership{}
	}
	for _, a := range all {
		o.accounts[a.cfg.Name] = a
	}
}

func (o *owners) of(name string) *account {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.accounts[name]
}

// all returns the accounts in no order, those that have ended too.
func (o *owners) all() []*account {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]*account, 0, len(o.accounts))
	return slices.AppendSeq(out, maps.Values(o.accounts))
}

// foretold are arrivals that other accounts are about to cause, until the owner takes
// them up. Any goroutine may add some.
type foretold struct {
	mu   sync.Mutex
	list []tiding
}

// tiding is an arrival that is about to come, or that will not come after all.
type tiding struct {
	journal.Expected
	over bool
}

// foretoldID is the name of an arrival in the journal of another account.
func (a *account) foretoldID(seq int64, step int) string {
	return a.cfg.Name + " " + expectedID(seq, step)
}

// foretell records in the journal of an account that a message of another one is about
// to arrive, so that it fires no rule there. It returns once that is durable. An
// account that does not run in this process is written for under a lease that this
// process takes: nobody else writes this journal.
func (e *Engine) foretell(ctx context.Context, name string, x journal.Expected) error {
	return e.announce(ctx, name, journal.Batch{Expect: []journal.Expected{x}}, tiding{Expected: x})
}

// takeBack is for arrivals that were foretold and that will not come: of steps of some
// entries, which are about to be written, that will not be done. Nothing else is to be
// taken for them. One that cannot be taken back means nothing but the same message, and
// is forgotten in time.
func (a *account) takeBack(entries []journal.Entry) func(ctx context.Context) {
	var list []struct{ account, id string }
	for _, e := range entries {
		w, open := a.open[e.Seq]
		if !open || w.look {
			continue // it may be there
		}
		for i, s := range w.Steps {
			if s.There == "" || s.State != journal.Recorded || mayArrive(e, i, s) {
				continue
			}
			if account, _, abroad := journal.SplitAbroad(s.Target); abroad {
				list = append(list, struct{ account, id string }{account, a.foretoldID(e.Seq, i)})
			}
		}
	}
	return func(ctx context.Context) {
		for _, x := range list {
			err := a.engine.announce(ctx, x.account, journal.Batch{Arrived: []string{x.id}}, tiding{journal.Expected{ID: x.id}, true})
			if err != nil && ctx.Err() == nil {
				a.log.Warn("another account still expects a message that will not come", "other", x.account, "error", err)
			}
		}
	}
}

// mayArrive reports whether an entry may still bring about what was expected of a step
// that it had.
func mayArrive(now journal.Entry, step int, before journal.Step) bool {
	if now.State == journal.Gone {
		return true // nobody knows how it left
	}
	if step >= len(now.Steps) || now.Steps[step].Target != before.Target {
		return false // it has another place in the entry, and another name
	}
	s := now.Steps[step].State
	return s != journal.StepFailed && s != journal.StepReplaced && (s != journal.Recorded || !isCancelling(now.State))
}

// announce writes a batch of another account and tells its owner.
func (e *Engine) announce(ctx context.Context, name string, batch journal.Batch, of tiding) error {
	a := e.owners.of(name)
	if a == nil {
		return e.commitFor(ctx, name, batch)
	}
	own := a.ownership()
	if own.Epoch == 0 {
		return errNotReady
	}
	if err := e.opts.Journal.Commit(ctx, own, batch); err != nil {
		return err
	}
	a.foretold.mu.Lock()
	defer a.foretold.mu.Unlock()
	a.foretold.list = append(a.foretold.list, of)
	return nil
}

// commitFor writes a batch of an account that does not run in this process. One that
// is about to begin takes its lease itself, which is not to be taken away from it.
func (e *Engine) commitFor(ctx context.Context, name string, batch journal.Batch) error {
	e.owners.mu.Lock()
	defer e.owners.mu.Unlock()
	if e.owners.accounts[name] != nil {
		return errNotReady
	}
	own, held := e.owners.leases[name]
	if held {
		if err := e.opts.Journal.Commit(ctx, own, batch); !errors.Is(err, journal.ErrFenced) {
			return err
		}
	}
	own, _, err := e.opts.Journal.Acquire(ctx, name, e.opts.Holder)
	if err != nil {
		return err
	}
	e.owners.leases[name] = own
	return e.opts.Journal.Commit(ctx, own, batch)
}

// hear takes up the arrivals that other accounts foretold. They are in the journal.
func (a *account) hear() {
	a.foretold.mu.Lock()
	defer a.foretold.mu.Unlock()
	for _, x := range a.foretold.list {
		if x.over {
			delete(a.expected, x.ID)
			continue
		}
		put(&a.expected, x.ID, x.Expected)
	}
	a.foretold.list = nil
}
