package engine

import (
	"encoding/json"
	"slices"

	"imapilot/actions"
	"imapilot/actions/webhook"
	"imapilot/engine/journal"
)

// releases ends the waiting of the webhooks that are sent after the other actions
// on a message: once these are done they are sent, and where they will not be they
// are cancelled. A failed action may still be retried. mailbox gives the
// configuration's spelling of a mailbox.
func releases(entries []journal.Entry, mailbox func(string) string) []journal.Release {
	var out []journal.Release
	for _, e := range entries {
		if !slices.ContainsFunc(e.Plan.Items, waitsForOthers) {
			continue
		}
		switch e.State {
		case journal.Done:
			out = append(out, journal.Release{Seq: e.Seq, State: journal.Pending, Result: resultOf(e, mailbox)})
		case journal.Gone, journal.Kept, journal.Withdrawn, journal.Skipped, journal.DryRun:
			out = append(out, journal.Release{Seq: e.Seq, State: journal.Cancelled})
		}
	}
	return out
}

// unwanted cancels the calls of an old plan that still wait and that the new one
// does not make. A call that was recorded to be made at once is never taken back.
func (c *connection) unwanted(e journal.Entry, old, now actions.Plan) []journal.Release {
	var out []journal.Release
	for _, item := range newWebhooks(now, old) {
		if waitsForOthers(item) {
			out = append(out, journal.Release{Seq: e.Seq, ID: c.deliveryID(e, item), State: journal.Cancelled})
		}
	}
	return out
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
		r = webhook.Place{Mailbox: s.Target}
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
