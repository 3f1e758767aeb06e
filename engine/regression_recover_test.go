package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// 16: an import whose recording is cut half way is no import any more.
func TestRegressionImportCut(t *testing.T) { synctest.Test(t, regressionImportCut) }

func regressionImportCut(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("", "rules:\n  - name: m\n    if: true\n    then: [{move: Y}]\n")
	r.once(cfg)
	time.Sleep(time.Minute) // by the bubble's clock, which stands still otherwise
	long := time.Now().AddDate(-1, 0, 0)
	for i := range 560 {
		srv.Append(t, "INBOX", nil, long, message(fmt.Sprintf("i%03d", i), "a@news.example"))
	}
	var o sync.Once
	r.once(cfg, hooked(t, r, func(l string) (a string) {
		if strings.HasPrefix(l, "UID FETCH 501:560 ") && strings.Contains(l, "From") || strings.HasPrefix(l, "UID FETCH 501:560 ") {
			o.Do(func() { a = "CUT" })
		}
		return a
	}))
	got := r.entries(cfg)
	if got[journal.Held] != 560 {
		t.Errorf("held %v, moved %d", got, len(r.subjects("Y")))
	}
}

// 17: a target renumbered while it refused: what was refused needs no "unsure".
func TestRegressionRenumberedWhilePaused(t *testing.T) {
	synctest.Test(t, regressionRenumberedWhilePaused)
}

func regressionRenumberedWhilePaused(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	srv.Create(t, "Y")
	cfg := r.config("", "rules:\n  - name: c\n    if: true\n    then: [{copy: Y}]\n  - name: m\n    if: true\n    then: [{move: Z}]\n")
	r.once(cfg)
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		srv.Mem.Refuse("Y", "OVERQUOTA")
		r.mail("INBOX", "y1", "a@b.c")
		time.Sleep(600 * time.Millisecond)
		srv.Delete(t, "Y")
		srv.Mem.Allow("Y")
		srv.Create(t, "Y")
		r.within(5*time.Second, "copied and moved without help", func() bool { return len(r.subjects("Y")) == 1 && len(r.subjects("Z")) == 1 })
	})
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}

// 18: the same loss on Dovecot.
func TestRegressionSiblingDovecot(t *testing.T) {
	t.Parallel()
	for n := 12; n < 22; n++ {
		srv := imaptest.Dovecot(t, imaptest.Options{})
		r := newRig(t, srv)
		srv.Create(t, "X")
		cfg := r.config("", "rules:\n  - name: list\n    if: has(subject, \"list\")\n    then: [{move: X}]\n  - name: direct\n    if: has(subject, \"direct\")\n    then: [{copy: X}]\n")
		r.once(cfg)
		at := time.Now().Truncate(time.Second)
		raw := func(s string) []byte {
			return fmt.Appendf(nil, "From: a@b.c\r\nSubject: %s\r\nMessage-ID: <same@test>\r\n\r\nHello.\r\n", s)
		}
		srv.Append(t, "INBOX", nil, at, raw("list"))
		srv.Append(t, "INBOX", nil, at, raw("direct"))
		r.runAndCrash(cfg, n, true)
		r.once(cfg)
		r.once(cfg)
		n1 := 0
		for _, box := range []string{"INBOX", "X"} {
			for _, m := range srv.Messages(t, box) {
				if m.Size == int64(len(raw("list"))) {
					n1++
				}
			}
		}
		if n1 == 0 {
			t.Errorf("n=%d: the list message is LOST on Dovecot", n)
			return
		}
	}
}
