package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// line is a receiver that notes when it is called.
type line struct {
	mu     sync.Mutex
	ids    []string
	times  []time.Time
	answer func(id string) webhook.Result // nil is 200
}

func (l *line) Send(_ context.Context, _ webhook.Endpoint, id string, at time.Time, _ []byte) webhook.Result {
	l.mu.Lock()
	l.ids, l.times = append(l.ids, id), append(l.times, at)
	l.mu.Unlock()
	if l.answer != nil {
		return l.answer(id)
	}
	return webhook.Result{Status: 200}
}

func (l *line) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids)
}

// alone is a journal whose account "home" has nothing but an outbox, in a bubble.
func alone(t *testing.T, test func(t *testing.T, j journal.Journal)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j, err := sqlite.Open(t.Context(), t.TempDir()+"/j.db")
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		test(t, j)
	})
}

// owner takes the account over.
func owner(t *testing.T, j journal.Journal, by Sender, hooks ...config.Webhook) *account {
	t.Helper()
	own, snap, err := j.Acquire(t.Context(), "home", "test")
	if err != nil {
		t.Fatal(err)
	}
	a := pacedAccount(j, own, by, hooks)
	a.outbox.load(snap)
	return a
}

// delivering is a while in which the outbox of an account works.
func delivering(t *testing.T, a *account, while func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	wait := a.outbox.start(ctx, t.Context())
	while()
	cancel()
	wait()
}

// forgetful is a journal that takes no outcome of a call.
type forgetful struct{ journal.Journal }

func (f forgetful) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	if len(b.Attempts) > 0 {
		return fmt.Errorf("%w: the disk is full", journal.ErrUnavailable)
	}
	return f.Journal.Commit(ctx, own, b)
}

// Calls of which nothing can be recorded are made again. So no more are made than
// were on their way.
func TestNoMoreCallsThanCanBeRecorded(t *testing.T) {
	alone(t, func(t *testing.T, j journal.Journal) {
		hook := config.Webhook{Name: "ci", URL: "https://ci.example.org/"}
		l := &line{answer: func(string) webhook.Result {
			time.Sleep(time.Second)
			return webhook.Result{Status: 200}
		}}
		a := owner(t, forgetful{j}, l, hook)
		recordCalls(t, a, []config.Webhook{hook}, 0, outboxBatch)
		delivering(t, a, func() { time.Sleep(firstRest - time.Second/2) })
		if n := l.count(); n == 0 || n > 3*callsAtOnce {
			t.Errorf("%d calls, of which the journal knows nothing", n)
		}
	})
}

// The pause after a failure begins with it, however long the call took.
func TestThePauseBeginsWithTheFailure(t *testing.T) {
	alone(t, func(t *testing.T, j journal.Journal) {
		hook := config.Webhook{Name: "ci", URL: "https://ci.example.org/"}
		l := &line{answer: func(id string) webhook.Result {
			if id == "msg_0" {
				return webhook.Result{Status: 200} // so that the endpoint is not left alone
			}
			time.Sleep(webhook.Timeout)
			return webhook.Result{Err: errors.New("no answer"), Retry: true}
		}}
		a := owner(t, j, l, hook)
		recordCalls(t, a, []config.Webhook{hook}, 0, 2)
		delivering(t, a, func() { time.Sleep(time.Minute) })
		if len(l.times) < 3 || l.times[2].Sub(l.times[1]) < webhook.Timeout+5*time.Second {
			t.Errorf("the calls were at %v", l.times)
		}
	})
}
