package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// called is one call that a party of endpoints got.
type called struct {
	url, id string
	at      time.Time
	doc     webhook.Message
}

// party answers for all endpoints, by their URLs.
type party struct {
	mu     sync.Mutex
	calls  []called
	answer map[string]func(n int) webhook.Result // of the n-th call from 1; nil is 200
	count  map[string]int
	now    int // calls under way
	most   int
	slow   time.Duration
}

func newParty() *party {
	return &party{answer: map[string]func(int) webhook.Result{}, count: map[string]int{}}
}

func (p *party) Send(_ context.Context, to webhook.Endpoint, id string, at time.Time, payload []byte) webhook.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := called{url: to.URL, id: id, at: at}
	if err := json.Unmarshal(payload, &c.doc); err != nil {
		return webhook.Result{Err: err}
	}
	p.calls = append(p.calls, c)
	p.count[to.URL]++
	n := p.count[to.URL]
	p.now++
	p.most = max(p.most, p.now)
	p.mu.Unlock()
	time.Sleep(p.slow) // by the bubble's clock
	p.mu.Lock()
	p.now--
	if answer := p.answer[to.URL]; answer != nil {
		return answer(n)
	}
	return webhook.Result{Status: 200}
}

func (p *party) of(url string) []called {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.calls), func(c called) bool { return c.url != url })
}

func always(status int) func(int) webhook.Result {
	return func(int) webhook.Result { return refusal(status) }
}

func refusal(status int) webhook.Result {
	return webhook.Result{Status: status, Err: fmt.Errorf("the receiver answered %d", status), Body: "no", Retry: status != 410, Gone: status == 410}
}

// patient is a server whose days cost no time: while a client idles, the one in
// memory looks for news all the time.
func patient() imaptest.Options { return imaptest.Options{NoIdle: true} }

const (
	firstURL  = "http://127.0.0.1:1/first"
	secondURL = "http://127.0.0.1:1/second"
)

// hooking is a configuration whose rules do something with two endpoints.
func hooking(r *rig, rules string) *config.Config {
	return r.config("poll: 1h\nidle: 29m", "webhooks:\n  first: {url: '"+firstURL+"'}\n  second: {url: '"+secondURL+"'}\nrules:\n"+rules)
}

func (r *rig) deliveries(cfg *config.Config, q journal.DeliveryQuery) (out []journal.Delivery) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		var err error
		if out, err = j.Deliveries(context.Background(), q); err != nil {
			r.t.Fatal(err)
		}
	})
	return out
}

// A call that fails is tried as often as the schedule says, with one id, and then
// it is dead; what came of each attempt is kept.
func TestCallsKeepToTheSchedule(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		p.answer[firstURL] = always(500)
		r.sender = p
		cfg := hooking(r, "  - {name: one, if: true, then: [{webhook: first}]}\n")
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		began := time.Now()
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(8 * 24 * time.Hour) })
		calls := p.of(firstURL)
		if len(calls) != webhook.Attempts() {
			t.Fatalf("%d calls, want %d", len(calls), webhook.Attempts())
		}
		for i, c := range calls {
			if c.id != calls[0].id {
				t.Errorf("call %d has another id", i)
			}
			t.Logf("call %d after %v", i+1, c.at.Sub(began).Round(time.Second))
		}
		dead := r.deliveries(cfg, journal.DeliveryQuery{States: []journal.DeliveryState{journal.Dead}})
		if len(dead) != 1 || dead[0].Attempts != webhook.Attempts() {
			t.Fatalf("%+v", dead)
		}
		r.with(cfg, func(j journal.Journal) {
			all, err := j.Attempts(context.Background(), "home", calls[0].id)
			if err != nil || len(all) != webhook.Attempts() || all[3].Status != 500 || all[3].Answer != "no" || all[3].N != 4 {
				t.Errorf("%+v, %v", all, err)
			}
		})
	})
}

