package webhook

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// Timeout is how long one call may take, from connecting to the last byte of
// the answer.
const Timeout = 15 * time.Second

// maxAnswer is how much of an answer is read and kept.
const maxAnswer = 512

// Client sends webhooks. It is safe for concurrent use.
type Client struct {
	transports transports
	userAgent  string
}

// NewClient makes a client that introduces itself as imapilot/version.
func NewClient(version string) *Client {
	return &Client{userAgent: "imapilot/" + version}
}

// Send makes one attempt. id and at are the webhook-id and the time of the
// attempt.
func (c *Client) Send(ctx context.Context, to Endpoint, id string, at time.Time, payload []byte) Result {
	req, err := c.request(ctx, to, id, at, payload)
	if err != nil {
		return failed(to, err)
	}
	client := http.Client{
		Timeout: Timeout, Transport: c.transports.of(to),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return failed(to, safe(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer(resp, string(body), err)
}

// request builds the request of one attempt.
func (c *Client) request(ctx context.Context, to Endpoint, id string, at time.Time, payload []byte) (*http.Request, error) {
	u, err := to.parse()
	if err != nil {
		return nil, err
	}
	if to.method() == http.MethodGet {
		payload = nil
	}
	req, err := http.NewRequestWithContext(ctx, to.method(), u.String(), bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	for name, value := range to.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", c.userAgent)
	if to.method() != http.MethodGet {
		req.Header.Set("Content-Type", to.contentType())
	}
	if to.Egress == Confined {
		return req, nil
	}
	return req, sign(req.Header, to.Secrets, id, at, payload)
}

// Close closes the connections that are idle. The client can still be used.
func (c *Client) Close() { c.transports.close() }
