package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// endpoint is a receiver that answers as it is told.
type endpoint struct {
	mu    sync.Mutex
	calls []string
	says  webhook.Result
	holds chan struct{} // where it is set, calls wait until it is closed
}

func (e *endpoint) Send(_ context.Context, _ webhook.Endpoint, id string, _ time.Time, _ []byte) webhook.Result {
	e.mu.Lock()
	e.calls = append(e.calls, id)
	says, holds := e.says, e.holds
	e.mu.Unlock()
	if holds != nil {
		<-holds
	}
	return says
}

func (e *endpoint) answer(r webhook.Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.says, e.holds = r, nil
}

func (e *endpoint) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.calls)
}

var errAnswer = errors.New("it did not take it")

func busy() webhook.Result { return webhook.Result{Status: 503, Err: errAnswer, Retry: true} }
func never() webhook.Result {
	return webhook.Result{Status: 400, Err: errAnswer}
}
func gone() webhook.Result { return webhook.Result{Status: 410, Err: errAnswer, Gone: true} }

// calling is an account with a rule that calls an endpoint, and one message that it
// is about, in a bubble.
func calling(t *testing.T, says webhook.Result, test func(r *rig, cfg *config.Config, hook *endpoint)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pipes(t, imaptest.Options{}))
		hook := &endpoint{says: says}
		r.sender = hook
		cfg := r.config("", hookAll)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		test(r, cfg, hook)
	})
}

// serving is a daemon and its journal while f works beside them.
func (r *rig) serving(cfg *config.Config, f func(e *engine.Engine, j journal.Journal)) {
	r.t.Helper()
	var j journal.Journal
	r.daemon(cfg, func(e *engine.Engine) { f(e, j) }, func(o *engine.Options) { j = o.Journal })
}

