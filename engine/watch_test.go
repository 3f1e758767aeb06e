package engine_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
)

const flagAll = "rules:\n  - name: all\n    in: ['*']\n    if: true\n    then: [{add_flags: [$Done]}]\n"

// acceptNotify is a server that says yes to NOTIFY.
func acceptNotify(line string) answer {
	if strings.HasPrefix(line, "NOTIFY") {
		return say("OK done")
	}
	return answer{}
}

// watched runs a daemon over INBOX, three lists and a server with answers of its own,
// which announces offers as well.
func watched(t *testing.T, o imaptest.Options, account, offers string, to func(string) answer, f func(b answered)) {
	t.Helper()
	o.Roles = map[string]imap.MailboxAttr{}
	synctest.Test(t, func(t *testing.T) {
		b := answered{bubble: bubble{rig: newRig(t, pipes(t, o))}, answers: &answers{to: to, offers: offers}}
		for _, name := range []string{"Lists/a", "Lists/b", "Lists/c"} {
			b.srv.Create(t, name)
		}
		if !strings.Contains(account, "watch:") {
			account += "\nwatch: [INBOX, 'Lists/*']"
		}
		b.daemon(b.config("poll: 1m\n"+account, flagAll), func(e *engine.Engine) {
			b.engine = e
			b.pass(time.Second)
			f(b)
		}, b.dialer, func(o *engine.Options) { b.journal = o.Journal })
	})
}

// into delivers a message.
func (b answered) into(mailbox, subject string) imap.UID {
	b.t.Helper()
	uid, err := b.srv.Mem.Append(mailbox, nil, time.Now(), message(subject, "a@news.example"))
	if err != nil {
		b.t.Fatal(err)
	}
	return uid
}

func (b answered) logins() int { return b.count("AUTHENTICATE") + b.count("LOGIN") }

// wantWatch compares how each mailbox is watched: "INBOX=idle Lists/a=poll 1m0s".
func (b answered) wantWatch(want string) {
	b.t.Helper()
	var got []string
	for _, m := range b.state().Mailboxes {
		got = append(got, m.Name+"="+strings.TrimSuffix(m.Watch, " 1m0s"))
	}
	if s := strings.Join(got, " "); s != want {
		b.t.Errorf("watched: %s\nwant:    %s", s, want)
	}
}

const (
	byNotify = "INBOX=notify Lists/a=notify Lists/b=notify Lists/c=notify"
	byIdle   = "INBOX=idle Lists/a=poll Lists/b=poll Lists/c=poll"
	byPoll   = "INBOX=poll Lists/a=poll Lists/b=poll Lists/c=poll"
)

// One connection stands for all mailboxes, and what the server tells is done at once.
func TestNotifyTellsOfEveryMailbox(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", acceptNotify, func(b answered) {
		b.wantWatch(byNotify)
		before := b.logins()
		b.into("Lists/b", "one")
		b.tell("* STATUS Lists/b (MESSAGES 1 UIDNEXT 2 UNSEEN 1)")
		b.pass(time.Second)
		b.wantFiled(1)
		// Nothing new is told: nothing is looked at.
		looks := b.count("SELECT")
		b.tell("* STATUS Lists/b (MESSAGES 1 UIDNEXT 2)", "* STATUS Lists/c (MESSAGES 0)", "* STATUS Nowhere (UIDNEXT 5)")
		b.pass(time.Second)
		if n := b.count("SELECT") - looks; n != 0 {
			t.Errorf("%d scans of nothing", n)
		}
		b.pass(3 * time.Minute)
		if n := b.logins(); n != before || n != 2 {
			t.Errorf("%d logins, before %d", n, before)
		}
		b.pass(3 * time.Minute)
		for _, m := range b.state().Mailboxes {
			if time.Since(m.LastProof) > 6*time.Minute {
				t.Errorf("the last proof of %s is %v old", m.Name, time.Since(m.LastProof))
			}
		}
	})
}

