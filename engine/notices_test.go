package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// told is a receiver of notices, by the name in its path; the endpoints that it does
// not answer take no call.
type told struct {
	mu   sync.Mutex
	dead map[string]bool
	all  []webhook.Notice
	ids  []string
	to   []string
}

func (r *told) Send(_ context.Context, to webhook.Endpoint, id string, _ time.Time, body []byte) webhook.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := to.URL[strings.LastIndex(to.URL, "/")+1:]
	if r.dead[name] {
		return webhook.Result{Status: 500, Err: fmt.Errorf("HTTP 500"), Retry: true}
	}
	var n webhook.Notice
	if json.Unmarshal(body, &n) == nil && n.Type == webhook.TypeNotice {
		r.all, r.ids, r.to = append(r.all, n), append(r.ids, id), append(r.to, name)
	}
	return webhook.Result{Status: 200}
}

func (r *told) kinds() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, n := range r.all {
		out = append(out, n.Notice+" "+n.State)
	}
	return out
}

func (r *told) kill(name string, dead bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead[name] = dead
}

const noticed = `
notices: {webhook: phone}
webhooks:
  phone: {url: 'http://127.0.0.1:1/phone'}
  ci: {url: 'http://127.0.0.1:1/ci'}
rules:
  - name: tell
    if: has(subject, "tell")
    then: [{webhook: ci}]
  - name: move
    if: has(subject, "move")
    then: [{move: Moved}]
    max_messages: 1
`

// A parked account is told once, whatever restarts come; when the login works again that
// is told, too.
func TestNoticeOfAParkedAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pipes(t, imaptest.Options{})
		r := newRig(t, srv)
		got := &told{dead: map[string]bool{}}
		r.sender = got
		right := srv.Password
		good := r.config("poll: 10m\nidle: 10m", noticed)
		srv.Password = "wrong"
		cfg := r.config("poll: 10m\nidle: 10m", noticed)
		srv.Password = right
		for range 3 {
			r.daemon(cfg, func(e *engine.Engine) {
				time.Sleep(20 * time.Hour)
				if n := e.Notices(); len(n) != 1 || n[0].Kind != engine.NoticeParked {
					t.Errorf("stand: %+v", n)
				}
			})
		}
		if want := []string{"account_parked raised"}; !slices.Equal(got.kinds(), want) {
			t.Fatalf("told %q", got.kinds())
		}
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Hour)
			if err := e.Reload(good); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
			if n := e.Notices(); len(n) > 0 {
				t.Errorf("stand: %+v", n)
			}
		})
		if want := []string{"account_parked raised", "account_parked over"}; !slices.Equal(got.kinds(), want) {
			t.Errorf("told %q", got.kinds())
		}
		n := got.all[0]
		if n.ID != got.ids[0] || n.Account != "home" || n.Title != "imapilot: account home is parked" || !strings.Contains(n.Body, "imapilot reload") || n.Since.IsZero() || n.Version != 1 {
			t.Errorf("%+v", n)
		}
		if n := got.all[1]; !strings.HasPrefix(n.Body, "this is over: ") {
			t.Errorf("over: %+v", n)
		}
	})
}

// A dead endpoint and held messages are told, once each; a dead endpoint of the notices
// is not told to itself.
func TestNoticesOfRulesAndEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pipes(t, imaptest.Options{})
		r := newRig(t, srv)
		got := &told{dead: map[string]bool{"ci": true}}
		r.sender = got
		cfg := r.config("poll: 10m\nidle: 10m", noticed)
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Minute)
			for i := range 3 {
				r.mail("INBOX", fmt.Sprintf("tell %d", i), "a@example.org")
				r.mail("INBOX", fmt.Sprintf("move %d", i), "a@example.org")
			}
			time.Sleep(time.Hour)
			if kinds := got.kinds(); !slices.Equal(sorted(kinds), []string{"endpoint_dead raised", "rule_held raised"}) {
				t.Fatalf("told %q", kinds)
			}
			got.kill("ci", false)
			if _, err := e.Amend(t.Context(), engine.Skip, engine.Selection{}); err != nil {
				t.Error(err)
			}
			r.mail("INBOX", "tell again", "a@example.org")
			time.Sleep(time.Hour)
			if kinds := got.kinds(); !slices.Equal(sorted(kinds), []string{"endpoint_dead over", "endpoint_dead raised", "rule_held over", "rule_held raised"}) {
				t.Errorf("told %q", kinds)
			}
			// Now the endpoint of the notices itself: what it says of others waits for it.
			got.kill("phone", true)
			for i := range 3 {
				r.mail("INBOX", fmt.Sprintf("move again %d", i), "a@example.org")
			}
			time.Sleep(30 * time.Minute)
			counts := e.NoticeCounts()
			if counts[engine.NoticeEndpoint].Active != 1 || counts[engine.NoticeEndpoint].Total != 2 || counts[engine.NoticeRuleHeld].Total != 2 {
				t.Errorf("%+v", counts)
			}
			got.kill("phone", false)
			time.Sleep(time.Hour)
			if kinds := got.kinds(); len(kinds) != 5 || kinds[4] != "rule_held raised" {
				t.Errorf("told %q", kinds)
			}
		})
		if got.to[0] != "phone" {
			t.Errorf("told to %q", got.to)
		}
		r.with(cfg, func(j journal.Journal) {
			events, err := j.Tail(t.Context(), "home", -1, 100)
			if err != nil {
				t.Error(err)
			}
			var kinds []string
			for _, e := range events {
				kinds = append(kinds, e.Kind)
			}
			if !slices.Contains(kinds, "endpoint_dead") || !slices.Contains(kinds, "endpoint_dead_over") || !slices.Contains(kinds, "rule_held") {
				t.Errorf("events: %q", kinds)
			}
		})
	})
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// In dry run nobody is called, and nothing is kept to be sent when it ends.
func TestNoticesInDryRunStayHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pipes(t, imaptest.Options{})
		r := newRig(t, srv)
		got := &told{dead: map[string]bool{}}
		r.sender = got
		srv.Password = "wrong"
		cfg := r.config("poll: 10m\nidle: 10m", noticed)
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Hour)
			if n := e.Notices(); len(n) != 1 {
				t.Errorf("%+v", n)
			}
		}, dryRun)
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
		if kinds := got.kinds(); len(kinds) > 0 {
			t.Errorf("told %q", kinds)
		}
	})
}
