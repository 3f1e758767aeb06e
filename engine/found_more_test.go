package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// One message whose FETCH ends the connection keeps all others of its mailbox
// waiting for ever.
func TestFoundAMessageWhoseFetchEndsTheConnection(t *testing.T) {
	answering(t, noIdle, "connections: 1\npoll: 10m", filing, func(line string) (a answer) {
		a.cut = names(line, "UID FETCH", 2)
		return a
	}, func(b answered) {
		b.put("one", "two", "three")
		b.pass(48 * time.Hour)
		b.wantFiled(2)
		s, _ := b.engine.Status(context.Background())
		b.t.Log(s.Accounts[0].State, s.Accounts[0].Error)
	})
}

// The words "exist" in a refusal that says the opposite: the copy is made again.
func TestFoundExistsButIsLocked(t *testing.T) {
	for _, tc := range []string{"NO [UNAVAILABLE] control: holds", "NO Mailbox exists but is locked by another process", "NO Internal error: existing index is being rebuilt, try again"} {
		t.Run(tc, func(t *testing.T) {
			var once, refusedOnce sync.Once
			armed := false
			answering(t, imaptest.Options{NoIdle: true}, "connections: 1\npoll: 10m", twoWays, nil, func(b answered) {
				b.change(func(line string) (a answer) {
					if strings.HasPrefix(line, "UID COPY") {
						once.Do(func() {
							armed = true
							b.srv.Mem.Append("News", nil, b.list()[0].Print.Received, message("copy one", "a@news.example")) // what COPY did before the line broke
							a.cut = true
						})
					}
					if armed && strings.HasPrefix(line, "SELECT") && strings.Contains(line, "News") {
						refusedOnce.Do(func() { a = say(tc) })
					}
					return a
				})
				b.put("copy one")
				b.pass(24 * time.Hour)
				b.want("News", "copy.one")
				dumpList(b)
			})
		})
	}
}

// noLease is a journal that cannot give the lease.
type noLease struct{ journal.Journal }

func (noLease) Acquire(context.Context, string, string) (journal.Ownership, journal.Snapshot, error) {
	return journal.Ownership{}, journal.Snapshot{}, fmt.Errorf("%w: disk I/O error", journal.ErrUnavailable)
}

// An account that waits for its journal must say so.
func TestFoundTheStatusOfAnAccountWithoutItsJournal(t *testing.T) {
	tell(t, noIdle, []string{"News", "Other"}, "connections: 1", twoWays, func(s *tale) {
		s.daemon(s.cfg, func(e *engine.Engine) {
			s.pass(12 * time.Hour)
			st, err := e.Status(context.Background())
			if err == nil && st.Accounts[0].Error == "" {
				t.Errorf("12 hours without a journal, and the status says %q and no error", st.Accounts[0].State)
			}
		}, func(o *engine.Options) { o.Journal = noLease{o.Journal} })
	})
}

// A watcher that is refused logs in for ever: count logins over a day.
func TestFoundLoginsOfARefusedWatcher(t *testing.T) {
	n := 0
	answering(t, imaptest.Options{}, "connections: 2\npoll: 10m", twoWays, nil, func(b answered) {
		b.change(func(line string) (a answer) {
			if strings.HasPrefix(line, "LOGIN") || strings.HasPrefix(line, "AUTHENTICATE") {
				n++
			}
			if strings.HasPrefix(line, "IDLE") {
				a.cut = true
			}
			return a
		})
		b.srv.Mem.KillConnections()
		b.pass(24 * time.Hour)
		b.t.Log("logins in 24 h:", n)
		s, _ := b.engine.Status(context.Background())
		b.t.Logf("%+v", s.Accounts[0].Fallbacks)
	})
}

// A server without MOVE and COPYUID that gives copies a date of their own: the
// copy is no proof, and is made again with every try.
func TestFoundCopiesWithDatesOfTheirOwn(t *testing.T) {
	for _, o := range []imaptest.Options{{NoIdle: true, NoMove: true}, {NoIdle: true, NoMove: true, NoUIDPlus: true}} {
		answering(t, o, "connections: 1\npoll: 10m", twoWays, nil, func(b answered) {
			b.change(func(line string) (a answer) {
				if strings.HasPrefix(line, "UID COPY") {
					b.srv.Mem.Append("Other", nil, time.Now().Add(time.Hour), message("move one", "a@news.example"))
					return say("OK done")
				}
				return a
			})
			b.put("move one")
			b.pass(72 * time.Hour)
			b.t.Log("copies made:", b.count("UID COPY"), b.subjects("Other"), "INBOX", b.subjects("INBOX"))
			if n := len(b.subjects("Other")); n != 1 {
				b.t.Errorf("%d copies of one message", n)
			}
			dumpList(b)
		})
	}
}

