package engine_test

import (
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const starring = `
rules:
  - name: starred
    on: {flags: ['\Flagged', $Todo]}
    in: [INBOX, Stars]
    if: "true"
    then: [{copy: Log}]
  - name: boss
    if: from.address == "boss@example.org"
    then: [{add_flags: ['\Flagged']}]
  - name: stars
    if: subject contains "move"
    then:
      - add_flags: ['\Flagged']
      - move: Stars
`

// TestAFlagThatIsAddedAsksItsRules: once for each addition, whoever adds it but
// imapilot; what carried it before is left alone.
func TestAFlagThatIsAddedAsksItsRules(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		srv.Create(t, "Stars")
		cfg := r.config("watch: [INBOX, Stars]", starring)
		r.mail("INBOX", "old", "a@example.org", imap.FlagFlagged)
		r.mail("INBOX", "plain", "a@example.org")
		r.once(cfg)
		r.once(cfg)
		r.want("Log")
		r.mail("INBOX", "raise", "boss@example.org")
		r.mail("INBOX", "move it", "a@example.org")
		r.once(cfg) // our own flags, and our own move with one
		r.once(cfg)
		r.want("Log")
		r.want("Stars", "move.it")

		star := func(op imap.StoreFlagsOp) { srv.Store(t, "INBOX", op, imap.FlagFlagged) }
		star(imap.StoreFlagsAdd) // all of INBOX: plain is the only one that had none
		r.once(cfg)
		r.once(cfg)
		r.want("Log", "plain")
		star(imap.StoreFlagsDel)
		r.once(cfg)
		star(imap.StoreFlagsAdd)
		r.once(cfg)
		r.want("Log", "plain", "plain", "old", "raise")
		r.mail("INBOX", "quick", "a@example.org", imap.FlagFlagged) // starred before we saw it
		r.once(cfg)
		r.want("Log", "plain", "plain", "old", "raise", "quick")
		srv.Store(t, "INBOX", imap.StoreFlagsAdd, "$todo")
		r.once(cfg)
		r.want("Log", "plain", "plain", "plain", "old", "old", "raise", "raise", "quick", "quick")
	})
}

// TestMovedInStars: mail that comes from elsewhere with the flag was not starred
// here, however it came.
func TestMovedInStars(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", starring)
	r.once(cfg)
	r.srv.Append(t, "INBOX", []imap.Flag{imap.FlagFlagged}, time.Now().Add(-48*time.Hour), message("old", "a@example.org"))
	r.once(cfg)
	r.want("Log")
}

// TestRuleOnFlagsComesLate: a rule that is new, or comes back, starts from what is
// there.
func TestRuleOnFlagsComesLate(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	without := "rules:\n  - {name: none, if: 'subject == \"x\"', then: [trash]}\n"
	r.mail("INBOX", "one", "a@example.org")
	r.once(r.config("", without))
	r.srv.Store(t, "INBOX", imap.StoreFlagsAdd, imap.FlagFlagged)
	r.once(r.config("", starring))
	r.once(r.config("", without)) // gone
	r.mail("INBOX", "two", "a@example.org")
	r.once(r.config("", without))
	r.srv.Store(t, "INBOX", imap.StoreFlagsAdd, imap.FlagFlagged)
	r.once(r.config("", starring)) // and back
	r.want("Log")
}

// TestDaemonSeesAStar: while it runs, by IDLE and by polling, with CONDSTORE and
// without.
func TestDaemonSeesAStar(t *testing.T) {
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot, "cyrus": imaptest.Cyrus} {
		for _, idle := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, start(t, imaptest.Options{NoIdle: !idle}))
				cfg := r.config("", starring)
				r.mail("INBOX", "one", "a@example.org")
				r.daemon(cfg, func(e *engine.Engine) {
					r.eventually("the mailbox is scanned", func() bool { return r.scannedOnce(e) })
					r.srv.Store(t, "INBOX", imap.StoreFlagsAdd, imap.FlagFlagged)
					r.eventually("the star is seen", func() bool { return r.finished(journal.TriggerFlags) == 1 })
				})
				r.want("Log", "one")
			})
		}
	}
}

func (r *rig) scannedOnce(e *engine.Engine) bool {
	st, err := e.Status(r.t.Context())
	return err == nil && len(st.Accounts) == 1 && len(st.Accounts[0].Mailboxes) > 0 && !st.Accounts[0].Mailboxes[0].LastScan.IsZero()
}

// finished counts the entries of a trigger that were told of as done.
func (r *rig) finished(trigger string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, o := range r.seen {
		if o.Entry.Trigger == trigger && o.Entry.State == journal.Done {
			n++
		}
	}
	return n
}
