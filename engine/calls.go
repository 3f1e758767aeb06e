package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// serving is the calls of one batch to one endpoint.
type serving struct {
	outbox *outbox
	hook   config.Webhook
	// took and failed count the calls that the endpoint took and those that it did
	// not, unsent those that could not be made; refused is set when it wants no more,
	// unknown when what came of some could not be recorded: these are made again, and
	// so would be all that follow.
	took, failed, unsent atomic.Int32
	refused, unknown     atomic.Bool
	// why is what the last one that failed says.
	why string
}

// call is one attempt: the delivery as the journal has it, and what came of it.
type call struct {
	delivery journal.Delivery
	// waits is when the delivery was due before the attempt was recorded.
	waits  time.Time
	at     time.Time
	took   time.Duration
	made   bool
	result webhook.Result
}

// serve makes the calls that an endpoint is owed. Attempts are stored before they
// are made, so that a crash cannot make a call that nobody knows of, and what came
// of them as it comes.
func (o *outbox) serve(ctx, work context.Context, hook config.Webhook, due []journal.Delivery) error {
	calls, err := o.begin(work, due)
	if err != nil {
		return err
	}
	s := &serving{outbox: o, hook: hook}
	send, err := o.transport(ctx, work, hook.Name)
	results := make(chan call, len(calls))
	go s.makeAll(ctx, work, calls, results, func(c call) webhook.Result {
		if err != nil {
			return webhook.Result{Err: err, Retry: true}
		}
		return send(c)
	})
	return s.recordAll(work, results)
}

// transport is how the attempts of an outlet are made.
func (o *outbox) transport(ctx, work context.Context, name string) (func(call) webhook.Result, error) {
	if isOutside(name) {
		return func(c call) webhook.Result { return o.attempt(ctx, work, c.delivery) }, nil
	}
	to, err := o.caller(work, name)
	return func(c call) webhook.Result { return o.send(work, to, c) }, err
}

func (o *outbox) send(ctx context.Context, to *Caller, c call) webhook.Result {
	release, err := o.room(ctx, c.delivery)
	if err != nil {
		return webhook.Result{Err: unsent{err}, Retry: true}
	}
	defer release()
	payload, err := o.document(ctx, to, c.delivery)
	if err != nil {
		return webhook.Result{Err: unsent{err}, Retry: true}
	}
	endpoint, body, err := to.Request(payload, c.delivery.URL)
	if err != nil {
		// A better configuration may help, but not where the values are wrong: they stay.
		return webhook.Result{Err: unsent{err}, Retry: !errors.Is(err, errURLValues)}
	}
	// Not c.at: it may have waited, and a receiver takes no signature that is old.
	return to.Settle(o.account.engine.opts.Webhooks.Send(ctx, endpoint, c.delivery.ID, time.Now(), body))
}

// room waits until there is memory for the raw message of a delivery.
func (o *outbox) room(ctx context.Context, d journal.Delivery) (release func(), err error) {
	size := min(d.RawSize, rawsUnderWay)
	if size == 0 {
		return func() {}, nil
	}
	raws := o.account.engine.raws
	return func() { raws.Release(size) }, raws.Acquire(ctx, size)
}

// rawsUnderWay is how many octets of raw messages the calls of all endpoints send at
// once; a single one always may.
const rawsUnderWay = 64 << 20

// unsent is why a call was not made: it says nothing of the endpoint.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// begin records an attempt of each delivery, and leaves out what was cancelled.
func (o *outbox) begin(ctx context.Context, due []journal.Delivery) ([]call, error) {
	calls := make([]call, len(due))
	batch := journal.Batch{At: time.Now(), Deliveries: make([]journal.Delivery, len(due))}
	for i, d := range due {
		calls[i].waits = d.Next
		d.Attempts++
		d.Next, d.Updated = batch.At.Add(afterCrash), batch.At
		calls[i].delivery, batch.Deliveries[i] = d, d
	}
	if err := o.write(ctx, batch); err != nil {
		return nil, err
	}
	at := 0
	return slices.DeleteFunc(calls, func(call) bool { at++; return batch.Deliveries[at-1].State == journal.Cancelled }), nil
}

