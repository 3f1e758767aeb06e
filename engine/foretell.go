package engine

import (
	"context"
	"errors"
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

// foretold are arrivals that other accounts are about to cause, until the owner takes
// them up. Any goroutine may add some.
type foretold struct {
	mu   sync.Mutex
	list []journal.Expected
}

// foretell records in the journal of an account that a message of another one is about
// to arrive, so that it fires no rule there. It returns once that is durable. An
// account that does not run in this process is written for under a lease that this
// process takes: nobody else writes this journal.
func (e *Engine) foretell(ctx context.Context, name string, x journal.Expected) error {
	batch := journal.Batch{Expect: []journal.Expected{x}}
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
	a.foretold.list = append(a.foretold.list, x)
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
		a.expected[x.ID] = x
	}
	a.foretold.list = nil
}
