package engine_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const threeWays = `
rules:
  - name: flag
    if: has(subject, "flag")
    then: [{add_flags: [$Flagged]}]
  - name: copy
    if: has(subject, "copy")
    then: [{copy: Copies}]
  - name: move
    if: has(subject, "move")
    then: [{move: Moved}]
`

// TestALineThatBreaksAnywhere cuts the connections to a real server after ever
// more bytes, every other one only after a stall, until what came meanwhile is
// filed; and again with other mail, cut at other bytes. Everything is filed
// once.
func TestALineThatBreaksAnywhere(t *testing.T) {
	bare := imaptest.Options{NoMove: true, NoUIDPlus: true}
	for _, tc := range []struct {
		name  string
		start func(testing.TB, imaptest.Options) *imaptest.Server
		opts  imaptest.Options
	}{
		{"dovecot/full", imaptest.Dovecot, imaptest.Options{}},
		{"dovecot/no MOVE, no UIDPLUS", imaptest.Dovecot, bare},
		{"cyrus/full", imaptest.Cyrus, imaptest.Options{}},
		{"cyrus/no MOVE, no UIDPLUS", imaptest.Cyrus, bare},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			breakAnywhere(t, tc.start(t, tc.opts))
		})
	}
}

func breakAnywhere(t *testing.T, srv *imaptest.Server) {
	r := newRig(t, srv)
	proxy := srv.Proxy(t)
	r.dial = proxy.Addr
	r.timing.FirstRetry, r.timing.MaxRetry = 5*time.Millisecond, 10*time.Millisecond
	r.timing.Again = 50 * time.Millisecond // what was cut twice rests
	cfg := r.config("connections: 1", threeWays)
	const rounds, step = 3, 149
	var flagged, copied, moved []string
	cut := 0
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		for round := range rounds {
			proxy.Plan(func(n int) imaptest.Limit {
				// Shorter ones end before anything is looked at.
				return imaptest.Limit{After: 1500 + round*step/rounds + n*step, Stall: time.Duration(n%2) * 30 * time.Millisecond}
			})
			for i := range 2 {
				flagged = append(flagged, fmt.Sprintf("flag.%d.%d", round, i))
				copied = append(copied, fmt.Sprintf("copy.%d.%d", round, i))
				moved = append(moved, fmt.Sprintf("move.%d.%d", round, i))
				for _, subject := range []string{flagged[len(flagged)-1], copied[len(copied)-1], moved[len(moved)-1]} {
					r.mail("INBOX", subject, "a@example.org")
				}
			}
			proxy.Cut()
			r.eventually("what came is filed", func() bool { return isFiled(r, flagged, copied, moved) })
			cut += proxy.Planned() - 1
		}
	})
	proxy.Plan(nil)
	r.once(cfg)
	r.want("Copies", copied...)
	r.want("Moved", moved...)
	r.want("INBOX", append(slices.Clone(flagged), copied...)...)
	if n := r.entries(cfg)[journal.Unsure]; n > 0 {
		t.Errorf("%d messages are unsure", n)
	}
	t.Logf("%d connections were cut", cut)
	if cut < 3*rounds {
		t.Errorf("only %d connections were cut", cut)
	}
}

// isFiled reports whether each message is where it belongs at least once.
func isFiled(r *rig, flagged, copied, moved []string) bool {
	done := 0
	for _, m := range r.srv.Messages(r.t, "INBOX") {
		if slices.Contains(m.Flags, imap.Flag("$Flagged")) {
			done++
		}
	}
	return done == len(flagged) && len(r.subjects("Copies")) >= len(copied) &&
		len(r.subjects("Moved")) >= len(moved) && len(r.subjects("INBOX")) == len(flagged)+len(copied)
}

// A mailbox counts as scanned when its scan has ended: before, mail that comes
// may still be part of what imapilot starts from.
func TestAScanIsShownWhenItHasEnded(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	asked, answer := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(asked); <-answer })
	hold := between(func(_, command string, _, _ io.Writer) bool {
		if strings.HasPrefix(command, "UID SEARCH") {
			first()
		}
		return false
	})
	r.daemon(r.config("", threeWays), func(e *engine.Engine) {
		<-asked
		s, err := e.Status(t.Context())
		if err != nil || len(s.Accounts) != 1 || slices.ContainsFunc(s.Accounts[0].Mailboxes, func(m engine.MailboxStatus) bool { return !m.LastScan.IsZero() }) {
			t.Errorf("in the middle of the first scan: %+v, %v", s.Accounts, err)
		}
		close(answer)
		r.eventually("watching", func() bool { return watching(e) })
	}, hold)
}
