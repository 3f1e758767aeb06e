package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// inPair is two accounts on memory servers, in a bubble.
func inPair(t *testing.T, f func(p pair)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := imaptest.Options{NoIdle: true}
		p := newPair(t, pipes(t, o), pipes(t, o))
		p.timing = engine.Timing{}
		f(p)
	})
}

// hourly is two accounts, of which work looks once an hour.
func (p pair) hourly(rules string) *config.Config {
	p.t.Helper()
	return p.config("", fmt.Sprintf("  work:\n    host: 127.0.0.2\n    port: 2\n    tls: none\n    username: %s\n    password: '%s'\n    poll: 1h\n%s",
		p.work.Username, p.work.Password, rules))
}

// Old mail that another account brings is no import, and what comes with it is new mail.
func TestFoundCarriedMailIsNoImport(t *testing.T) {
	inPair(t, func(p pair) {
		cfg := p.hourly(`
rules:
  - {name: there, accounts: [home], if: 'subject startsWith "m"', then: [{move: {account: work, mailbox: INBOX}}]}
  - {name: file, accounts: [work], if: 'true', then: [{move: Filed}]}
`)
		p.once(cfg, p.dialer)
		time.Sleep(time.Hour)
		p.daemon(cfg, func(*engine.Engine) {
			for half := range 2 { // each is no import at home
				time.Sleep(5 * time.Minute)
				for i := range 60 {
					p.srv.Append(p.t, "INBOX", nil, time.Now().AddDate(0, -1, 0), message(fmt.Sprintf("m%d", 100*half+i), "a@example.org"))
				}
			}
			time.Sleep(5 * time.Minute)
			p.to.mail("INBOX", "new", "a@example.org")
			time.Sleep(2 * time.Hour)
			p.to.want("Filed", "new")
			if n := len(p.to.subjects("INBOX")); n != 120 {
				p.t.Errorf("%d there", n)
			}
		}, p.dialer)
		if got := p.entries(cfg); got[journal.Done] != 121 || len(got) != 1 {
			p.t.Errorf("entries %v", got)
		}
	})
}

// What is moved to another name of the same account would arrive here again, for ever.
func TestFoundTwoAccountsOfOneLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pipes(t, imaptest.Options{NoIdle: true}))
		cfg := r.config("", fmt.Sprintf("  work:\n    host: 127.0.0.1\n    port: 1\n    tls: none\n    username: %s\n    password: '%s'\n    watch: [Other]\n%s",
			r.srv.Username, r.srv.Password, "rules:\n  - {name: there, accounts: [home], if: 'true', then: [{move: {account: work, mailbox: INBOX}}]}\n"))
		r.daemon(cfg, func(*engine.Engine) {
			time.Sleep(time.Minute)
			r.mail("INBOX", "one", "a@example.org")
			time.Sleep(time.Hour)
			r.want("INBOX", "one")
		})
		if e := r.theEntry(cfg); e.State != journal.Failed || !strings.Contains(e.Reason, "has the login of this one") {
			t.Errorf("%+v", e)
		}
	})
}