func only(t testing.TB, j journal.Journal) journal.Delivery {
	t.Helper()
	all, err := j.Deliveries(t.Context(), journal.DeliveryQuery{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d calls, %v", len(all), err)
	}
	return all[0]
}

// TestReplayThroughTheDaemon: a call that was given up is made at once, under its
// ID, and one that was delivered only when that is asked for.
func TestReplayThroughTheDaemon(t *testing.T) {
	calling(t, never(), func(r *rig, cfg *config.Config, hook *endpoint) {
		r.serving(cfg, func(e *engine.Engine, j journal.Journal) {
			time.Sleep(time.Minute)
			dead := only(r.t, j)
			if dead.State != journal.Dead {
				r.t.Fatalf("%+v", dead)
			}
			hook.answer(webhook.Result{Status: 200})
			ask := engine.Replay{Account: "home", IDs: []string{dead.ID, "msg_unknown", ""}}
			for i, tt := range []struct {
				delivered bool
				n, calls  int
			}{{false, 1, 2}, {false, 0, 2}, {true, 1, 3}} {
				ask.Delivered = tt.delivered
				n, err := e.Replay(r.t.Context(), ask)
				time.Sleep(time.Second)
				if d := only(r.t, j); err != nil || n != tt.n || hook.count() != tt.calls || d.State != journal.Delivered || d.Restarted != tt.calls-1 || d.Attempts != tt.calls {
					r.t.Errorf("%d: %d replayed, %d calls, %v, %+v", i, n, hook.count(), err, d)
				}
			}
			for _, id := range hook.calls {
				if id != dead.ID {
					r.t.Errorf("the IDs are %q", hook.calls)
				}
			}
			if string(only(r.t, j).Payload) != string(dead.Payload) || len(dead.Payload) == 0 {
				r.t.Error("the document is another one")
			}
			if n, err := e.Replay(r.t.Context(), engine.Replay{Account: "work", IDs: ask.IDs}); err == nil {
				r.t.Errorf("%d calls of an account that is not there", n)
			}
			if n, err := e.Replay(r.t.Context(), engine.Replay{Account: "home", IDs: make([]string, engine.MaxReplay+1)}); err == nil {
				r.t.Errorf("%d calls of too many", n)
			}
		})
	})
}

// TestReplayEndsTheRest: an endpoint that took none of the last calls is called at
// once.
func TestReplayEndsTheRest(t *testing.T) {
	calling(t, busy(), func(r *rig, cfg *config.Config, hook *endpoint) {
		r.serving(cfg, func(e *engine.Engine, j journal.Journal) {
			for hook.count() < 2 {
				time.Sleep(time.Second)
			}
			d := only(r.t, j)
			hook.answer(webhook.Result{Status: 200})
			if _, err := e.Replay(r.t.Context(), engine.Replay{Account: "home", IDs: []string{d.ID}}); err != nil {
				r.t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
			if d.Next.Before(time.Now()) || hook.count() != 3 || only(r.t, j).State != journal.Delivered {
				r.t.Errorf("%d calls, due %v: %+v", hook.count(), d.Next, only(r.t, j))
			}
		})
	})
}

// TestReplayOfACallOnItsWay: what comes of the call does not undo the replay, and
// the attempt that would have been the last one is not.
func TestReplayOfACallOnItsWay(t *testing.T) {
	calling(t, never(), func(r *rig, cfg *config.Config, hook *endpoint) {
		r.serving(cfg, func(e *engine.Engine, j journal.Journal) {
			time.Sleep(time.Minute)
			release := make(chan struct{})
			hook.mu.Lock()
			hook.holds = release
			hook.mu.Unlock()
			d := only(r.t, j)
			ask := engine.Replay{Account: "home", IDs: []string{d.ID}}
			for range 2 { // the first sets it on its way
				if n, err := e.Replay(r.t.Context(), ask); n != 1 || err != nil {
					r.t.Fatal(n, err)
				}
				time.Sleep(time.Second)
			}
			if hook.count() != 2 {
				r.t.Fatalf("%d calls", hook.count())
			}
			hook.answer(webhook.Result{Status: 200})
			close(release)
			time.Sleep(time.Millisecond)
			if d := only(r.t, j); d.State != journal.Pending || d.Restarted != 2 || d.Attempts != 2 || d.LastStatus != 400 {
				r.t.Errorf("after the failure: %+v", d)
			}
			time.Sleep(time.Minute)
			if d := only(r.t, j); d.State != journal.Delivered || d.Attempts != 3 {
				r.t.Errorf("in the end: %+v", d)
			}
		})
	})
}

// TestReplayWithoutADaemon: the next run makes the calls.
func TestReplayWithoutADaemon(t *testing.T) {
	calling(t, never(), func(r *rig, cfg *config.Config, hook *endpoint) {
		r.once(cfg)
		hook.answer(webhook.Result{Status: 200})
		var ask engine.Replay
		r.with(cfg, func(j journal.Journal) {
			d := only(r.t, j)
			ask = engine.Replay{Account: "home", IDs: []string{d.ID}}
			if n, err := engine.ReplayOffline(r.t.Context(), j, "test", ask); n != 1 || err != nil {
				r.t.Error(n, err)
			}
			if d = only(r.t, j); d.State != journal.Pending || d.Restarted != 1 || d.Next.After(time.Now()) || hook.count() != 1 {
				r.t.Errorf("%+v after %d calls", d, hook.count())
			}
		})
		r.once(cfg)
		r.with(cfg, func(j journal.Journal) {
			if d := only(r.t, j); d.State != journal.Delivered || hook.count() != 2 {
				r.t.Errorf("%+v after %d calls", d, hook.count())
			}
			if n, err := engine.ReplayOffline(r.t.Context(), j, "test", ask); n != 0 || err != nil {
				r.t.Error("delivered:", n, err)
			}
		})
	})
}

// TestReplayWants: what waits for other actions has nothing to say yet.
func TestReplayWants(t *testing.T) {
	for _, s := range journal.DeliveryStates() {
		got := []bool{engine.Replay{}.Wants(s), engine.Replay{Delivered: true}.Wants(s)}
		want := map[journal.DeliveryState][]bool{journal.Pending: {true, true}, journal.Dead: {true, true}, journal.Delivered: {false, true}}[s]
		if want == nil {
			want = []bool{false, false}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", s, got)
		}
	}
}

// An endpoint that wants no more calls is an event, once, however many calls it answered
// so; it is one again after it was enabled.
func TestGoneIsAnEvent(t *testing.T) {
	calling(t, gone(), func(r *rig, cfg *config.Config, hook *endpoint) {
		for _, subject := range []string{"b", "c", "d"} {
			r.mail("INBOX", subject, "x@example.org")
		}
		hook.holds = make(chan struct{})
		events := func(j journal.Journal) (out []string) {
			all, err := j.Tail(r.t.Context(), "home", 0, 0)
			if err != nil {
				r.t.Fatal(err)
			}
			for _, ev := range all {
				if ev.Kind == "webhook" {
					out = append(out, ev.Text)
				}
			}
			return out
		}
		r.serving(cfg, func(e *engine.Engine, j journal.Journal) {
			time.Sleep(time.Minute)
			close(hook.holds) // four answers together
			time.Sleep(time.Minute)
			if got := events(j); len(got) != 1 || !strings.Contains(got[0], "endpoint ci wants no more calls") || hook.count() != 4 {
				r.t.Errorf("%q after %d calls", got, hook.count())
			}
			enabled(r, func() (bool, error) { return e.Enable(r.t.Context(), "ci") })
			time.Sleep(time.Minute)
			if got := events(j); len(got) != 2 {
				r.t.Errorf("%q", got)
			}
		})
	})
}

// The status tells of an endpoint that is left alone, as long as it is.
func TestStatusTellsWhoRests(t *testing.T) {
	calling(t, busy(), func(r *rig, cfg *config.Config, hook *endpoint) {
		r.serving(cfg, func(e *engine.Engine, _ journal.Journal) {
			for hook.count() < 1 {
				time.Sleep(time.Second)
			}
			resting := func() []engine.Resting {
				s, err := e.Status(r.t.Context())
				if err != nil || len(s.Accounts) != 1 {
					r.t.Fatalf("%+v, %v", s, err)
				}
				return s.Accounts[0].Resting
			}
			if got := resting(); len(got) != 1 || got[0].Endpoint != "ci" || !got[0].Until.After(time.Now()) || got[0].Why != errAnswer.Error() {
				r.t.Errorf("%+v", got)
			}
			hook.answer(webhook.Result{Status: 200})
			time.Sleep(24 * time.Hour)
			if got := resting(); len(got) != 0 {
				r.t.Errorf("%+v", got)
			}
		})
	})
}

// TestEnable: an endpoint that wanted no more calls gets what waited for it, in a
// running daemon and by the next run.
func TestEnable(t *testing.T) {
	for _, daemon := range []bool{true, false} {
		calling(t, gone(), func(r *rig, cfg *config.Config, hook *endpoint) {
			r.serving(cfg, func(e *engine.Engine, j journal.Journal) {
				time.Sleep(time.Minute)
				r.mail("INBOX", "b", "x@example.org")
				hook.answer(webhook.Result{Status: 200})
				time.Sleep(2 * time.Hour)
				sum, err := j.Summary(r.t.Context())
				if err != nil || hook.count() != 1 || len(sum[0].Disabled) != 1 || !engine.Refuses(sum[0].Disabled[0], cfg.Webhooks[0]) {
					r.t.Fatalf("%d calls, %+v, %v", hook.count(), sum, err)
				}
				moved := cfg.Webhooks[0]
				moved.URL += "elsewhere"
				if engine.Refuses(sum[0].Disabled[0], moved) {
					r.t.Error("another receiver refuses as well")
				}
				if daemon {
					enabled(r, func() (bool, error) { return e.Enable(r.t.Context(), "ci") })
					time.Sleep(time.Second)
				}
			})
			if !daemon {
				r.with(cfg, func(j journal.Journal) {
					enabled(r, func() (bool, error) { return engine.EnableOffline(r.t.Context(), j, "test", "ci") })
				})
				r.once(cfg)
			}
			if hook.count() != 3 {
				r.t.Errorf("%d calls", hook.count())
			}
		})
	}
}

// enabled enables twice: the second time there is nothing to do.
func enabled(r *rig, enable func() (bool, error)) {
	r.t.Helper()
	for _, want := range []bool{true, false} {
		if got, err := enable(); got != want || err != nil {
			r.t.Errorf("enabled: %t, %v", got, err)
		}
	}
}

// TestCallSample: the call is like any other, and each has an ID of its own.
func TestCallSample(t *testing.T) {
	hook := &endpoint{says: webhook.Result{Status: 204}}
	a := engine.CallSample(t.Context(), hook, config.Webhook{Name: "ci", URL: "http://127.0.0.1:1/"}, "home")
	b := engine.CallSample(t.Context(), hook, config.Webhook{Name: "ci", URL: "http://127.0.0.1:1/"}, "home")
	if a.Result.Status != 204 || a.ID == b.ID || !slices.Equal(hook.calls, []string{a.ID, b.ID}) {
		t.Errorf("%+v, %+v, %q", a, b, hook.calls)
	}
	calling(t, never(), func(r *rig, _ *config.Config, hook *endpoint) {
		cfg := r.config("", "webhooks:\n  ci: {url: \"http://127.0.0.1:1/\", secret: {env: NONE_OF_THESE}}\n")
		if s := engine.CallSample(r.t.Context(), hook, cfg.Webhooks[0], "home"); s.Result.Err == nil || hook.count() != 0 {
			r.t.Errorf("it was called without its secret: %+v", s)
		}
	})
}

// TestReloadLooksAtTheOutbox: another URL is another receiver, as soon as it is in
// force.
func TestReloadLooksAtTheOutbox(t *testing.T) {
	calling(t, gone(), func(r *rig, cfg *config.Config, hook *endpoint) {
		r.serving(cfg, func(e *engine.Engine, j journal.Journal) {
			time.Sleep(time.Minute)
			hook.answer(webhook.Result{Status: 200})
			moved := *cfg
			moved.Webhooks = slices.Clone(cfg.Webhooks)
			moved.Webhooks[0].URL += "elsewhere"
			if err := e.Reload(&moved); err != nil {
				r.t.Fatal(err)
			}
			time.Sleep(time.Second)
			if d := only(r.t, j); d.State != journal.Delivered {
				r.t.Errorf("%d calls: %+v", hook.count(), d)
			}
		})
	})
}
