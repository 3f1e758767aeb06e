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

func TestRegressionRetryNeverMovesNowhere(t *testing.T) {
	synctest.Test(t, regressionRetryNeverMovesNowhere)
}

func regressionRetryNeverMovesNowhere(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("watch: [INBOX, Trash]", "rules:\n  - name: c\n    in: [INBOX, Trash]\n    if: true\n    then: [trash]\n")
	r.once(cfg)
	r.mail("Trash", "c1", "a@b.c")
	r.once(cfg)
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
	var sent atomic.Int64
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		n, err := e.Amend(context.Background(), engine.Retry, engine.Selection{})
		t.Log(n, err)
		time.Sleep(time.Second)
	}, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "UID MOVE") {
			t.Log(l)
			sent.Add(1)
		}
		return ""
	}))
	if sent.Load() > 0 {
		t.Errorf("sent a MOVE to no mailbox")
	}
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}
