package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/oauth"
)

// login waits for all that a login waits for.
func login(ctx context.Context, l *logins, host string, waiting *atomic.Int32) (leave func(answered bool), err error) {
	if err := l.queue(ctx, host, waiting); err != nil {
		return nil, err
	}
	return l.enter(ctx, host, waiting)
}

// arrivals lets n logins come to a host at once, each of which takes a while, and returns
// when each had its turn.
func arrivals(l *logins, host string, n int, takes time.Duration) []time.Duration {
	var mu sync.Mutex
	var at []time.Duration
	var waiting atomic.Int32
	var group sync.WaitGroup
	began := time.Now()
	for range n {
		group.Go(func() {
			leave, err := login(context.Background(), l, host, &waiting)
			if err != nil {
				panic(err)
			}
			mu.Lock()
			at = append(at, time.Since(began))
			mu.Unlock()
			time.Sleep(takes)
			leave(true)
		})
	}
	group.Wait()
	return at
}

// Logins keep to the rhythm of their host, after a first few at once, and a user with a few
// accounts waits for none.
func TestLoginsKeepToTheirRhythm(t *testing.T) {
	for _, tc := range []struct {
		perMinute, n, atOnce int
		last                 time.Duration
	}{
		{0, 10, 10, 0},
		{0, 10_000, 20, 9980 * 200 * time.Millisecond},
		{60, 66, 6, time.Minute},
		{1, 3, 1, 2 * time.Minute},
	} {
		t.Run(fmt.Sprint(tc.perMinute, tc.n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l logins
				l.set([]config.Host{{Name: "imap.example.org", LoginsPerMinute: tc.perMinute}})
				at := arrivals(&l, "IMAP.example.org", tc.n, 0)
				atOnce := 0
				for _, d := range at {
					if d == 0 {
						atOnce++
					}
				}
				if atOnce != tc.atOnce || at[len(at)-1] != tc.last {
					t.Errorf("%d at once, the last after %s; want %d and %s", atOnce, at[len(at)-1], tc.atOnce, tc.last)
				}
			})
		})
	}
}

// A reload that allows more logins counts for those that wait already.
func TestANewRhythmCountsForWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logins
		host := func(perMinute int) []config.Host {
			return []config.Host{{Name: "h.example.org", LoginsPerMinute: perMinute}}
		}
		l.set(host(1))
		time.AfterFunc(30*time.Second, func() { l.set(host(600)) })
		if at := arrivals(&l, "h.example.org", 100, 0); at[99] > 3*time.Minute {
			t.Errorf("the last of them waited for %s", at[99])
		}
	})
}

// A host that does not answer holds a part of the logins that may be under way, so that
// those of another one go on.
func TestAHostThatHangsKeepsNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logins
		var waiting atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		for range 200 {
			go func() {
				if leave, err := login(ctx, &l, "dead.example.org", &waiting); err == nil {
					<-ctx.Done()
					leave(false)
				}
			}()
		}
		synctest.Wait()
		if n := waiting.Load(); n != 200-loggingInHere {
			t.Errorf("%d wait", n)
		}
		if at := arrivals(&l, "imap.example.org", 10, time.Second); at[9] != 0 {
			t.Errorf("the other host's waited for %s", at[9])
		}
		began := time.Now()
		cancel()
		synctest.Wait()
		if n := waiting.Load(); n != 0 || time.Since(began) != 0 {
			t.Errorf("%d still wait", n)
		}
		if at := arrivals(&l, "dead.example.org", 1, 0); at[0] > time.Minute {
			t.Errorf("who gave up still has its turn, for %s", at[0])
		}
	})
}

// Many hosts that do not answer, with many accounts each, hold together fewer than all
// places once that is known of them.
func TestHostsThatHangKeepNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logins
		var waiting atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 300 {
			go func() {
				for ctx.Err() == nil {
					if leave, err := login(ctx, &l, fmt.Sprintf("dead%d.example.org", i%12), &waiting); err == nil {
						sleep(ctx, 30*time.Second)
						leave(false)
					}
				}
			}()
		}
		time.Sleep(10 * time.Minute)
		if at := arrivals(&l, "imap.example.org", 10, time.Second); at[9] > time.Second {
			t.Errorf("the other host's waited for %s", at[9])
		}
		cancel()
	})
}