// A dead endpoint delays neither another one nor a mailbox, and is not asked again
// for each of the calls that it is owed.
func TestADeadEndpointDelaysNobody(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		p.slow = 15 * time.Second
		p.answer[firstURL] = func(int) webhook.Result {
			return webhook.Result{Err: errors.New("no answer within 15s"), Retry: true}
		}
		r.sender = p
		cfg := hooking(r, "  - {name: all, if: true, then: [{webhook: first}, {webhook: second}, {move: Done}]}\n")
		r.once(cfg)
		const messages = 100
		for i := range messages {
			r.mail("INBOX", fmt.Sprintf("m%03d", i), "x@example.org")
		}
		r.daemon(cfg, func(*engine.Engine) {
			time.Sleep(4 * time.Minute)
			if got := len(r.subjects("Done")); got != messages {
				t.Errorf("%d messages were moved", got)
			}
			if got := len(p.of(secondURL)); got != messages {
				t.Errorf("the other endpoint got %d calls", got)
			}
			if got := len(p.of(firstURL)); got == 0 || got > 25 {
				t.Errorf("the dead endpoint got %d calls in 4 minutes", got)
			}
		})
		for _, d := range r.deliveries(cfg, journal.DeliveryQuery{Endpoint: "first"}) {
			made := slices.IndexFunc(p.of(firstURL), func(c called) bool { return c.id == d.ID }) >= 0
			if d.State != journal.Pending || made != (d.Attempts > 0) {
				t.Errorf("%+v: an attempt was recorded that was not made, or the other way round (%t)", d, made)
			}
		}
		if p.most > 16 {
			t.Errorf("%d calls at once", p.most)
		}
	})
}

// Of the calls about one message to one endpoint the second waits for the first.
func TestCallsAboutOneMessageKeepTheirOrder(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		p.answer[firstURL] = func(n int) webhook.Result {
			if n <= 3 {
				return refusal(503)
			}
			return webhook.Result{Status: 200}
		}
		r.sender = p
		cfg := hooking(r, "  - {name: one, if: true, then: [{webhook: first}]}\n  - {name: two, if: true, then: [{webhook: first}]}\n")
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(24 * time.Hour) })
		var rules []string
		for _, c := range p.of(firstURL) {
			rules = append(rules, c.doc.Rule)
		}
		if got := strings.Join(rules, " "); got != "one one one one two" {
			t.Errorf("called for %s", got)
		}
	})
}

// An endpoint that says 410 gets no more calls, and loses none: another URL is
// another receiver.
func TestAnEndpointThatIsGone(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		p.answer[firstURL] = always(410)
		r.sender = p
		rules := "  - {name: both, if: true, then: [{webhook: first}, {webhook: second}]}\n"
		cfg := hooking(r, rules)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.daemon(cfg, func(*engine.Engine) {
			time.Sleep(time.Hour)
			r.mail("INBOX", "b", "x@example.org")
			time.Sleep(time.Hour)
		})
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
		if got, other := len(p.of(firstURL)), len(p.of(secondURL)); got != 1 || other != 2 {
			t.Errorf("%d calls after 410, %d to the other", got, other)
		}
		moved := r.config("", "webhooks:\n  first: {url: '"+firstURL+"/new'}\n  second: {url: '"+secondURL+"'}\nrules:\n"+rules)
		r.daemon(moved, func(*engine.Engine) { time.Sleep(time.Hour) })
		if got := len(p.of(firstURL + "/new")); got != 2 {
			t.Errorf("the new URL got %d calls, want 2", got)
		}
	})
}