// afterCrash is when a call is made again of which a crash left it open whether it
// was made.
const afterCrash = 5 * time.Second

// nextAttempt is how long to wait after the last attempt.
func nextAttempt(d journal.Delivery) time.Duration {
	wait, _ := webhook.Next(d.Attempts-d.Restarted, rand.Float64()) // 0 after the last, which nobody asks for
	return wait
}

// makeAll makes the calls, some at a time, and closes results after the last. It
// leaves the rest when the process ends or goes to dry run, when the endpoint takes
// none of them, when it wants no more, and when the journal does not take what came
// of them.
func (s *serving) makeAll(ctx, work context.Context, calls []call, results chan<- call, send func(call) webhook.Result) {
	defer close(results)
	next := make(chan call)
	var group sync.WaitGroup
	defer group.Wait()
	defer close(next)
	for range min(callsAtOnce, len(calls)) {
		group.Go(func() {
			for c := range next {
				results <- s.makeOne(c, send)
			}
		})
	}
	for _, c := range calls {
		if s.enough(ctx) {
			results <- c
			continue
		}
		select {
		case next <- c:
		case <-work.Done():
			results <- c
		}
	}
}

func (s *serving) enough(ctx context.Context) bool {
	ended := ctx.Err() != nil && !s.outbox.account.engine.opts.Once || s.outbox.account.isDryRun()
	now := time.Now()
	quiet := s.hook.Quiet.Until(now, s.hook.Zone).After(now)
	return ended || quiet || s.refused.Load() || s.unknown.Load() || s.failed.Load() >= callsAtOnce && s.took.Load() == 0
}

func (s *serving) makeOne(c call, send func(call) webhook.Result) call {
	leave := s.outbox.account.engine.enter(s.hook.Name)
	defer leave()
	c.at, c.made = time.Now(), true
	c.result = send(c)
	c.took = time.Since(c.at)
	if c.result.Err == nil {
		s.took.Add(1)
		return c
	}
	if errors.As(c.result.Err, new(postponed)) {
		c.made = false
		return c
	}
	if errors.As(c.result.Err, &unsent{}) {
		s.unsent.Add(1)
		return c
	}
	s.failed.Add(1)
	s.refused.CompareAndSwap(false, c.result.Gone)
	return c
}

// recordAll records what came of calls: all that ended while the ones before them
// were written, in one commit.
func (s *serving) recordAll(ctx context.Context, results <-chan call) error {
	for c := range results {
		ended := append([]call{c}, endedToo(results)...)
		if err := s.record(ctx, ended); err != nil {
			s.unknown.Store(true)
			for range results { //nolint:revive // the callers must come to their end
			}
			return err
		}
	}
	if s.took.Load() > 0 || isOutside(s.hook.Name) { // that one program fails says nothing of another
		s.outbox.refresh(s.hook.Name)
		return nil
	}
	if s.unsent.Load() > 0 && s.failed.Load() == 0 {
		return nil // nothing was learnt of the endpoint, and none of them is due at once
	}
	s.outbox.tire(s.hook.Name, s.why) // also where none could be made: they are due at once
	return nil
}

// endedToo takes what is in a channel already.
func endedToo(results <-chan call) (out []call) {
	for {
		select {
		case c, ok := <-results:
			if !ok {
				return out
			}
			out = append(out, c)
		default:
			return out
		}
	}
}

// record writes what came of some calls.
func (s *serving) record(ctx context.Context, ended []call) error {
	batch := journal.Batch{At: time.Now()}
	var failed []journal.Delivery
	for _, c := range ended {
		if d := s.settle(&batch, c); c.made && d.State == journal.Pending {
			failed, s.why = append(failed, d), d.LastError
		}
	}
	if err := s.outbox.write(ctx, batch); err != nil {
		return err
	}
	s.report(batch, failed)
	return nil
}