// A message that is never to be fetched must be seen somewhere.
func TestFoundAMessageThatIsNeverFetched(t *testing.T) {
	answering(t, noIdle, "connections: 1\npoll: 1m", filing, func(line string) (a answer) {
		if names(line, "UID FETCH", 2) {
			return say("NO [PARSE] cannot read 2")
		}
		return a
	}, func(b answered) {
		b.put("one", "two", "three")
		shown, looks := 0, 0
		for range 48 * 6 {
			b.pass(10 * time.Minute)
			s, err := b.engine.Status(context.Background())
			if err != nil {
				continue
			}
			looks++
			for _, m := range s.Accounts[0].Mailboxes {
				if m.Error != "" {
					shown++
				}
			}
		}
		b.wantFiled(2)
		b.t.Logf("shown in %d of %d looks at the status, in the history: %d entries", shown, looks, len(b.list()))
		if shown < looks/2 {
			b.t.Error("nobody is told of the message that waits for ever")
		}
	})
}

// What a message waited for is no reason of its success.
func TestFoundTheReasonOfWhatIsDone(t *testing.T) {
	answering(t, noIdle, "connections: 1\npoll: 1m", filing, func(line string) (a answer) {
		if names(line, "UID MOVE", 2) {
			return say("NO [NOPERM] not this one")
		}
		return a
	}, func(b answered) {
		b.put("one", "two", "three")
		b.pass(2 * time.Hour)
		b.change(nil)
		b.pass(2 * time.Hour)
		for _, e := range b.list() {
			if e.State == journal.Done && e.Reason != "" {
				b.t.Errorf("%q is done, and the reason says %q", e.Subject, e.Reason)
			}
		}
		dumpList(b)
	})
}

// What a copy waited for is no reason of its success, either.
func TestFoundTheReasonOfACopyThatIsDone(t *testing.T) {
	answering(t, noIdle, "connections: 1\npoll: 1m", twoWays, func(line string) (a answer) {
		if names(line, "UID COPY", 2) {
			return say("NO [NOPERM] not this one")
		}
		return a
	}, func(b answered) {
		b.put("copy one", "copy two", "copy three")
		b.pass(2 * time.Hour)
		b.change(nil)
		b.pass(2 * time.Hour)
		for _, e := range b.list() {
			if e.State == journal.Done && e.Reason != "" {
				b.t.Errorf("%q is done, and the reason says %q", e.Subject, e.Reason)
			}
		}
	})
}

// A retry of what is unsure for a renumbered target.
func TestFoundRetryAfterARenumberedTarget(t *testing.T) {
	answering(t, noIdle, "connections: 1\npoll: 10m", twoWays, nil, func(b answered) {
		var once sync.Once
		b.change(func(line string) (a answer) {
			if strings.HasPrefix(line, "UID COPY") {
				once.Do(func() {
					b.srv.Delete(b.t, "News")
					b.srv.Create(b.t, "News")
					a.cut = true
				})
			}
			return a
		})
		b.put("copy one")
		b.pass(time.Hour)
		for range 3 {
			n, err := b.engine.Amend(context.Background(), engine.Retry, engine.Selection{})
			b.t.Log(n, err)
			b.pass(time.Hour)
		}
		b.want("News", "copy.one")
		dumpList(b)
	})
}

// A watched mailbox whose SELECT drops the connection keeps no other waiting.
func TestFoundAMailboxThatDropsTheConnectionAtSelect(t *testing.T) {
	answering(t, noIdle, "watch: [INBOX, Other]\nconnections: 1\npoll: 10m", twoWays, nil, func(b answered) {
		b.change(func(line string) (a answer) {
			a.cut = strings.HasPrefix(line, "SELECT") && strings.Contains(line, "Other")
			return a
		})
		b.srv.Mem.KillConnections()
		b.pass(time.Hour)
		b.put("copy one", "move two")
		b.pass(24 * time.Hour)
		b.want("News", "copy.one")
		b.want("INBOX", "copy.one")
		s, _ := b.engine.Status(context.Background())
		b.t.Log(s.Accounts[0].State, s.Accounts[0].Error)
		dumpList(b)
	})
}
