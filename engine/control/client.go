package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
)

// ErrNoDaemon means that nobody listens on the socket.
var ErrNoDaemon = errors.New("no daemon is running")

// ErrNoMethod means that the daemon does not know the call: it is of another
// version.
var ErrNoMethod = errors.New("the running daemon does not know this command; is it of another version?")

// Client calls a daemon.
type Client struct {
	path string
	http *http.Client
}

// NewClient makes a client for a socket. It connects with each call.
func NewClient(path string) *Client {
	return &Client{path: path, http: &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, path) },
		},
	}}
}

// Call asks the daemon to do something; out takes the result and may be nil.
// The error is ErrNoDaemon when none runs, ErrNoMethod when it does not know
// the call, and an *Error when its handler failed.
func (c *Client) Call(ctx context.Context, method string, in, out any) error {
	if Nobody(c.path) {
		return ErrNoDaemon
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://daemon/"+url.PathEscape(method), bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return ErrNoDaemon
		}
		if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && ctx.Err() == nil {
			return fmt.Errorf("the daemon did not answer within %v: it is in the midst of something that takes long; 'imapilot status' shows what it does", c.http.Timeout)
		}
		return fmt.Errorf("asking the daemon: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return ErrNoMethod
	}
	return read(resp.Body, out)
}

// Nobody reports whether there is no socket at a path: most commands ask first, and a
// client that finds that out takes milliseconds to set up.
func Nobody(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

func read(r io.Reader, out any) error {
	var answer reply
	if err := json.NewDecoder(io.LimitReader(r, maxAnswer+4096)).Decode(&answer); err != nil {
		return fmt.Errorf("the daemon's answer cannot be read: %w", err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, out)
}