// What came before NOTIFY was accepted is found, whether the server tells of it or not.
func TestNothingIsMissedBeforeNotify(t *testing.T) {
	var ready atomic.Bool
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", func(line string) answer {
		if strings.HasPrefix(line, "NOTIFY") && !ready.Load() {
			return say("NO [UNAVAILABLE] not yet")
		}
		return acceptNotify(line)
	}, func(now answered) {
		now.wantWatch(byPoll)
		now.into("Lists/c", "early")
		ready.Store(true)
		now.pass(3 * time.Second) // the backoff of the watch connection
		now.wantWatch(byNotify)
		now.wantFiled(1)
	})
}

func TestNotifyIsRefused(t *testing.T) {
	for _, reply := range []string{"BAD unknown command", "NO [BADEVENT (MessageNew)] no", "NO no", "NO [CANNOT] no"} {
		watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", refuse(reply, "NOTIFY"), func(b answered) {
			b.pass(10 * time.Second)
			b.wantFallback("NOTIFY")
			b.wantWatch(byIdle)
			b.pass(2 * time.Hour)
			if n := b.count("NOTIFY"); n != 2 {
				t.Errorf("%s: NOTIFY was sent %d times, with all events and with the least", reply, n)
			}
		})
	}
}

// A server that knows fewer events is asked for fewer.
func TestNotifyWithFewerEvents(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", func(line string) answer {
		if strings.HasPrefix(line, "NOTIFY") && strings.Contains(line, "MailboxName") {
			return say("NO [BADEVENT (MessageNew MessageExpunge)] what")
		}
		return acceptNotify(line)
	}, func(b answered) {
		b.wantWatch(byNotify)
		b.wantFallback()
	})
}

// NOTIFY that is accepted and tells nothing: mail is found all the same, and after the
// second time there is IDLE instead. Hours later it is tried again.
func TestNotifyThatIsDeaf(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", acceptNotify, func(b answered) {
		b.into("Lists/a", "one")
		b.pass(5*time.Minute + 50*time.Second)
		b.wantFiled(1)
		b.wantFallback()
		b.into("Lists/a", "two")
		b.pass(5*time.Minute + 50*time.Second)
		b.wantFiled(2)
		b.wantFallback("NOTIFY")
		b.pass(10 * time.Second)
		b.wantWatch("INBOX=poll Lists/a=idle Lists/b=poll Lists/c=poll")
		b.into("Lists/a", "three")
		b.into("INBOX", "four")
		b.pass(time.Second)
		b.wantFiled(3)
		b.pass(time.Minute)
		b.wantFiled(4)
		b.pass(6*time.Hour + 6*time.Minute)
		b.wantFallback()
		b.wantWatch(byNotify)
	})
}

// An announcement that takes its time is none that does not come, and mail that is gone
// again before anybody looks is no proof.
func TestNotifyThatIsSlow(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", acceptNotify, func(b answered) {
		for i := range 5 {
			b.pass(time.Until(nextControl(b)) - time.Second)
			b.into("Lists/a", fmt.Sprint("m", i))
			b.pass(9 * time.Second)
			b.tell(fmt.Sprintf("* STATUS Lists/a (MESSAGES %d UIDNEXT %d)", i+1, i+2))
			b.pass(10 * time.Second)
			b.wantFiled(i + 1)
		}
		b.wantFallback()
		b.wantWatch(byNotify)
	})
}

// nextControl is when all mailboxes are looked at next.
func nextControl(b answered) time.Time {
	at := b.times(`LIST "" "*" RETURN (SUBSCRIBED`)
	return at[len(at)-1].Add(5 * time.Minute)
}

// A server that told too much, and stopped: everything is looked at, it is asked again on
// another connection, and after the third time in an hour not any more for now.
func TestNotifyOverflows(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", acceptNotify, func(b answered) {
		for i := range 3 {
			b.wantWatch(byNotify)
			b.into("Lists/c", fmt.Sprint("m", i))
			b.tell("* OK [NOTIFICATIONOVERFLOW] enough")
			b.pass(time.Second)
			b.wantFiled(i + 1)
			b.pass(10 * time.Minute)
		}
		b.wantFallback("NOTIFY")
		b.wantWatch("INBOX=poll Lists/a=poll Lists/b=poll Lists/c=idle")
		if n := b.count("NOTIFY"); n != 3 {
			t.Errorf("NOTIFY was sent %d times", n)
		}
	})
}

