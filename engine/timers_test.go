package engine_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// inBubble runs the whole daemon on a fake clock: engine, session and journal
// over pipes to a memory server. Hours pass in milliseconds.
func inBubble(t *testing.T, o imaptest.Options, account string, f func(b bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.PipeOnly = true
		b := bubble{rig: newRig(t, imaptest.Memory(t, o)), dials: new(atomic.Int64), down: new(atomic.Bool)}
		dial := b.srv.Mem.PipeDialer()
		b.daemon(b.config(account, filing), func(e *engine.Engine) {
			b.engine = e
			b.pass(time.Second)
			f(b)
		}, func(o *engine.Options) {
			o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				b.dials.Add(1)
				if b.down.Load() {
					return nil, errors.New("no route to host")
				}
				return dial(ctx, network, address)
			}
		})
	})
}

type bubble struct {
	*rig
	engine *engine.Engine
	dials  *atomic.Int64
	down   *atomic.Bool // no connection can be made
}

// pass lets time pass and then everything settle.
func (b bubble) pass(d time.Duration) {
	time.Sleep(d) // by the bubble's clock
	synctest.Wait()
}

func (b bubble) letter() {
	b.t.Helper()
	if _, err := b.srv.Mem.Append("INBOX", nil, time.Now(), message("letter", "a@news.example")); err != nil {
		b.t.Fatal(err)
	}
}

// filed counts the messages that were acted on.
func (b bubble) filed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, o := range b.seen {
		if o.Entry.State == journal.Done {
			n++
		}
	}
	return n
}

func (b bubble) state() engine.AccountStatus {
	b.t.Helper()
	s, err := b.engine.Status(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return s.Accounts[0]
}

func TestAnnouncedMailIsFiledAfterHoursOfIdle(t *testing.T) {
	for _, account := range []string{"", "connections: 1"} {
		inBubble(t, imaptest.Options{}, account, func(b bubble) {
			logins := b.dials.Load()
			b.pass(3 * time.Hour)
			b.letter()
			b.pass(2 * time.Second)
			if b.filed() != 1 || b.dials.Load() != logins {
				t.Errorf("%q: %d filed, %d connections after %d", account, b.filed(), b.dials.Load(), logins)
			}
		})
	}
}

func TestWithoutIdleTheSweepFindsIt(t *testing.T) {
	inBubble(t, imaptest.Options{NoIdle: true}, "", func(b bubble) {
		b.letter()
		b.pass(6 * time.Second) // poll: 5s
		if b.filed() != 1 {
			t.Errorf("%d filed within one sweep", b.filed())
		}
	})
}

func TestSteadyFailureLogsInRarely(t *testing.T) {
	inBubble(t, imaptest.Options{}, "", func(b bubble) {
		b.down.Store(true)
		b.srv.Mem.KillConnections()
		before := b.dials.Load()
		b.pass(2 * time.Hour)
		if n := b.dials.Load() - before; n < 10 || n > 120 {
			t.Errorf("%d attempts in two hours, want at most one a minute", n)
		}
		b.letter()
		b.down.Store(false)
		b.pass(10 * time.Minute)
		if b.filed() != 1 {
			t.Errorf("%d filed after the network came back", b.filed())
		}
	})
}

func TestARefusedPasswordIsTriedThreeTimes(t *testing.T) {
	o := imaptest.Options{}
	synctest.Test(t, func(t *testing.T) {
		o.PipeOnly = true
		srv := imaptest.Memory(t, o)
		srv.Password = "wrong"
		r := newRig(t, srv)
		var logins atomic.Int64
		dial := srv.Mem.PipeDialer()
		r.daemon(r.config("", filing), func(e *engine.Engine) {
			b := bubble{rig: r, engine: e}
			b.pass(5 * time.Hour)
			if s := b.state(); s.State != engine.Parked || logins.Load() != 3 {
				t.Errorf("after 5 hours: %s, %d logins", s.State, logins.Load())
			}
			b.pass(2 * time.Hour)
			if logins.Load() != 4 {
				t.Errorf("after 7 hours: %d logins", logins.Load())
			}
		}, func(o *engine.Options) {
			o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				logins.Add(1)
				return dial(ctx, network, address)
			}
		})
	})
}

func TestAPausedTargetIsProbedWithinTheHour(t *testing.T) {
	inBubble(t, imaptest.Options{}, "", func(b bubble) {
		b.srv.Mem.Refuse("News", "NOPERM")
		b.letter()
		b.pass(6 * time.Hour)
		if s := b.state(); b.filed() != 0 || len(s.Pauses) != 1 {
			t.Fatalf("%d filed, pauses %+v", b.filed(), s.Pauses)
		}
		b.srv.Mem.Allow("News")
		b.pass(time.Hour)
		if s := b.state(); b.filed() != 1 || len(s.Pauses) != 0 {
			t.Errorf("%d filed, pauses %+v", b.filed(), s.Pauses)
		}
	})
}

// An account that watches nothing yet is not ready while its server does not answer.
func TestNothingWatchedAndNobodyThere(t *testing.T) {
	inBubble(t, imaptest.Options{}, "watch: ['Later/*']", func(b bubble) {
		b.pass(time.Minute)
		if s := b.state(); len(s.Troubles) != 0 {
			b.t.Fatal(s.Troubles)
		}
		b.down.Store(true)
		b.srv.Mem.KillConnections()
		b.pass(time.Hour)
		if s := b.state(); len(s.Troubles) == 0 {
			b.t.Errorf("ready, and nothing was proven for an hour: %s %q", s.State, s.Error)
		}
		b.down.Store(false)
		b.pass(10 * time.Minute)
		if s := b.state(); len(s.Troubles) != 0 {
			b.t.Errorf("not over: %v", s.Troubles)
		}
	})
}