// A call that waits for the other actions says where the message is then.
func TestACallAfterTheOtherActions(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		p := newParty()
		r.sender = p
		cfg := hooking(r, `  - name: file
    if: true
    then: [{webhook: {to: first, when: done, title: 'Filed ${subject}'}}, {add_flags: ['\Seen']}, {move: A/Done}]
`)
		r.once(cfg)
		uid := r.mail("INBOX", "a", "x@example.org")
		r.once(cfg)
		r.once(cfg)
		calls := p.of(firstURL)
		if len(calls) != 1 {
			t.Fatalf("%d calls", len(calls))
		}
		doc := calls[0].doc
		if doc.Title != "Filed a" || doc.UID != uint32(uid) || doc.Result == nil || doc.Result.Mailbox != "A/Done" {
			t.Fatalf("%+v, %+v", doc, doc.Result)
		}
		if doc.Result.UID != 0 {
			found := srv.Messages(t, "A/Done")
			if len(found) != 1 || uint32(found[0].UID) != doc.Result.UID {
				t.Errorf("it is at %+v, the call says %+v", found, doc.Result)
			}
		}
	})
}

// A call whose actions will not be done is cancelled, and one whose actions wait
// waits with them.
func TestACallWhoseActionsAreNotDone(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		r.sender = p
		cfg := hooking(r, "  - {name: file, if: true, then: [{webhook: {to: first, when: done}}, {move: A}]}\n")
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Minute) }, hooked(t, r, refusing("UID MOVE", "NO [OVERQUOTA] full").hook))
		if got := r.deliveries(cfg, journal.DeliveryQuery{}); len(got) != 1 || got[0].State != journal.Waiting || len(p.calls) != 0 {
			t.Fatalf("%+v, %d calls", got, len(p.calls))
		}
		r.srv.Empty(t, "INBOX")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(48 * time.Hour) })
		if got := r.deliveries(cfg, journal.DeliveryQuery{}); got[0].State != journal.Cancelled || len(p.calls) != 0 {
			t.Errorf("%+v, %d calls", got, len(p.calls))
		}
	})
}

// In dry run nothing is called, not even what was owed before; it is not lost.
func TestDryRunCallsNobody(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		p.answer[firstURL] = func(n int) webhook.Result {
			if n == 1 {
				return refusal(503)
			}
			return webhook.Result{Status: 200}
		}
		r.sender = p
		cfg := hooking(r, "  - {name: one, if: true, then: [{webhook: first}]}\n")
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.once(cfg)
		dry := *cfg
		dry.DryRun = true
		r.once(cfg, dryRun)
		r.daemon(&dry, func(e *engine.Engine) {
			time.Sleep(24 * time.Hour)
			if got := len(p.of(firstURL)); got != 1 {
				t.Errorf("%d calls in dry run", got-1)
			}
			if err := e.Reload(cfg); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if got := len(p.of(firstURL)); got != 2 {
				t.Errorf("%d calls after it", got-1)
			}
		})
	})
}

// echo is a receiver that keeps what it gets.
type echo struct{ got []string }

func (e *echo) Send(_ context.Context, _ webhook.Endpoint, _ string, _ time.Time, payload []byte) webhook.Result {
	e.got = append(e.got, string(payload))
	return webhook.Result{Status: 200}
}

// A document of the user's own is told where the message is, unless that would take
// the place of what he wrote.
func TestTheResultTakesNoPlaceOfAnother(t *testing.T) {
	for doc, want := range map[string]string{
		"{result: mine}": `{"result":"mine"}`,
		"{a: 1}":         `{"a":1,"result":{"mailbox":"INBOX","uidvalidity":1,"uid":1}}`,
		"[1]":            `[1]`,
	} {
		safeguard(t, patient(), func(t *testing.T, r *rig) {
			e := &echo{}
			r.sender = e
			cfg := hooking(r, "  - {name: one, if: true, then: [{webhook: {to: first, when: done, json: "+doc+"}}]}\n")
			r.once(cfg)
			r.mail("INBOX", "a", "x@example.org")
			r.once(cfg)
			if !slices.Equal(e.got, []string{want}) {
				t.Errorf("%s: %q", doc, e.got)
			}
		})
	}
}