// The end of the connection: mailboxes are swept at once and until there is another one.
func TestNotifyConnectionEnds(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", acceptNotify, func(b answered) {
		b.pass(2 * time.Minute)
		b.into("Lists/a", "one")
		logins := b.logins()
		b.tell("* BYE you idle too much")
		b.pass(500 * time.Millisecond)
		b.wantFiled(1)
		b.wantWatch(byPoll)
		b.pass(2 * time.Second)
		b.wantWatch(byNotify)
		b.wantFallback()
		if n := b.logins() - logins; n != 1 {
			t.Errorf("%d logins", n)
		}
	})
}

// IDLE that is accepted and tells nothing.
func TestIdleThatIsDeaf(t *testing.T) {
	for _, account := range []string{"connections: 2", "connections: 1"} {
		watched(t, imaptest.Options{}, account, "", nil, func(b answered) {
			b.wantWatch(byIdle)
			b.mute(func(line string) bool {
				return strings.HasSuffix(line, " EXISTS\r\n") || strings.Contains(line, "FLAGS (") && !strings.Contains(line, "INTERNALDATE")
			})
			for i := range 2 {
				b.into("INBOX", fmt.Sprint("m", i))
				b.pass(5*time.Minute + 50*time.Second)
				b.wantFiled(i + 1)
			}
			b.pass(10 * time.Second)
			b.wantFallback("IDLE")
			b.wantWatch(byPoll)
			b.into("INBOX", "late")
			b.pass(time.Minute)
			b.wantFiled(3)
			b.mute(nil)
			b.pass(6*time.Hour + 6*time.Minute)
			b.wantWatch(byIdle)
			b.into("INBOX", "heard")
			b.pass(time.Second)
			b.wantFiled(4)
		})
	}
}

// mute loses lines of the server.
func (a *answers) mute(drops func(string) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drops = drops
}

// The busiest mailbox gets the connection, and keeps it from one that is not much busier.
func TestTheBusiestMailboxIdles(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "", nil, func(b answered) {
		b.wantWatch(byIdle)
		for i := range 3 {
			b.into("Lists/b", fmt.Sprint("m", i))
		}
		b.pass(7 * time.Minute)
		b.wantWatch("INBOX=poll Lists/a=poll Lists/b=idle Lists/c=poll")
		for i := range 5 {
			b.into("INBOX", fmt.Sprint("n", i))
		}
		b.pass(7 * time.Minute)
		b.wantWatch("INBOX=poll Lists/a=poll Lists/b=idle Lists/c=poll")
		b.into("INBOX", "o")
		b.into("INBOX", "p")
		b.into("INBOX", "q")
		b.pass(7 * time.Minute)
		b.wantWatch(byIdle)
		b.wantFiled(11)
		if n := b.state().Connections; n != 2 {
			t.Errorf("%d connections", n)
		}
	})
}

// Mailboxes that come, are renamed and go, without a restart: within a sweep where one
// command lists and looks, within five minutes elsewhere, and at once where NOTIFY tells.
func TestMailboxesComeAndGo(t *testing.T) {
	for name, tc := range map[string]struct {
		offers string
		to     func(string) answer
		within time.Duration
		tell   bool
	}{
		"LIST-STATUS": {within: time.Minute},
		"LIST":        {to: refuse("BAD no", `LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE STATUS`), within: 5 * time.Minute},
		"NOTIFY":      {offers: "NOTIFY", to: acceptNotify, within: time.Second, tell: true},
	} {
		t.Run(name, func(t *testing.T) {
			watched(t, imaptest.Options{}, "connections: 2", tc.offers, tc.to, func(b answered) {
				change := func(do func(), told string) {
					do()
					if tc.tell {
						b.tell(`* LIST ` + told)
					}
					b.pass(tc.within + 2*time.Second)
				}
				b.pass(time.Minute)
				change(func() { b.into("Lists/new", "first") }, `() "/" Lists/new`)
				b.wantFiled(1) // it came after the last listing that lacked the mailbox
				change(func() { b.srv.Rename(t, "Lists/new", "Lists/newer") }, `(\NonExistent) "/" Lists/new`)
				if got := b.mailboxes(); got != "INBOX Lists/a Lists/b Lists/c Lists/newer" {
					t.Errorf("watched: %s", got)
				}
				b.wantFiled(1)
				b.into("Lists/newer", "second")
				if tc.tell {
					b.tell("* STATUS Lists/newer (MESSAGES 2 UIDNEXT 3)")
				}
				b.pass(time.Minute + time.Second)
				b.wantFiled(2)
				change(func() { b.srv.Delete(t, "Lists/newer"); b.srv.Delete(t, "Lists/a") }, `(\NonExistent) "/" Lists/newer`)
				if got := b.mailboxes(); got != "INBOX Lists/b Lists/c" {
					t.Errorf("watched: %s", got)
				}
			})
		})
	}
}

