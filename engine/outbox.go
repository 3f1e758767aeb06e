package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// outbox delivers the webhooks of an account from the journal. Endpoints are
// served side by side, so that a dead one delays neither another nor any
// mailbox; one endpoint gets its calls one after the other, in order.
type outbox struct {
	account *account
	wake    chan struct{}

	mu   sync.Mutex
	busy map[string]bool // by endpoint
}

const (
	// outboxBatch is how many deliveries are loaded at once.
	outboxBatch = 200
	// deliverFor is how long a delivery is tried.
	deliverFor = 24 * time.Hour
)

func newOutbox(a *account) *outbox {
	return &outbox{account: a, wake: make(chan struct{}, 1), busy: map[string]bool{}}
}

// start delivers until ctx is done. The function it returns waits for the end;
// with --once it first lets everything that is due be tried.
func (o *outbox) start(ctx, work context.Context) (wait func()) {
	if o.account.engine.opts.Webhooks == nil {
		return func() {}
	}
	if o.account.engine.opts.Once {
		return func() { o.drain(ctx, work) }
	}
	var group sync.WaitGroup
	group.Go(func() { o.loop(ctx, work) })
	return group.Wait
}

func (o *outbox) loop(ctx, work context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	for ctx.Err() == nil {
		next := o.dispatch(ctx, work, &group)
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
		case <-o.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// drain tries everything that is due now once.
func (o *outbox) drain(ctx, work context.Context) {
	var group sync.WaitGroup
	o.dispatch(ctx, work, &group)
	group.Wait()
}

// dispatch starts the endpoints that have something due and returns how long
// to wait for the next.
func (o *outbox) dispatch(ctx, work context.Context, group *sync.WaitGroup) time.Duration {
	wait := time.Hour
	for _, hook := range o.endpoints() {
		due, next, err := o.due(work, hook.Name)
		if err != nil {
			o.account.log.Error("the outbox cannot be read", "error", err)
			return time.Minute
		}
		wait = min(wait, next)
		if len(due) == 0 || !o.claim(hook.Name) {
			continue
		}
		group.Go(func() {
			defer o.release(hook.Name)
			if err := o.deliver(ctx, work, due); err != nil && ctx.Err() == nil {
				o.account.log.Error("a webhook's attempt cannot be recorded", "webhook", hook.Name, "error", err)
				sleep(ctx, time.Minute)
			}
		})
	}
	return wait
}

// due returns what an endpoint is owed now, and how long until the next one.
func (o *outbox) due(ctx context.Context, endpoint string) ([]journal.Delivery, time.Duration, error) {
	rows, err := o.account.journal.Deliveries(ctx, journal.DeliveryQuery{
		Account: o.account.cfg.Name, Endpoint: endpoint,
		States: []journal.DeliveryState{journal.Pending}, Limit: outboxBatch,
	})
	now := time.Now()
	for i, d := range rows {
		if d.Next.After(now) {
			return rows[:i], d.Next.Sub(now), err
		}
	}
	return rows, time.Hour, err
}

func (o *outbox) endpoints() []config.Webhook {
	o.account.reloading.Lock()
	defer o.account.reloading.Unlock()
	return o.account.webhooks
}

func (o *outbox) claim(endpoint string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[endpoint] {
		return false
	}
	o.busy[endpoint] = true
	return true
}

// release lets the endpoint be served again, and looks for more at once.
func (o *outbox) release(endpoint string) {
	o.mu.Lock()
	delete(o.busy, endpoint)
	o.mu.Unlock()
	signal(o.wake)
}

func (o *outbox) deliver(ctx, work context.Context, list []journal.Delivery) error {
	for _, d := range list {
		if ctx.Err() != nil && !o.account.engine.opts.Once {
			return nil
		}
		if err := o.call(work, d); err != nil {
			return err
		}
	}
	return nil
}

// call makes one attempt. It is stored before it is made, so that a crash
// cannot make a call that nobody knows of.
func (o *outbox) call(ctx context.Context, d journal.Delivery) error {
	now := time.Now()
	d.Attempts++
	d.Next, d.Updated = now.Add(webhook.Next(d.Attempts, rand.Float64())), now
	if err := o.write(ctx, d); err != nil {
		return err
	}
	to, err := o.endpoint(ctx, d.Endpoint)
	if err != nil {
		return o.finish(ctx, d, webhook.Result{Err: err, Retry: true})
	}
	return o.finish(ctx, d, o.account.engine.opts.Webhooks.Send(ctx, to, d.ID, now, d.Payload))
}

func (o *outbox) finish(ctx context.Context, d journal.Delivery, r webhook.Result) error {
	now := time.Now()
	d.LastStatus, d.LastError, d.Updated = r.Status, "", now
	if r.Err != nil {
		d.LastError = r.Err.Error()
	}
	switch {
	case r.Err == nil:
		d.State = journal.Delivered
	case !r.Retry || now.Sub(d.Created) > deliverFor:
		d.State = journal.Dead
		o.account.log.Error("webhook given up", "webhook", d.Endpoint, "id", d.ID, "attempts", d.Attempts, "error", d.LastError)
	default:
		d.Next = now.Add(max(d.Next.Sub(now), r.RetryAfter))
		o.account.log.Warn("webhook failed", "webhook", d.Endpoint, "id", d.ID, "error", d.LastError, "again", d.Next.Format(time.RFC3339))
	}
	if err := o.write(ctx, d); err != nil {
		return err
	}
	if d.State != journal.Pending {
		o.account.engine.opts.Observe(Observation{Account: o.account.cfg.Name, At: now, Delivery: &d})
	}
	return nil
}

func (o *outbox) write(ctx context.Context, d journal.Delivery) error {
	return o.account.journal.Commit(ctx, o.account.ownership(), journal.Batch{At: d.Updated, Deliveries: []journal.Delivery{d}})
}

// endpoint looks an endpoint up in the configuration in force.
func (o *outbox) endpoint(ctx context.Context, name string) (webhook.Endpoint, error) {
	all := o.endpoints()
	i := slices.IndexFunc(all, func(w config.Webhook) bool { return w.Name == name })
	if i < 0 {
		return webhook.Endpoint{}, errors.New("webhooks: has no endpoint " + name + " any more")
	}
	to := webhook.Endpoint{URL: all[i].URL}
	if all[i].Secret.IsZero() {
		return to, nil
	}
	secret, err := all[i].Secret.Read(ctx)
	to.Secret = []byte(secret)
	return to, err
}
