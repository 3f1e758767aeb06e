package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Result is what came of one attempt.
type Result struct {
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Err is nil for a 2xx answer only. It names neither the path nor the
	// query of the URL, which may hold a token.
	Err error
	// RetryAfter is what the receiver asked for, at most a day.
	RetryAfter time.Duration
	// Body is the begin of the answer, at most 512 bytes, printable.
	Body string
	// Retry is set when another attempt may succeed, also where that takes a
	// better configuration. A [Confined] call that is not let out has none.
	Retry bool
	// Gone is set when the receiver said 410: it wants no more calls, of any
	// id.
	Gone bool
}

// failed is the result of an attempt that got no answer.
func failed(to Endpoint, err error) Result {
	return Result{Err: err, Retry: to.Egress != Confined || !errors.Is(err, ErrEgress)}
}

func answer(resp *http.Response, body string, err error) Result {
	r := Result{Status: resp.StatusCode, Body: text(body, maxAnswer), RetryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	switch {
	case resp.StatusCode/100 == 2 && err == nil:
		return r
	case resp.StatusCode/100 == 2:
		r.Err = fmt.Errorf("reading the answer: %w", safe(err))
	case resp.StatusCode/100 == 3:
		r.Err = fmt.Errorf("the receiver answered %d; redirects are not followed, use the final URL", resp.StatusCode)
	default:
		r.Err = fmt.Errorf("the receiver answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	r.Gone = resp.StatusCode == http.StatusGone
	r.Retry = !r.Gone
	return r
}

// safe takes the URL out of an error of net/http: its path and query may hold
// a token.
func safe(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v", Timeout)
	}
	return err
}

// retryAfter reads a Retry-After of seconds or of an HTTP date (RFC 9110
// section 10.2.3).
func retryAfter(v string) time.Duration {
	const most = 24 * time.Hour
	if n, err := strconv.ParseUint(v, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, most)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return max(0, min(time.Until(at), most))
}
