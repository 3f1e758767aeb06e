package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// Refuses reports whether it is the endpoint as it is configured now that wants no
// more calls. With another URL it is another receiver.
func Refuses(x journal.Disabled, hook config.Webhook) bool {
	return x.Endpoint == hook.Name && x.URL == fingerprintOf(hook.URL)
}

// Enable gives an endpoint calls again that wanted no more. It returns whether
// there was one. Where it fails, some accounts may have it enabled.
func (e *Engine) Enable(ctx context.Context, endpoint string) (bool, error) {
	e.mu.Lock()
	var all []*running
	for _, r := range e.accounts {
		all = append(all, r)
	}
	e.mu.Unlock()
	found := false
	var errs []error
	for _, r := range all {
		ok, err := r.account.outbox.enable(ctx, endpoint)
		found = found || ok
		if err != nil {
			errs = append(errs, fmt.Errorf("account %q: %w", r.account.cfg.Name, err))
		}
	}
	return found, errors.Join(errs...)
}

// EnableOffline does what Engine.Enable does when no daemon runs: it takes the
// leases of the accounts itself.
func EnableOffline(ctx context.Context, j journal.Journal, holder, endpoint string) (bool, error) {
	sums, err := j.Summary(ctx)
	if err != nil {
		return false, err
	}
	found := false
	for _, sum := range sums {
		if !slices.ContainsFunc(sum.Disabled, func(x journal.Disabled) bool { return x.Endpoint == endpoint }) {
			continue
		}
		own, _, err := j.Acquire(ctx, sum.Account, holder)
		if err == nil {
			err = j.Commit(ctx, own, enabling(endpoint))
		}
		if err != nil {
			return found, fmt.Errorf("account %q: %w", sum.Account, err)
		}
		found = true
	}
	return found, nil
}

func enabling(endpoint string) journal.Batch {
	return journal.Batch{At: time.Now(), Enabled: []string{endpoint}}
}

func (o *outbox) enable(ctx context.Context, endpoint string) (bool, error) {
	o.mu.Lock()
	_, ok := o.disabled[endpoint]
	o.mu.Unlock()
	if !ok {
		return false, nil
	}
	if err := o.write(ctx, enabling(endpoint)); err != nil {
		return false, err
	}
	o.mu.Lock()
	delete(o.disabled, endpoint)
	delete(o.rests, endpoint)
	put(&o.took, endpoint, true) // as far as is known
	o.mu.Unlock()
	o.rouse()
	return true, nil
}
