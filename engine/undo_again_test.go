package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
)

const nightly = `
rules:
  - name: nightly
    on: {cron: "0 3 * * *"}
    repeat: 24h
    in: [Letters]
    if: from.domain == "x.example"
    then: [{add_flags: ['\Flagged']}, {move: Old}]
`

// clocked is a mailbox that a rule on a clock empties, in a bubble: two messages, of
// which one has no Message-ID.
func clocked(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, pipes(t, imaptest.Options{NoIdle: true}))
	r.srv.Create(t, "Letters")
	r.mail("Letters", "letter", "a@x.example")
	r.srv.Append(t, "Letters", nil, time.Now(), []byte("From: b@x.example\r\nSubject: none\r\n\r\nHello.\r\n"))
	return r
}

func (r *rig) count(mailbox string) int {
	r.t.Helper()
	return len(r.srv.Messages(r.t, mailbox))
}

func (r *rig) wantCounts(when string, letters, old int) {
	r.t.Helper()
	if a, b := r.count("Letters"), r.count("Old"); a != letters || b != old {
		r.t.Errorf("%s: %d are in Letters and %d in Old, want %d and %d", when, a, b, letters, old)
	}
}

// A rule on a clock does not do again what was undone, though it may act on a message
// every day; nor does it what an apply of it did. Once it says something else it does.
func TestUndoIsNotDoneAgainByTheClock(t *testing.T) {
	for name, act := range map[string]func(r *rig, cfg *config.Config){
		"done by the clock": func(r *rig, cfg *config.Config) { r.days(cfg, 26*time.Hour) },
		"done by an apply":  func(r *rig, cfg *config.Config) { r.apply(cfg, engine.Scope{Rules: []string{"nightly"}}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := clocked(t)
				cfg := r.config("poll: 1h", nightly)
				r.days(cfg, time.Hour)
				act(r, cfg)
				r.wantCounts("it ran", 0, 2)
				r.undo(cfg, r.acts(cfg)...)
				r.wantCounts("undone", 2, 0)
				r.days(cfg, 72*time.Hour)
				r.wantCounts("three nights later", 2, 0)
				changed := r.config("poll: 1h", "rules:\n  - {name: nightly, on: {cron: '0 3 * * *'}, in: [Letters], if: 'true', then: [{move: Old}]}\n")
				r.days(changed, 26*time.Hour)
				r.wantCounts("with another rule", 0, 2)
			})
		})
	}
}

// What undo does to flags is no news for the rules on flags, in either direction.
func TestUndoAsksNoRuleOnFlags(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		srv.Create(t, "Stars")
		cfg := r.config("watch: [INBOX, Stars]", `
rules:
  - {name: unstar, if: from.domain == "x.example", then: [{remove_flags: ['\Flagged']}]}
  - {name: star, if: from.domain == "y.example", then: [{add_flags: ['\Flagged']}, {move: Stars}]}
  - {name: log, on: {flags: ['\Flagged']}, in: [INBOX, Stars], if: 'true', then: [{copy: Log}]}
`)
		r.once(cfg)
		srv.Append(t, "INBOX", []imap.Flag{imap.FlagFlagged}, time.Now().Add(-time.Hour), message("starred", "a@x.example"))
		r.mail("INBOX", "plain", "a@y.example")
		r.once(cfg)
		r.once(cfg)
		r.want("Stars", "plain")
		r.undo(cfg, r.acts(cfg)...)
		r.once(cfg)
		r.once(cfg)
		r.want("INBOX", "starred", "plain")
		r.want("Log")
		if got := r.flags("INBOX", "starred"); len(got) != 1 {
			t.Errorf("flags %v", got)
		}
	})
}
