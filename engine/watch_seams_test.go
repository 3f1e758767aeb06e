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

// plainList is a server that knows no LIST but the plain one, and so tells nothing of a
// mailbox but its name.
func plainList(line string) answer {
	if strings.HasPrefix(line, "LIST") && strings.Contains(line, "RETURN") {
		return say("BAD no")
	}
	return answer{}
}

// fills is a daemon whose rule fills a mailbox that is watched, too, by its pattern.
func fills(t *testing.T, f func(b answered)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := imaptest.Options{Roles: map[string]imap.MailboxAttr{}}
		b := answered{bubble: bubble{rig: newRig(t, pipes(t, o))}, answers: &answers{to: plainList}}
		rules := "rules:\n  - {name: out, if: true, then: [{move: Zed}]}\n  - {name: in, in: [Zed], if: 'has(subject, \"direct\")', then: [{add_flags: [$Done]}]}\n"
		b.daemon(b.config("poll: 1m\nconnections: 3\nwatch: ['*']", rules), func(e *engine.Engine) {
			b.engine = e
			b.pass(6 * time.Minute)
			f(b)
		}, b.dialer, func(o *engine.Options) { b.journal = o.Journal })
	})
}

// A mailbox that a rule made is watched within the next look at all of them.
func TestATargetThatARuleMadeIsWatched(t *testing.T) {
	fills(t, func(b answered) {
		b.put("one")
		b.pass(6 * time.Minute)
		b.into("Zed", "direct")
		b.pass(6 * time.Minute)
		b.wantFiled(2)
		if got := b.mailboxes(); got != "INBOX Zed" {
			t.Errorf("watched: %s", got)
		}
	})
}

// Mail in a mailbox that appears soon after the very first start is new: that start found
// no such mailbox.
func TestAMailboxThatAppearsAfterTheFirstStart(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "", nil, func(b answered) {
		b.into("Lists/new", "first")
		b.pass(6 * time.Minute)
		b.wantFiled(1)
	})
}

// A mailbox that is deleted and made again at once: the connection that idles on it is in
// the old one, and hears nothing.
func TestAMailboxMadeAgainIsIdledOnAgain(t *testing.T) {
	for _, account := range []string{"connections: 1", "connections: 2"} {
		watched(t, imaptest.Options{}, account, "", nil, func(b answered) {
			b.pass(time.Minute)
			b.srv.Delete(t, "INBOX")
			b.srv.Create(t, "INBOX")
			b.into("INBOX", "first")
			b.pass(5 * time.Minute)
			b.wantFiled(1)
			for i := range 3 {
				b.into("INBOX", fmt.Sprint("m", i))
				b.pass(time.Second)
				b.wantFiled(2 + i)
				b.pass(5 * time.Minute)
			}
			b.wantFallback()
			b.wantWatch(byIdle)
		})
	}
}

// A mailbox that a sweep cannot look at is failing from then on, and one that it can is not.
func TestASweepTellsSinceWhenAMailboxFails(t *testing.T) {
	var shut atomic.Bool
	watched(t, imaptest.Options{NoIdle: true}, "connections: 1", "", func(line string) answer {
		switch {
		case shut.Load() && strings.Contains(line, "Lists/b") && !strings.HasPrefix(line, "LIST"):
			return say("NO [NOPERM] not yours")
		case strings.HasPrefix(line, "LIST") && strings.Contains(line, "STATUS"):
			return say("BAD no")
		}
		return answer{}
	}, func(b answered) {
		since := func() time.Time {
			m := b.state().Mailboxes[2]
			if m.Name != "Lists/b" || (m.Error != "") != shut.Load() {
				t.Errorf("%s: error %q", m.Name, m.Error)
			}
			return m.Since
		}
		for range 2 {
			b.pass(time.Hour)
			shut.Store(true)
			b.pass(3 * time.Minute)
			if ago := time.Since(since()); ago > 3*time.Minute {
				t.Errorf("failing for %v", ago)
			}
			for _, trouble := range b.state().Troubles {
				t.Errorf("%+v", trouble)
			}
			shut.Store(false)
			b.pass(3 * time.Minute)
			if at := since(); !at.IsZero() {
				t.Errorf("failing since %v", at)
			}
		}
	})
}

// A connection that told of much for long is made anew, at once and without a fault, and
// what comes between the two is found.
func TestNotifyIsMadeAnew(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 2", "NOTIFY", acceptNotify, func(b answered) {
		before := b.logins()
		for i := range 120 {
			b.tell(fmt.Sprintf("* STATUS Lists/a (MESSAGES 0 UIDNEXT 1 UNSEEN %d)", i))
			b.pass(6 * time.Second)
		}
		if n := b.logins() - before; n != 1 {
			t.Errorf("%d logins", n)
		}
		b.into("Lists/b", "between")
		for i := range 99 {
			b.tell(fmt.Sprintf("* STATUS Lists/a (MESSAGES 0 UIDNEXT 1 UNSEEN %d)", i))
		}
		b.pass(10 * time.Minute)
		b.wantFiled(1)
		b.wantWatch(byNotify)
		b.wantFallback()
	})
}

// Where mailboxes are named, each that comes or goes costs no login of its own: what is new
// is swept, and after a minute named together with the others. One that is gone for a
// moment is named again, too.
func TestNotifyIsAskedForOtherNamesOnceAMinute(t *testing.T) {
	const account = "connections: 2\nwatch: [INBOX, Lists/a, 'New/*']"
	watched(t, imaptest.Options{}, account, "NOTIFY", acceptNotify, func(b answered) {
		for i := range 40 {
			b.srv.Create(t, fmt.Sprintf("Other/%d", i))
		}
		b.pass(10 * time.Minute)
		before := b.logins()
		changed := func(do func(), told, want string) {
			t.Helper()
			do()
			b.tell(`* LIST ` + told)
			b.pass(5 * time.Second)
			b.wantWatch("INBOX=notify Lists/a=notify " + want)
		}
		create := func(name string) func() { return func() { b.srv.Create(t, name) } }
		changed(create("New/0"), `() "/" New/0`, "New/0=notify")
		changed(create("New/1"), `() "/" New/1`, "New/0=notify New/1=poll")
		changed(func() { b.srv.Delete(t, "New/0") }, `(\NonExistent) "/" New/0`, "New/1=poll")
		changed(create("New/0"), `() "/" New/0`, "New/0=poll New/1=poll")
		if n := b.logins() - before; n != 1 {
			t.Errorf("%d logins", n)
		}
		b.into("New/0", "swept")
		b.pass(time.Minute)
		b.wantFiled(1)
		b.wantWatch("INBOX=notify Lists/a=notify New/0=notify New/1=notify")
		changed(func() { b.srv.Delete(t, "New/0") }, `(\NonExistent) "/" New/0`, "New/1=notify")
		changed(create("New/0"), `() "/" New/0`, "New/0=poll New/1=notify")
		b.pass(time.Minute)
		b.wantWatch("INBOX=notify Lists/a=notify New/0=notify New/1=notify")
		if n := b.logins() - before; n != 3 {
			t.Errorf("%d logins", n)
		}
	})
}
