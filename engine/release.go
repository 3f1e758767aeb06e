package engine

import (
	"context"
	"encoding/json"
	"slices"

	"imapilot/actions"
	"imapilot/actions/webhook"
	"imapilot/engine/journal"
)

// releases ends the waiting of the webhooks that are sent after the other actions
// on a message: once these are done they are sent, and where they will not be they
// are cancelled. So it does for the steps that leave the mailbox. A failed action may
// still be retried. mailbox gives the configuration's spelling of a mailbox.
func releases(entries []journal.Entry, mailbox func(string) string) []journal.Release {
	var out []journal.Release
	for _, e := range entries {
		out = append(out, outsideReleases(e)...)
		if !slices.ContainsFunc(e.Plan.Items, waitsForOthers) {
			continue
		}
		switch {
		case e.State == journal.Done:
			out = append(out, journal.Release{Seq: e.Seq, State: journal.Pending, Result: resultOf(e, mailbox)})
		case isCancelling(e.State):
			out = append(out, journal.Release{Seq: e.Seq, State: journal.Cancelled})
		}
	}
	return out
}

// callsAgain compares the calls of an entry with its new plan: owed are those that
// are to be recorded, unwanted ends those that still wait and that the plan does not
// make. A call that was recorded to be made at once is never taken back or made anew.
func (c *connection) callsAgain(ctx context.Context, e journal.Entry, now actions.Plan) (owed []actions.Item, unwanted []journal.Release, err error) {
	owed = newWebhooks(e.Plan, now)
	gone := slices.DeleteFunc(newWebhooks(now, e.Plan), func(i actions.Item) bool { return !waitsForOthers(i) })
	if len(owed)+len(gone) == 0 || undecided(e) {
		return owed, nil, nil
	}
	calls, err := c.journal.Deliveries(ctx, journal.DeliveryQuery{Account: c.cfg.Name, Seqs: []int64{e.Seq}, Bare: true})
	if err != nil {
		return nil, nil, err
	}
	owed = slices.DeleteFunc(owed, func(i actions.Item) bool {
		return slices.ContainsFunc(calls, func(d journal.Delivery) bool {
			return d.State != journal.Waiting && d.State != journal.Cancelled && c.isCallOf(d, e, i)
		})
	})
	for _, d := range calls {
		ends := func(i actions.Item) bool { return i.Rule == d.Rule && i.Action.Endpoint == d.Endpoint }
		if d.State == journal.Waiting && slices.ContainsFunc(gone, ends) {
			unwanted = append(unwanted, journal.Release{Seq: e.Seq, ID: d.ID, State: journal.Cancelled})
		}
	}
	return owed, unwanted, nil
}

// isCallOf reports whether a call of an entry is that of an item. One that was
// recorded when the message had another place has another ID, and so has one of an
// apply when the rule had another content.
func (c *connection) isCallOf(d journal.Delivery, e journal.Entry, i actions.Item) bool {
	if d.About == aboutOf(e) && e.Occasion != applyOccasion {
		return d.ID == c.deliveryID(e, i)
	}
	return d.Rule == i.Rule && d.Endpoint == i.Action.Endpoint
}

func waitsForOthers(i actions.Item) bool { return i.Action.When == actions.WhenDone }

// resultOf says where a message is after everything that was done to it. Its UID is
// 0 where the server did not tell it.
func resultOf(e journal.Entry, mailbox func(string) string) []byte {
	r := webhook.Place{Mailbox: e.Mailbox, UIDValidity: e.UIDValidity, UID: uint32(e.UID)}
	for _, s := range e.Steps {
		done := s.State == journal.StepDone || s.State == journal.StepLeft
		if !done || !s.Action.Kind.Spec().Destination {
			continue
		}
		if account, name, ok := journal.SplitAbroad(s.Target); ok {
			r = webhook.Place{Account: account, Mailbox: name}
			mailbox = func(name string) string { return name }
		} else {
			r = webhook.Place{Mailbox: s.Target}
		}
		if s.TargetUID != 0 && s.TargetValidity != 0 {
			r.UIDValidity, r.UID = s.TargetValidity, uint32(s.TargetUID)
		}
	}
	if r.Mailbox != "" {
		r.Mailbox = mailbox(r.Mailbox)
	}
	out, err := json.Marshal(r)
	if err != nil {
		panic(err) // it has texts and numbers only
	}
	return out
}
