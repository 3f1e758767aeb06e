package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"

	"imapilot/actions/unsubscribe"
	"imapilot/actions/webhook"
	"imapilot/engine/journal"
)

// errNoSender is why a process that calls nobody makes no request.
var errNoSender = errors.New("this process makes no calls")

// unsubscribe leaves the list that a message is from. The offer is verified at each
// attempt, since keys are taken back. What is recorded names the host only: the rest of
// the address may be a token.
func (o *outbox) unsubscribe(ctx context.Context, d journal.Delivery, raw []byte) webhook.Result {
	opts := o.account.engine.opts
	switch {
	case raw == nil:
		return webhook.Result{Err: errNoRaw}
	case opts.Webhooks == nil:
		return webhook.Result{Err: unsent{errNoSender}, Retry: true}
	}
	offer, err := unsubscribe.Verify(ctx, opts.Resolver, bytes.NewReader(raw))
	if err != nil {
		return webhook.Result{Err: err, Retry: unsubscribe.Temporary(err) || ctx.Err() != nil}
	}
	r := unsubscribe.Do(ctx, opts.Webhooks, offer, d.ID)
	out := webhook.Result{Status: r.Status, Err: r.Err, Retry: r.Retry, RetryAfter: r.RetryAfter}
	if host := hostOf(offer.URL()); r.Err != nil {
		out.Err = fmt.Errorf("asking %s: %w", host, r.Err)
	} else {
		out.Body = "left the list at " + host
	}
	return out
}

// hostOf is as much of an address as may be shown.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address"
	}
	return shown(u.Hostname())
}
