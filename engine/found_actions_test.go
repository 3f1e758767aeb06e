package engine_test

import (
	"context"
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

// What was foretold to another account and will not come is taken back: the user may
// bring the same message there, and its rules are to see it.
func TestFoundForetoldThatDoesNotCome(t *testing.T) {
	const file = "\n  - {name: file, accounts: [work], if: 'true', then: [{move: Filed}]}\n"
	rules := "rules:\n  - {name: there, accounts: [home], if: 'true', then: [{move: {account: work, mailbox: INBOX}}]}" + file
	for name, end := range map[string]func(p pair, e *engine.Engine) error{
		"skipped": func(_ pair, e *engine.Engine) error {
			_, err := e.Amend(context.Background(), engine.Skip, engine.Selection{})
			return err
		},
		"withdrawn": func(p pair, e *engine.Engine) error {
			err := e.Reload(p.load("", "rules:"+file))
			time.Sleep(2 * time.Hour) // until the next probe
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inPair(t, func(p pair) {
				a := &answers{to: func(line string) (out answer) {
					if strings.Contains(line, "APPEND") {
						out = say("NO [OVERQUOTA] full")
					}
					return out
				}}
				p.daemon(p.load("", rules), func(e *engine.Engine) {
					time.Sleep(time.Minute)
					p.mail("INBOX", "one", "a@example.org")
					at := p.srv.Messages(p.t, "INBOX")[0].Received
					time.Sleep(time.Minute)
					if err := end(p, e); err != nil {
						p.t.Fatal(err)
					}
					p.want("INBOX", "one")
					p.work.Append(p.t, "INBOX", nil, at, message("one", "a@example.org"))
					time.Sleep(time.Minute)
					p.to.want("Filed", "one")
				}, p.meddled(a))
			})
		})
	}
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

// The copy of a message whose original cannot be removed for a while may be filed on in
// the meantime: it is not made again.
func TestFoundCopyFiledOnBeforeItsOriginalWent(t *testing.T) {
	inPair(t, func(p pair) {
		a := &answers{to: func(line string) (out answer) {
			if strings.Contains(line, "UID STORE") {
				out = say("NO [UNAVAILABLE] later")
			}
			return out
		}}
		cfg := p.load("", "rules:\n  - {name: there, accounts: [home], if: 'true', then: [{move: {account: work, mailbox: Filed}}]}\n")
		p.daemon(cfg, func(*engine.Engine) {
			time.Sleep(time.Minute)
			p.mail("INBOX", "one", "a@example.org")
			time.Sleep(5 * time.Minute)
			p.want("INBOX", "one")
			p.to.want("Filed", "one")
			p.work.Empty(p.t, "Filed")
			a.change(nil)
			time.Sleep(6 * time.Hour)
			p.want("INBOX")
			p.to.want("Filed")
		}, func(o *engine.Options) {
			p.dialer(o)
			a.dialer(o)
		})
	})
}
