package engine_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// toURL is a configuration whose only rule moves a message and calls a URL.
func toURL(r *rig, url string) *config.Config {
	return r.config("poll: 1h\nidle: 29m", "webhooks:\n  first: {url: '"+url+"'}\nrules:\n  - {name: all, if: true, then: [{webhook: first}, {move: A}]}\n")
}

// The URL of a call is made of what its message said when it was decided, and stays
// within the segment or the parameter. The journal holds the values, and no URL.
func TestCallsFillTheirURL(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		r.sender = p
		cfg := toURL(r, "http://127.0.0.1:1/t0ken/${subject}/x?from=${from.address}&$${z}")
		r.once(cfg)
		r.mail("INBOX", "../a?b#c&d=e", "x@example.org")
		r.mail("INBOX", "..", "y@example.org")
		r.once(cfg)
		for _, want := range []string{
			"http://127.0.0.1:1/t0ken/..%2Fa%3Fb%23c%26d%3De/x?from=x%40example.org&${z}",
			"http://127.0.0.1:1/t0ken/__/x?from=y%40example.org&${z}",
		} {
			if len(p.of(want)) != 1 {
				t.Errorf("not called: %s; %+v", want, p.calls)
			}
		}
		for _, d := range r.deliveries(cfg, journal.DeliveryQuery{}) {
			if d.State != journal.Delivered || len(d.URL) != 2 || !strings.HasSuffix(d.URL["from.address"], "@example.org") {
				t.Errorf("%+v", d)
			}
		}
		files, err := filepath.Glob(cfg.State + "*")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(content, []byte("t0ken")) {
				t.Errorf("%s holds the URL", file)
			}
		}
	})
}

// A call whose URL got another expression since cannot be made, says so, and is made
// once the URL does without it.
func TestCallsOfAURLThatWasChanged(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		const old, changed = "http://127.0.0.1:1/${subject}", "http://127.0.0.1:1/${size}/${subject}"
		p := newParty()
		p.answer["http://127.0.0.1:1/a"] = always(503)
		r.sender = p
		cfg := toURL(r, old)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.once(cfg)
		r.daemon(toURL(r, changed), func(*engine.Engine) { time.Sleep(time.Hour) })
		d := r.deliveries(cfg, journal.DeliveryQuery{})
		if len(d) != 1 || d[0].State != journal.Pending || !strings.Contains(d[0].LastError, "${size} now") || len(p.calls) != 1 {
			t.Fatalf("%+v, %d calls", d, len(p.calls))
		}
		p.answer = map[string]func(int) webhook.Result{}
		r.daemon(toURL(r, "http://127.0.0.1:1/new/${subject}"), func(*engine.Engine) { time.Sleep(24 * time.Hour) })
		if d := r.deliveries(cfg, journal.DeliveryQuery{}); d[0].State != journal.Delivered || len(p.of("http://127.0.0.1:1/new/a")) != 1 {
			t.Errorf("%+v, %+v", d, p.calls)
		}
	})
}

// A value that is not known takes no action, and says so.
func TestURLThatCannotBeWorkedOut(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		r.sender = p
		cfg := toURL(r, `http://127.0.0.1:1/${format(received, "%Y")}/${capture(subject, "#([0-9]+)")}`)
		r.once(cfg)
		r.mail("INBOX", "a #42", "x@example.org")
		r.mail("INBOX", "no number", "x@example.org")
		r.once(cfg)
		if len(p.calls) != 1 {
			t.Errorf("%+v", p.calls)
		}
		// The empty segment is no URL of the user's, and its value stays.
		found := r.deliveries(cfg, journal.DeliveryQuery{States: []journal.DeliveryState{journal.Dead}})
		if len(found) != 1 || !strings.Contains(found[0].LastError, "empty") {
			t.Errorf("%+v", found)
		}
	})
}

// A sample has a value for each expression.
func TestSampleOfAURL(t *testing.T) {
	p := newParty()
	hook := config.Webhook{Name: "first", URL: "http://127.0.0.1:1/${subject}?n=${size}"}
	if s := engine.CallSample(context.Background(), p, hook, "home"); s.Result.Err != nil || len(p.of("http://127.0.0.1:1/test?n=test")) != 1 {
		t.Errorf("%+v, %+v", s, p.calls)
	}
}
