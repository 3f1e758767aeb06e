package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/journal"
)

// A reload while the header fields of a batch are on their way: the new rules know
// nothing of a field that was not asked for, and must not take it for missing.
func TestFoundAReloadWhileABatchIsFetched(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		r.sender = &reader{}
		r.srv.Create(t, "B")
		const tell = "  - {name: tell, if: true, then: [{webhook: {to: first}}]}\n"
		before := hooking(r, tell)
		after := hooking(r, tell+"  - {name: tidy, if: list.id == \"\", then: [{move: B}]}\n")
		for i := range 3 {
			r.srv.Append(t, "INBOX", nil, time.Now(), append([]byte("List-Id: <l.example.org>\r\n"), long(fmt.Sprintf("m%02d", i), 100)...))
		}
		r.once(before)
		var daemon *engine.Engine
		var did atomic.Bool
		w := &wire{answer: func(line string) string {
			if strings.Contains(line, "BODY.PEEK[HEADER") && did.CompareAndSwap(false, true) {
				time.Sleep(time.Second)
				if err := daemon.Reload(after); err != nil {
					t.Error(err)
				}
			}
			return ""
		}}
		r.daemon(before, func(e *engine.Engine) {
			daemon = e
			time.Sleep(time.Minute)
			if _, err := e.StartApply(context.Background(), engine.Scope{}); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Minute)
		}, hooked(t, r, w.hook))
		if n := len(r.srv.Messages(t, "B")); n > 0 || !did.Load() {
			t.Errorf("%d lists were moved as if they were none (reloaded: %v)", n, did.Load())
		}
	})
}

// addressed notes the URLs that were called, and when.
type addressed struct {
	mu  sync.Mutex
	got []string
}

func (c *addressed) Send(_ context.Context, e webhook.Endpoint, _ string, at time.Time, _ []byte) webhook.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, at.Format("15:04:05")+" "+e.URL)
	return webhook.Result{Status: 200}
}

// Values that make no URL say nothing of the endpoint: their calls are dead at once,
// and delay no other.
func TestFoundValuesThatMakeNoURL(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		s := &addressed{}
		r.sender = s
		cfg := r.config("poll: 1m", `
webhooks:
  first: {url: 'http://127.0.0.1:1/${capture(subject, "#([0-9]+)")}'}
rules:
  - {name: tell, if: true, then: [{webhook: first}]}
`)
		r.once(cfg)
		for i := range 50 {
			r.mail("INBOX", fmt.Sprintf("none%d", i), "x@example.org")
		}
		began := time.Now()
		r.daemon(cfg, func(*engine.Engine) {
			time.Sleep(30 * time.Second)
			r.mail("INBOX", "good #42", "x@example.org")
			time.Sleep(5 * time.Minute)
		})
		if len(s.got) != 1 || !strings.HasSuffix(s.got[0], "/42") || s.got[0] > began.Add(2*time.Minute).Format("15:04:05") {
			t.Errorf("called: %q", s.got)
		}
		if dead := r.deliveries(cfg, journal.DeliveryQuery{States: []journal.DeliveryState{journal.Dead}}); len(dead) != 50 || dead[0].Attempts != 1 {
			t.Errorf("%d are dead: %+v", len(dead), dead[:min(1, len(dead))])
		}
	})
}

// A call that was cancelled and is owed again says what the rule says now.
func TestFoundACallOwedAgain(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		s := &addressed{}
		r.sender = s
		with := func(url, call string) string {
			return "webhooks:\n  first: {url: '" + url + "'}\nrules:\n  - {name: file, if: true, then: [" + call + "{move: A}]}\n"
		}
		const account = "poll: 1h\nidle: 29m"
		cfg := r.config(account, with("http://127.0.0.1:1/${subject}", "{webhook: {to: first, when: done, body: old}}, "))
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		full := refusing("UID MOVE", "NO [OVERQUOTA] full")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) }, hooked(t, r, full.hook))
		none := r.config(account, with("http://127.0.0.1:1/${subject}", ""))
		r.daemon(none, func(*engine.Engine) { time.Sleep(24 * time.Hour) }, hooked(t, r, full.hook))
		back := r.config(account, with("http://127.0.0.1:1/x/${size}", "{webhook: {to: first, when: done, include: [headers, raw], body: new}}, "))
		r.daemon(back, func(*engine.Engine) { time.Sleep(24 * time.Hour) }, hooked(t, r, full.hook))
		r.daemon(back, func(*engine.Engine) { time.Sleep(24 * time.Hour) })
		all := r.deliveries(back, journal.DeliveryQuery{})
		i := slices.IndexFunc(all, func(d journal.Delivery) bool { return d.State == journal.Delivered })
		if len(s.got) != 1 || i < 0 || !strings.Contains(string(all[i].Payload), `"body":"new"`) || !strings.Contains(string(all[i].Payload), `"headers"`) {
			t.Errorf("called %q: %+v", s.got, all)
		}
	})
}

// liar is a connection to a server that tells too small sizes.
type liar struct{ net.Conn }

func (l liar) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	copy(p[:n], bytes.ReplaceAll(p[:n], []byte("RFC822.SIZE 4"), []byte("RFC822.SIZE 1")))
	return n, err
}

// Messages that are larger than the server says do not come together, and so come one
// by one.
func TestLargeMessagesOfWhichTheSizeIsToldTooSmall(t *testing.T) {
	tooLargeForTheDetector(t)
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		hook := &reader{}
		r.sender = hook
		cfg := hooking(r, "  - {name: tell, if: true, then: [{webhook: {to: first, include: [raw], raw_limit: 5mb}}]}\n")
		r.once(cfg)
		for i := range 11 {
			r.srv.Append(t, "INBOX", nil, time.Now(), long(fmt.Sprintf("m%02d", i), 4<<20))
		}
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(10 * time.Minute) }, func(o *engine.Options) {
			dial := o.DialContext
			o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dial(ctx, network, address)
				return liar{c}, err
			}
		})
		if n := len(hook.docs); n != 11 {
			t.Errorf("%d of 11 calls were made", n)
		}
	})
}
