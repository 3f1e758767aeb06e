package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal/sqlite"
)

// crowd is a server with empty mailboxes for any number of users, and a daemon with as many
// accounts.
type crowd struct {
	t   *testing.T
	cfg *config.Config
	mu  sync.Mutex
	// logins are the times of the logins, idle how many connections idle now, open how many
	// there are, noops how often somebody asked whether the server lives.
	logins            []time.Time
	idle, open, noops int
}

// newCrowd writes a configuration with n accounts.
func newCrowd(t *testing.T, n int, account, rest string) *crowd {
	t.Helper()
	var text strings.Builder
	text.WriteString("state: state.db\naccounts:\n")
	for i := range n {
		fmt.Fprintf(&text, "  user%d: {host: imap.example.org, tls: none, username: user%d, password: 'secret', %s}\n", i, i, account)
	}
	text.WriteString("rules: [{name: filed, if: subject == 'file', then: [{move: Filed}]}]\n" + rest)
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	if cfg == nil {
		t.Fatal(diags)
	}
	return &crowd{t: t, cfg: cfg}
}

// serve is the server's end of a connection.
func (m *crowd) serve(c *imaptest.Script) {
	m.count(&m.open, 1)
	defer m.count(&m.open, -1)
	c.Send("* OK [CAPABILITY IMAP4rev1] hello")
	for {
		tag, command, ok := c.Read()
		if !ok {
			return
		}
		switch word, rest, _ := strings.Cut(command, " "); {
		case word == "LOGIN":
			m.mu.Lock()
			m.logins = append(m.logins, time.Now())
			m.mu.Unlock()
			c.Send(tag + " OK [CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS] welcome")
			continue
		case word == "LIST" && rest == `"" ""`:
			c.Send(`* LIST (\Noselect) "/" ""`)
		case word == "LIST":
			c.Send(`* LIST () "/" INBOX`, `* LIST () "/" Lists`)
		case word == "STATUS":
			name, _, _ := strings.Cut(rest, " ")
			c.Send("* STATUS " + name + " (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)")
		case word == "SELECT":
			c.Send("* 0 EXISTS", "* OK [UIDVALIDITY 7] ok", "* OK [UIDNEXT 1] ok")
		case word == "NOOP":
			m.count(&m.noops, 1)
		case word == "UID":
			c.Send("* SEARCH")
		case word == "IDLE":
			m.count(&m.idle, 1)
			c.Send("+ idling")
			_, _, ok = c.Read()
			m.count(&m.idle, -1)
			if !ok {
				return
			}
		}
		c.Send(tag + " OK done")
	}
}

func (m *crowd) count(what *int, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*what += n
}

func (m *crowd) idling() (idle, open int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.idle, m.open
}

// daemon runs the engine while f works beside it.
func (m *crowd) daemon(f func(e *engine.Engine)) {
	m.t.Helper()
	j, err := sqlite.Open(m.t.Context(), m.cfg.State)
	if err != nil {
		m.t.Fatal(err)
	}
	defer j.Close()
	srv := imaptest.Scripted(m.t, m.serve)
	e := engine.New(m.cfg, engine.Options{Journal: j, Holder: "test", DialContext: srv.DialContext, Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(m.t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	f(e)
	cancel()
	if err := <-done; err != nil {
		m.t.Error(err)
	}
	srv.Wait()
}

// ours counts the goroutines that run the engine or wait in it.
func ours() (n int) {
	all := make([]byte, 4<<20)
	for one := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(one, "imapilot/engine.") && !strings.Contains(one, "engine_test") {
			n++
		}
	}
	return n
}

// An account that idles takes one goroutine, for days, and its memory does not grow.
func TestIdleAccountsForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const accounts = 10
		m := newCrowd(t, accounts, "connections: 1, idle: 2m", "")
		m.daemon(func(*engine.Engine) {
			time.Sleep(6 * time.Hour)
			heap := settledHeap()
			for range 2 {
				time.Sleep(24*time.Hour + 7*time.Second)
				synctest.Wait()
				if idle, open := m.idling(); idle != accounts || open != accounts {
					t.Fatalf("%d of %d connections idle", idle, open)
				}
				if n := ours(); n > accounts+1 { // one for all looks what needs a person
					t.Fatalf("%d accounts take %d goroutines", accounts, n)
				}
			}
			if grown := int(settledHeap() - heap); grown > 100<<10 {
				t.Errorf("the heap grew by %d octets in two days", grown)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			if len(m.logins) != accounts {
				t.Errorf("%d logins", len(m.logins))
			}
			if m.noops > 0 {
				t.Errorf("%d NOOPs: the end of an IDLE proves as much", m.noops)
			}
		})
	})
}

func settledHeap() int64 {
	synctest.Wait()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Hundreds of accounts come to their host one after the other, and the status says which
// of them wait.
func TestManyAccountsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCrowd(t, 200, "connections: 1", "hosts: {imap.example.org: {logins_per_minute: 60}}")
		m.daemon(func(e *engine.Engine) {
			time.Sleep(time.Minute)
			synctest.Wait()
			st, err := e.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			states := map[engine.AccountState]int{}
			for _, a := range st.Accounts {
				states[a.State]++
			}
			if states[engine.Watching] != 66 || states[engine.Queued] != 134 {
				t.Errorf("after a minute: %v", states)
			}
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			if idle, _ := m.idling(); idle != 200 {
				t.Errorf("%d idle", idle)
			}
		})
	})
}

// Watch connections take what a host's limit leaves, and the mailboxes of the others are
// swept: that is no failure, and costs no login.
func TestWatchersWithoutRoomSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCrowd(t, 4, "connections: 3, watch: [INBOX, Lists]", "hosts: {imap.example.org: {connections: 8}}")
		m.daemon(func(e *engine.Engine) {
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			if idle, open := m.idling(); idle != 3 || open != 7 {
				t.Errorf("%d of %d connections idle; 4 work, 3 watch, and one is left to guests", idle, open)
			}
			st, err := e.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			watched := map[string]int{}
			for _, a := range st.Accounts {
				if a.State != engine.Watching || a.Error != "" {
					t.Errorf("%s: %s, %s", a.Name, a.State, a.Error)
				}
				for _, box := range a.Mailboxes {
					watched[box.Watch]++
					if box.Error != "" || time.Since(box.LastProof) > 5*time.Minute+time.Second {
						t.Errorf("%s of %s: last proof %s, error %q", box.Name, a.Name, box.LastProof, box.Error)
					}
				}
			}
			if watched["idle"] != 3 || watched["poll 1m0s"] != 5 {
				t.Errorf("watched by %v", watched)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			if len(m.logins) != 7 {
				t.Errorf("%d logins", len(m.logins))
			}
		})
	})
}

// Who waits for his turn to log in hangs nowhere, however long the line is: a watchdog that
// ended the daemon for it would have all of them wait from the beginning.
func TestALongLineIsNoStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCrowd(t, 20, "connections: 1", "hosts: {imap.example.org: {logins_per_minute: 1}}")
		m.daemon(func(e *engine.Engine) {
			for range 20 {
				time.Sleep(time.Minute)
				synctest.Wait()
				if stuck := e.Stuck(); len(stuck) > 0 {
					t.Fatalf("%d loops are stuck, of %s since %s", len(stuck), stuck[0].Account, stuck[0].Since)
				}
			}
			if idle, _ := m.idling(); idle != 20 {
				t.Errorf("%d idle", idle)
			}
		})
	})
}
