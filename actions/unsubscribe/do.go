package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"imapilot/actions/webhook"
)

// Sender makes the request. [webhook.Client] is one.
type Sender interface {
	Send(ctx context.Context, to webhook.Endpoint, id string, at time.Time, payload []byte) webhook.Result
}

// Result is what came of one request.
type Result struct {
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Err is nil only when the receiver answered 2xx. It shows neither the path
	// nor the query of the address.
	Err error
	// Retry is set when another request may succeed, RetryAfter is what the
	// receiver asked for, at most a day.
	Retry      bool
	RetryAfter time.Duration
}

// Do makes one request, which takes [webhook.Timeout] at most. It can be
// repeated: who left a list leaves it again. The id does not go out, since a
// request of this kind tells nothing of who makes it (RFC 8058 section 3.2).
func Do(ctx context.Context, s Sender, o Offer, id string) Result {
	if o.claim.URL == "" {
		return Result{Err: ErrNoOffer}
	}
	to := webhook.Endpoint{URL: o.claim.URL, ContentType: "application/x-www-form-urlencoded", Egress: webhook.Confined}
	r := s.Send(ctx, to, id, time.Time{}, []byte(payload))
	out := Result{Status: r.Status, Err: r.Err, Retry: r.Retry, RetryAfter: r.RetryAfter}
	if r.Err == nil {
		return out
	}
	if errors.Is(r.Err, webhook.ErrEgress) {
		out.Err = fmt.Errorf("the address to unsubscribe at may not be called: %w", r.Err)
	}
	out.Retry = r.Retry && passes(r.Status)
	return out
}

// passes reports whether another request may find what this one did not. A
// redirect is against RFC 8058 section 3.1 and does not go away, nor does what a
// receiver says of the request (RFC 9110 section 15.5).
func passes(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status < 300 || status >= 500
}
