package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"imapilot/engine/journal"
)

// MaxReplay is how many calls one Replay may name.
const MaxReplay = 1000

// Replay names webhook calls of one account that are to be made again, at once
// and with a schedule that begins anew. Each keeps its webhook-id, so that a
// receiver can tell that it had it before.
type Replay struct {
	Account string `json:"account"`
	// IDs are those of deliveries, at most [MaxReplay]. Unknown ones are passed
	// over.
	IDs []string `json:"ids"`
	// Delivered makes those again, too, that the receiver took.
	Delivered bool `json:"delivered,omitempty"`
}

// Wants reports whether a call would be made again. One that waits for other
// actions, and one that was cancelled with them, has nothing to say yet, or ever.
func (r Replay) Wants(s journal.DeliveryState) bool {
	return s == journal.Pending || s == journal.Dead || s == journal.Delivered && r.Delivered
}

// LacksMessage reports whether a step that leaves the mailbox cannot be attempted again,
// because its message is not kept any more. What was sent stays sent.
func LacksMessage(d journal.Delivery) bool {
	return isOutside(d.Endpoint) && d.RawSize > 0 && !d.RawKept
}

// DeliveryReader is what finds deliveries: a journal, or one that is only read.
type DeliveryReader interface {
	Deliveries(ctx context.Context, q journal.DeliveryQuery) ([]journal.Delivery, error)
}

// calls returns the deliveries as they are once they are replayed.
func (r Replay) calls(ctx context.Context, j DeliveryReader, now time.Time) ([]journal.Delivery, error) {
	if len(r.IDs) > MaxReplay {
		return nil, fmt.Errorf("at most %d calls can be named at once", MaxReplay)
	}
	var out []journal.Delivery
	for _, id := range r.IDs {
		if id == "" {
			continue // it would be any
		}
		found, err := j.Deliveries(ctx, journal.DeliveryQuery{Account: r.Account, ID: id, Bare: true})
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if r.Wants(d.State) && !LacksMessage(d) {
				d.Restarted, d.State, d.Next, d.Updated = d.Attempts, journal.Pending, now, now
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// Replay has calls made again and returns how many.
func (e *Engine) Replay(ctx context.Context, r Replay) (int, error) {
	e.mu.Lock()
	run, ok := e.accounts[r.Account]
	e.mu.Unlock()
	if !ok || run.ended() {
		return 0, fmt.Errorf("account %q is not running", r.Account)
	}
	return run.account.outbox.replay(ctx, r)
}

// ReplayOffline does what Engine.Replay does when no daemon runs: it takes the
// lease of the account itself. The next run makes the calls.
func ReplayOffline(ctx context.Context, j journal.Journal, holder string, r Replay) (int, error) {
	batch := journal.Batch{At: time.Now()}
	var err error
	if batch.Deliveries, err = r.calls(ctx, j, batch.At); err != nil || len(batch.Deliveries) == 0 {
		return 0, err
	}
	own, _, err := j.Acquire(ctx, r.Account, holder)
	if err != nil {
		return 0, fmt.Errorf("account %q: %w", r.Account, err)
	}
	return len(batch.Deliveries), j.Commit(ctx, own, batch)
}

// replay also ends the rest of the endpoints: whoever asks for it believes that
// they take calls.
func (o *outbox) replay(ctx context.Context, r Replay) (int, error) {
	calls, err := o.restart(ctx, r)
	if err != nil {
		return 0, err
	}
	for _, d := range calls {
		o.refresh(d.Endpoint)
	}
	o.rouse()
	return len(calls), nil
}

func (o *outbox) restart(ctx context.Context, r Replay) ([]journal.Delivery, error) {
	o.restarts.mu.Lock()
	defer o.restarts.mu.Unlock()
	batch := journal.Batch{At: time.Now()}
	var err error
	if batch.Deliveries, err = r.calls(ctx, o.account.journal, batch.At); err != nil || len(batch.Deliveries) == 0 {
		return nil, err
	}
	if err := o.account.journal.Commit(ctx, o.account.ownership(), batch); err != nil {
		return nil, err
	}
	o.restarts.note(batch.Deliveries)
	return batch.Deliveries, nil
}

// restarts are the calls that were replayed and not made since. One of them may
// be on its way: then what is written of it next does not know of the replay.
type restarts struct {
	mu sync.Mutex // held while the journal is written
	at map[string]int
	// off are the steps that were cancelled while they were under way.
	off map[string]bool
}

func (r *restarts) cancel(id string) {
	if r.off == nil {
		r.off = map[string]bool{}
	}
	r.off[id] = true
}

func (r *restarts) note(calls []journal.Delivery) {
	if r.at == nil {
		r.at = map[string]int{}
	}
	for _, d := range calls {
		r.at[d.ID] = d.Restarted
	}
}

// keep puts into a batch what replays and cancellations changed. A call that was given up meanwhile
// is tried again.
func (r *restarts) keep(b journal.Batch) {
	for i := range b.Deliveries {
		d := &b.Deliveries[i]
		if r.off[d.ID] && d.State != journal.Delivered {
			d.State = journal.Cancelled
			continue
		}
		if at, ok := r.at[d.ID]; !ok || at <= d.Restarted {
			continue
		}
		d.Restarted = r.at[d.ID]
		if d.State == journal.Dead {
			d.State, d.Next = journal.Pending, b.At.Add(nextAttempt(*d))
		}
	}
}

// forget drops the calls that were made.
func (r *restarts) forget(b journal.Batch) {
	for _, t := range b.Attempts {
		delete(r.at, t.ID)
	}
}
