package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/pace"
)

// hush holds back what is due while an endpoint has quiet hours. It returns how long
// they last, 0 where there are none now.
func (o *outbox) hush(ctx context.Context, hook config.Webhook) (time.Duration, error) {
	now := time.Now()
	until := hook.Quiet.Until(now, hook.Zone)
	if !until.After(now) {
		return 0, nil
	}
	due, _, err := o.due(ctx, hook)
	if err != nil || len(due) == 0 {
		return until.Sub(now), err
	}
	batch := journal.Batch{At: now}
	for _, d := range due {
		if hasTime(d) {
			delete(o.limits, hook.Name) // it would not be alone at the end of the hours
		}
		d.Next, d.Updated = until, now
		if d.Held == "" {
			d.Held = journal.HeldByQuietHours
		}
		batch.Deliveries = append(batch.Deliveries, d)
	}
	return again, o.write(ctx, batch) // there may be more
}

// paced gives each call that is made for the first time a time that keeps to the
// limits of its endpoint, and returns those whose time has come. The times of the
// others are written: they are late, and not lost. Where one was missed it returns
// none: all are given out anew.
func (o *outbox) paced(ctx context.Context, hook config.Webhook, due []journal.Delivery) ([]journal.Delivery, error) {
	if hook.PerRule.N == 0 && hook.PerSender.N == 0 || len(due) == 0 {
		return due, nil
	}
	now := time.Now()
	if slices.ContainsFunc(due, func(d journal.Delivery) bool { return hasTime(d) && now.Sub(d.Next) > missed }) {
		delete(o.limits, hook.Name)
		return nil, nil
	}
	slots, err := o.slotsOf(ctx, hook)
	if err != nil {
		return nil, err
	}
	batch := journal.Batch{At: now}
	var ready []journal.Delivery
	for _, d := range due {
		if d.Attempts == 0 && d.Held != journal.HeldByRate {
			d.Next = slots.Reserve(now, func(at time.Time) time.Time { return hook.Quiet.Until(at, hook.Zone) }, limitsOf(hook, d)...)
			d.Held, d.Updated = journal.HeldByRate, now
		}
		if d.Next.After(now) {
			batch.Deliveries = append(batch.Deliveries, d)
			continue
		}
		ready = append(ready, d)
	}
	if len(batch.Deliveries) == 0 {
		return ready, nil
	}
	return ready, o.write(ctx, batch)
}

// missed is how late a call may be for its time. After more, as of a daemon that did
// not run, the calls that are late would come all at once.
const missed = time.Minute

// hasTime reports whether a call waits for a time that was given out. One that a
// user replayed was written for that very moment, and waits for none.
func hasTime(d journal.Delivery) bool {
	return d.Attempts == 0 && d.Held == journal.HeldByRate && !d.Next.Equal(d.Updated)
}

// limits are those of an endpoint.
type limits struct {
	perRule, perSender pace.Rate
	quiet              string
}

// replan takes back the times that were given out under other limits, or by another
// process, and ends the waiting for other quiet hours, so that the calls are given
// new times in the order of their making.
func (o *outbox) replan(ctx context.Context, hook config.Webhook) error {
	now := limits{hook.PerRule, hook.PerSender, fmt.Sprint(hook.Quiet, hook.Zone)}
	if before, ok := o.limits[hook.Name]; ok && before == now {
		return nil
	}
	batch := journal.Batch{At: time.Now()}
	for _, why := range []string{journal.HeldByRate, journal.HeldByQuietHours} {
		rows, err := o.account.journal.Deliveries(ctx, journal.DeliveryQuery{
			Account: o.account.cfg.Name, Endpoint: hook.Name, Held: why, States: []journal.DeliveryState{journal.Pending}, Bare: true,
		})
		if err != nil {
			return err
		}
		for _, d := range rows {
			switch {
			case hasTime(d):
				d.Held = ""
			case why == journal.HeldByRate || d.Attempts > 0 || !d.Next.After(batch.At):
				continue
			}
			d.Next, d.Updated = d.Created, batch.At
			batch.Deliveries = append(batch.Deliveries, d)
		}
	}
	if len(batch.Deliveries) > 0 {
		if err := o.write(ctx, batch); err != nil {
			return err
		}
	}
	delete(o.slots, hook.Name)
	put(&o.limits, hook.Name, now)
	return nil
}

func limitsOf(hook config.Webhook, d journal.Delivery) []pace.Limit {
	var out []pace.Limit
	if hook.PerRule.N > 0 {
		out = append(out, pace.Limit{Key: "rule " + d.Rule, Rate: hook.PerRule})
	}
	if hook.PerSender.N > 0 {
		out = append(out, pace.Limit{Key: "sender " + d.Sender, Rate: hook.PerSender})
	}
	return out
}

// slotsOf are the times that an endpoint gave out. After a restart they are found in
// the journal: those that are reserved, and those of calls that were made, which
// count from when they were last written.
func (o *outbox) slotsOf(ctx context.Context, hook config.Webhook) (*pace.Slots, error) {
	if s, ok := o.slots[hook.Name]; ok {
		return s, nil
	}
	s := &pace.Slots{}
	longest := max(hook.PerRule.Per, hook.PerSender.Per)
	for _, q := range []journal.DeliveryQuery{
		{Held: journal.HeldByRate, States: []journal.DeliveryState{journal.Pending}},
		{Held: journal.HeldByRate, States: []journal.DeliveryState{journal.Delivered, journal.Dead}, Touched: time.Now().Add(-longest)},
	} {
		q.Account, q.Endpoint = o.account.cfg.Name, hook.Name
		rows, err := o.account.journal.Deliveries(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, d := range rows {
			at := d.Updated
			if d.State == journal.Pending && d.Attempts == 0 {
				at = d.Next
			}
			s.Take(at, limitsOf(hook, d)...)
		}
	}
	put(&o.slots, hook.Name, s)
	return s, nil
}