// settle adds what came of one call to a batch.
func (s *serving) settle(batch *journal.Batch, c call) journal.Delivery {
	d, r := c.delivery, c.result
	d.Updated = batch.At
	if !c.made {
		d.Attempts, d.Next = d.Attempts-1, c.waits
		if p := (postponed{}); errors.As(r.Err, &p) {
			p.apply(&d)
		}
		batch.Deliveries = append(batch.Deliveries, d)
		return d
	}
	d.LastStatus, d.LastError = r.Status, ""
	if r.Err != nil {
		d.LastError = r.Err.Error()
	}
	if isOutside(d.Endpoint) {
		d.Held = ""
	}
	switch {
	case r.Err == nil, errors.As(r.Err, new(omitted)):
		d.State = journal.Delivered
	case r.Gone:
		// It is sent when the endpoint is enabled again.
		s.wantsNoMore(batch, d)
		d.Next = batch.At
	case d.Attempts-d.Restarted >= webhook.Attempts() || !r.Retry:
		d.State = journal.Dead
	default:
		d.Next = batch.At.Add(max(nextAttempt(d), r.RetryAfter))
	}
	batch.Deliveries = append(batch.Deliveries, d)
	batch.Attempts = append(batch.Attempts, journal.Attempt{
		ID: d.ID, N: d.Attempts, At: c.at, Took: c.took, Status: r.Status, Error: d.LastError, Answer: r.Body,
	})
	return d
}

// wantsNoMore adds to a batch that an endpoint answered so, and the event of the first
// such answer.
func (s *serving) wantsNoMore(batch *journal.Batch, d journal.Delivery) {
	x := journal.Disabled{Endpoint: d.Endpoint, URL: fingerprintOf(s.hook.URL), Since: batch.At, Reason: d.LastError}
	batch.Disabled = []journal.Disabled{x}
	if s.outbox.refuses(s.hook) {
		return
	}
	batch.Events = []journal.Event{{Kind: "webhook", Text: "the endpoint " + d.Endpoint + " wants no more calls, and gets none until it is enabled: " + d.LastError}}
}

// report tells of what was recorded. Of many that failed at once one line tells.
func (s *serving) report(batch journal.Batch, failed []journal.Delivery) {
	a := s.outbox.account
	for _, d := range batch.Deliveries {
		if d.State == journal.Dead {
			kind, next := "webhook", "imapilot webhooks replay "+d.ID
			if isOutside(d.Endpoint) {
				kind, next = "action", "imapilot retry --failed"
			}
			a.log.Error(kind+" given up", kind, d.Endpoint, "id", d.ID, "attempts", d.Attempts, "error", d.LastError, "next", next)
		}
		if d.State != journal.Pending {
			a.engine.opts.Observe(Observation{Account: a.cfg.Name, At: batch.At, Delivery: &d})
			a.tellOutside(d)
		}
	}
	for _, x := range batch.Disabled {
		s.outbox.disable(x)
		a.log.Error("the endpoint of a webhook wants no more calls, and gets none until it is enabled again", "webhook", x.Endpoint, "error", x.Reason,
			"next", "imapilot webhooks enable "+x.Endpoint)
	}
	if len(failed) > 0 && len(batch.Disabled) == 0 {
		d := failed[0]
		kind := "webhook"
		if isOutside(d.Endpoint) {
			kind = "action"
		}
		a.log.Warn(kind+" failed", kind, d.Endpoint, "id", d.ID, "calls", len(failed), "error", d.LastError, "again", d.Next.Format(time.RFC3339))
	}
}

func (o *outbox) disable(x journal.Disabled) {
	o.mu.Lock()
	defer o.mu.Unlock()
	put(&o.disabled, x.Endpoint, x)
}

func (o *outbox) write(ctx context.Context, b journal.Batch) error {
	o.restarts.mu.Lock()
	defer o.restarts.mu.Unlock()
	o.restarts.keep(b)
	err := o.account.journal.Commit(ctx, o.account.ownership(), b)
	if err == nil {
		o.restarts.forget(b)
	}
	return err
}