// Accounts for which a token must be asked for, and nobody answers, hold no place of one
// that has a password.
func TestWhoGetsNoTokenKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		errThere := errors.New("there")
		e := &Engine{opts: Options{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errThere }}}
		silent := oauth.NewKeeper(oauth.Settings{Key: func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }})
		e.keepers.of = map[string]keeping{"tokens": {keeper: silent}}
		owner := func(cfg config.Account) *account {
			cfg.Host, cfg.Username = "imap.example.org", "user"
			return &account{engine: e, cfg: cfg, log: slog.New(slog.DiscardHandler)}
		}
		for range loggingInHere {
			go owner(config.Account{Name: "tokens", OAuth2: &config.OAuth2{}}).login(ctx)
		}
		synctest.Wait()
		began := time.Now()
		if _, _, err := owner(config.Account{Name: "home", Password: config.LiteralSecret("secret")}).login(ctx); !errors.Is(err, errThere) {
			t.Error(err)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("it waited for %s", d)
		}
		cancel()
	})
}

// Of what a host allows each account has one for its work; watchers leave one of the rest
// to those that carry mail.
func TestRoomOnAHost(t *testing.T) {
	var h hosts
	if room, err := h.watching("anywhere.example.org"); err != nil {
		t.Fatal(err)
	} else {
		room.leave()
	}
	h.set(&config.Config{
		Hosts:    []config.Host{{Name: "imap.example.org", Connections: 5}},
		Accounts: []config.Account{{Host: "imap.example.org"}, {Host: "IMAP.example.org"}, {Host: "other.example.org"}},
	})
	var rooms []*seat
	for i := range 4 {
		room, err := h.watching("imap.example.org")
		if (err == nil) != (i < 2) || err != nil && !errors.Is(err, errNoRoom) {
			t.Fatalf("watcher %d: %v", i, err)
		}
		if err == nil {
			rooms = append(rooms, room)
		}
	}
	guest, err := h.visiting("Imap.Example.org")
	if err != nil {
		t.Fatalf("no room for a guest: %v", err)
	}
	if _, err := h.visiting("imap.example.org"); !errors.Is(err, errNoRoom) {
		t.Errorf("a sixth connection: %v", err)
	}
	if _, err := h.watching("other.example.org"); err != nil {
		t.Errorf("a host without a limit: %v", err)
	}
	guest.leave()
	guest.leave() // twice is once
	rooms[0].leave()
	if _, err := h.watching("imap.example.org"); err != nil {
		t.Errorf("room that was given back: %v", err)
	}
	if _, err := h.watching("imap.example.org"); !errors.Is(err, errNoRoom) {
		t.Errorf("room that was given back twice: %v", err)
	}
}

// Where a reload lowers the limit, so many watchers end as are too many, and what guests
// have is left to them; while the limit is kept nobody ends.
func TestRoomThatBecomesLess(t *testing.T) {
	var h hosts
	limit := func(n int) {
		h.set(&config.Config{Hosts: []config.Host{{Name: "h.example.org", Connections: n}}, Accounts: []config.Account{{Host: "h.example.org"}}})
	}
	limit(10)
	var all []*seat
	for range 8 {
		room, err := h.watching("h.example.org")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, room)
	}
	guest, err := h.visiting("h.example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ connections, end int }{{10, 0}, {5, 5}, {5, 0}, {1, 3}} {
		limit(tc.connections)
		ended := 0
		for i := 0; i < len(all); i++ {
			if err := all[i].yield(); errors.Is(err, errNoRoom) {
				all[i].leave() // as its loop does
				all = append(all[:i], all[i+1:]...)
				i--
				ended++
			}
		}
		if ended != tc.end {
			t.Errorf("%d connections: %d ended, want %d", tc.connections, ended, tc.end)
		}
	}
	if guest.leave(); len(h.taken) != 0 || len(h.watched) != 0 {
		t.Errorf("still taken: %v, watching: %v", h.taken, h.watched)
	}
}
