package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"imapilot/actions/webhook"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// asked is a request that a receiver got.
type asked struct {
	method, path, body string
	header             http.Header
}

// listener is a receiver on loopback.
func listener(t *testing.T) (url string, requests func() []asked) {
	t.Helper()
	var mu sync.Mutex
	var all []asked
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, asked{r.Method, r.URL.Path, string(body), r.Header})
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() []asked {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// What the configuration says of an endpoint is what the receiver gets.
func TestCallsAreMadeAsConfigured(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{})
	r := newRig(t, srv)
	client := webhook.NewClient("test")
	t.Cleanup(client.Close)
	r.sender = client
	url, requests := listener(t)
	t.Setenv("TOPIC_TOKEN", "tk_secret")
	t.Setenv("OLD", "whsec_"+strings.Repeat("QUJD", 8))
	cfg := r.config("", `
webhooks:
  own: {url: '`+url+`/own', method: PUT, content_type: application/vnd.example+json, headers: {X-One: a, Authorization: {env: TOPIC_TOKEN}}, secrets: [{env: OLD}, {env: TOPIC_TOKEN}]}
  phone: {preset: ntfy, url: '`+url+`', to: mail, token: {env: TOPIC_TOKEN}}
  fenced: {url: '`+url+`/fenced', egress: public}
rules:
  - name: tell
    if: true
    then:
      - webhook: {to: own, json: {subject: '${subject}', bytes: '${size}'}}
      - webhook: {to: phone, title: 'New: ${subject}', body: "From ${from.address}"}
      - webhook: fenced
`)
	r.once(cfg)
	r.mail("INBOX", "hello", "ann@example.org")
	r.once(cfg)
	got := map[string]asked{}
	for _, a := range requests() {
		got[a.path] = a
	}
	if own := got["/own"]; own.method != "PUT" || !strings.HasPrefix(own.body, `{"subject":"hello","bytes":`) || own.header.Get("X-One") != "a" ||
		own.header.Get("Authorization") != "tk_secret" || own.header.Get("Content-Type") != "application/vnd.example+json" ||
		len(strings.Fields(own.header.Get("Webhook-Signature"))) != 2 {
		t.Errorf("%+v", own)
	}
	if phone := got["/"]; !strings.Contains(phone.body, `"topic":"mail"`) || !strings.Contains(phone.body, "New: hello") ||
		!strings.Contains(phone.body, "From ann@example.org") || phone.header.Get("Authorization") != "Bearer tk_secret" {
		t.Errorf("%+v", phone)
	}
	if _, reached := got["/fenced"]; reached {
		t.Error("a confined endpoint called loopback")
	}
	rows := r.deliveries(cfg, journal.DeliveryQuery{Endpoint: "fenced"})
	if len(rows) != 1 || rows[0].State != journal.Pending || !strings.Contains(rows[0].LastError, "not let out") {
		t.Errorf("%+v", rows)
	}
}
