package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Timeout is how long one call may take, from connecting to the last byte of
// the answer.
const Timeout = 15 * time.Second

// maxAnswer is how much of an answer is read and kept.
const maxAnswer = 512

// Endpoint is where a call goes.
type Endpoint struct {
	URL string
	// Secret signs the call: "whsec_" and base64, or any other string as it
	// is. Empty: the call is not signed.
	Secret []byte
}

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
	// better configuration.
	Retry bool
	// Gone is set when the receiver said 410: it wants no more calls, of any
	// id.
	Gone bool
}

// Client sends webhooks. It is safe for concurrent use.
type Client struct {
	http      *http.Client
	userAgent string
}

// NewClient makes a client that introduces itself as imapilot/version.
func NewClient(version string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 16, 2
	transport.IdleConnTimeout = 30 * time.Second
	transport.MaxResponseHeaderBytes = 64 << 10
	return &Client{
		userAgent: "imapilot/" + version,
		http: &http.Client{
			Timeout: Timeout, Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Send makes one attempt. id and at are the webhook-id and the time of the
// attempt.
func (c *Client) Send(ctx context.Context, to Endpoint, id string, at time.Time, payload []byte) Result {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(payload))
	if err != nil {
		return Result{Err: errors.New("the URL of the webhook is not valid"), Retry: true}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if err := sign(req.Header, to.Secret, id, at, payload); err != nil {
		return Result{Err: err, Retry: true}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Result{Err: safe(err), Retry: true}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer(resp, string(body), err)
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