func (b answered) mailboxes() string {
	var out []string
	for _, m := range b.state().Mailboxes {
		out = append(out, m.Name)
	}
	return strings.Join(out, " ")
}

// Old mail in a mailbox that appears is left alone.
func TestAMailboxThatAppearsWithOldMail(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "", nil, func(b answered) {
		b.pass(time.Minute)
		if _, err := b.srv.Mem.Append("Lists/old", nil, time.Now().Add(-72*time.Hour), message("old", "a@news.example")); err != nil {
			t.Fatal(err)
		}
		b.into("Lists/old", "new")
		b.pass(2 * time.Minute)
		b.wantFiled(1)
	})
}

// What is subscribed to is watched, less what is excepted; on a server without
// LIST-EXTENDED, too.
func TestWatchWhatIsSubscribedTo(t *testing.T) {
	for _, old := range []bool{false, true} {
		watched(t, imaptest.Options{}, "connections: 1\nwatch: [subscribed, INBOX]\nexcept: ['Lists/b*']", "", func(line string) answer {
			if old && strings.HasPrefix(line, "LIST") && strings.Contains(line, "RETURN") {
				return say("BAD no")
			}
			return answer{}
		}, func(b answered) {
			if got := b.mailboxes(); got != "INBOX" {
				t.Errorf("watched: %s", got)
			}
			b.srv.Subscribe(t, "Lists/a", "Lists/b")
			b.pass(5*time.Minute + time.Second)
			if got := b.mailboxes(); got != "Lists/a INBOX" {
				t.Errorf("watched: %s, old server: %v", got, old)
			}
			b.into("Lists/a", "one")
			b.into("Lists/b", "two")
			b.pass(time.Minute + time.Second)
			b.wantFiled(1)
		})
	}
}

// After a lost connection only those mailboxes are opened that changed, and each hour
// all are.
func TestAReconnectOpensWhatChanged(t *testing.T) {
	watched(t, imaptest.Options{NoIdle: true}, "connections: 1", "", nil, func(b answered) {
		b.into("Lists/a", "before")
		b.pass(2 * time.Minute)
		b.wantFiled(1)
		// What was done there changed nothing that matters.
		before := b.count("SELECT")
		b.into("Lists/b", "meanwhile")
		b.srv.KillConnections(t)
		b.pass(70 * time.Second) // it is noticed by the next sweep
		b.wantFiled(2)
		if n := b.count("SELECT") - before; n != 1 {
			t.Errorf("%d mailboxes were opened, one had changed", n)
		}
		for range 7 {
			b.srv.KillConnections(t)
			b.pass(10 * time.Minute)
		}
		if n := b.count("SELECT") - before; n < 5 {
			t.Errorf("%d mailboxes were opened in an hour", n)
		}
	})
}

// Mailboxes that are gone are nobody's trouble: nothing is expected of them any more.
func TestMailboxesThatAreAllGone(t *testing.T) {
	watched(t, imaptest.Options{}, "watch: ['Lists/*']", "", func(string) answer { return answer{} }, func(b answered) {
		for _, name := range []string{"Lists/a", "Lists/b", "Lists/c"} {
			b.srv.Delete(b.t, name)
		}
		b.pass(30 * time.Minute)
		for _, x := range b.state().Troubles {
			b.t.Errorf("%s: %s", x.Where(), x.Text)
		}
	})
}
