package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"imapilot/actions/webhook"
)

// demoSecret signs the demo's webhooks.
const demoSecret = "whsec_ZGVtby1zZWNyZXQtb2YtdGhlLWltYXBpbG90"

// receiver is the webhook endpoint of the demo. It checks signatures as a
// receiver should (https://www.standardwebhooks.com).
type receiver struct {
	url string
	srv *http.Server

	mu    sync.Mutex
	calls []received
}

type received struct {
	webhook.Message
	wrong string
}

func newReceiver() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + l.Addr().String() + "/chat"}
	r.srv = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.srv.Serve(l) }() // it ends when close closes it
	return r, nil
}

func (r *receiver) close() { r.srv.Close() }

// ServeHTTP takes one call; a repeated webhook-id counts once.
func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 64<<10))
	var call received
	switch {
	case err != nil:
		call.wrong = err.Error()
	case !signed(req.Header, body):
		call.wrong = "the signature is wrong"
	default:
		if err := json.Unmarshal(body, &call.Message); err != nil {
			call.wrong = err.Error()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.ContainsFunc(r.calls, func(c received) bool { return c.ID == call.ID }) {
		r.calls = append(r.calls, call)
	}
}

func signed(h http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(demoSecret[len("whsec_"):])
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "."))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(h.Get("webhook-signature")))
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// await waits until n calls arrived, at most five seconds.
func (r *receiver) await(n int) {
	for deadline := time.Now().Add(5 * time.Second); len(r.all()) < n && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
}
