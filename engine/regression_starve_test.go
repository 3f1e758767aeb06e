package engine_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// 3b: a move that cannot be finished keeps an older waiting entry of the mailbox from going on.
func TestRegressionFinishStarves(t *testing.T) { synctest.Test(t, regressionFinishStarves) }

func regressionFinishStarves(t *testing.T) {
	srv := pipes(t, imaptest.Options{NoMove: true})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("", xy)
	r.once(cfg)
	srv.Mem.Refuse("Y", "OVERQUOTA")
	var stores atomic.Int64
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		r.mail("INBOX", "x1", "a@b.c")
		r.mail("INBOX", "y1", "a@b.c")
		time.Sleep(time.Second)
		srv.Mem.Allow("Y")
		r.within(15*time.Second, "y1 goes on when Y takes mail again", func() bool { return len(r.subjects("Y")) == 1 })
		t.Logf("X %v, expunges tried %d", r.subjects("X"), stores.Load())
	}, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "UID EXPUNGE 1") {
			stores.Add(1)
			return "NO [NOPERM] Permission denied"
		}
		return ""
	}))
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}

// 9b: retry of a failed step that has no target.
func TestRegressionRetryInTheDaemon(t *testing.T) { synctest.Test(t, regressionRetryInTheDaemon) }

func regressionRetryInTheDaemon(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("", "rules:\n  - name: c\n    if: true\n    then: [{copy: 'INBOX${\"\"}'}]\n  - name: f\n    if: has(subject, \"f\")\n    then: [{add_flags: ['\\Flagged']}]\n")
	r.once(cfg)
	r.mail("INBOX", "c1", "a@b.c")
	r.once(cfg)
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
	var sent atomic.Value
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		n, err := e.Amend(context.Background(), engine.Retry, engine.Selection{})
		t.Log(n, err)
		time.Sleep(time.Second)
	}, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "UID COPY") {
			sent.Store(l)
		}
		return ""
	}))
	if v := sent.Load(); v != nil {
		t.Errorf("sent %q", v)
	}
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}
