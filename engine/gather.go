package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

const (
	// gathered is how many calls one commit makes into others.
	gathered = 1000
	// longestDebounce is how many times its debounce the first message waits.
	longestDebounce = 10
)

// gather makes one call of what an endpoint with a digest or a debounce is owed, once
// it is time. It returns how long until it will be.
func (o *outbox) gather(ctx context.Context, hook config.Webhook) (time.Duration, error) {
	q := journal.DeliveryQuery{
		Account: o.account.cfg.Name, Endpoint: hook.Name, States: []journal.DeliveryState{journal.Pending}, Fresh: true, Limit: 1,
	}
	oldest, err := o.account.journal.Deliveries(ctx, q)
	if err != nil || len(oldest) == 0 {
		return time.Hour, err
	}
	q.Latest = true
	latest, err := o.account.journal.Deliveries(ctx, q)
	if err != nil || len(latest) == 0 {
		return time.Hour, err
	}
	now := time.Now()
	if at := gatherAt(hook, oldest[0].Next, latest[0].Next); at.After(now) {
		return at.Sub(now), nil
	}
	q.Latest, q.Limit = false, gathered
	fresh, err := o.account.journal.Deliveries(ctx, q)
	if err != nil {
		return time.Hour, err
	}
	batch := journal.Batch{At: now}
	for len(fresh) > 0 {
		n := digestOf(fresh)
		batch.Deliveries = append(batch.Deliveries, together(fresh[:n], now)...)
		fresh = fresh[n:]
	}
	return again, o.write(ctx, batch) // there may be more
}

// gatherAt is when what came from first to last is said in one call.
func gatherAt(hook config.Webhook, first, last time.Time) time.Time {
	at := first
	if hook.Gathers {
		at = hook.Digest.Next(first)
	}
	if hook.Debounce > 0 {
		at = last.Add(hook.Debounce)
		if most := first.Add(longestDebounce * hook.Debounce); most.Before(at) {
			at = most
		}
	}
	return hook.Quiet.Until(at, hook.Zone)
}

// digestOf is how many of some calls are said in one.
func digestOf(fresh []journal.Delivery) int {
	size := 0
	for n, d := range fresh {
		if size += len(d.Payload); n > 0 && (n == webhook.MaxDigest || size > webhook.MaxDigestSize) {
			return n
		}
	}
	return len(fresh)
}

// together is one call for several, and these, which it stands for.
func together(some []journal.Delivery, now time.Time) []journal.Delivery {
	sum := sha256.New()
	doc := webhook.Digest{Account: some[0].Account}
	for _, d := range some {
		sum.Write([]byte(d.ID + "\n"))
		doc.Messages = append(doc.Messages, json.RawMessage(d.Payload))
	}
	doc.ID = "msg_" + hex.EncodeToString(sum.Sum(nil)[:16])
	out := []journal.Delivery{{
		ID: doc.ID, Account: some[0].Account, Endpoint: some[0].Endpoint, Payload: doc.JSON(),
		Created: now, Next: now, State: journal.Pending, Updated: now,
	}}
	for _, d := range some {
		d.State, d.Digest, d.Held, d.Updated = journal.Gathered, doc.ID, "", now
		out = append(out, d)
	}
	return out
}
