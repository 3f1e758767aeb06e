package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// accountsWith are accounts of which each has a password.
func accountsWith(t *testing.T, hosts ...string) *config.Config {
	t.Helper()
	return accountsThatShow(t, "'p'", hosts...)
}

func accountsThatShow(t *testing.T, password string, hosts ...string) *config.Config {
	t.Helper()
	text := "accounts:\n"
	for i, host := range hosts {
		text += fmt.Sprintf("  a%d: {host: %s, username: u, password: %s, tls: none}\n", i, host, password)
	}
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	if cfg == nil {
		t.Fatal(diags)
	}
	return cfg
}

// letsIn lets everybody in and then says when he went away.
func letsIn(t *testing.T, gone chan<- time.Time) *imaptest.ScriptedServer {
	return imaptest.Scripted(t, func(c *imaptest.Script) {
		c.Send("* PREAUTH [CAPABILITY IMAP4rev1] ready")
		for tag, _, ok := c.Read(); ok; tag, _, ok = c.Read() {
			c.Send(`* LIST (\Noselect) "/" ""`, tag+" OK done")
		}
		gone <- time.Now()
	})
}

// What nobody takes ends with whoever wanted it, or when it is too old: by then it is no
// login any more.
func TestLogInAheadForNobody(t *testing.T) {
	for name, c := range map[string]struct {
		closes bool
		after  time.Duration
	}{"closed": {true, 0}, "too old": {false, loggedInFor}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan time.Time, 1)
				srv := letsIn(t, gone)
				cfg := accountsWith(t, "mail.example")
				h := LogInAhead(t.Context(), cfg, "", Options{DialContext: srv.DialContext})
				began := time.Now()
				synctest.Wait()
				if c.closes {
					h.Close()
				}
				if lasted := (<-gone).Sub(began); lasted != c.after {
					t.Errorf("it ended after %v", lasted)
				}
				synctest.Wait()
				if in, ok := h.take(t.Context(), cfg.Accounts[0]); ok {
					t.Errorf("what had ended was given: %+v", in)
				}
				h.Close()
			})
		})
	}
}

// A login that hangs is waited for as long as the run itself; what comes late is closed.
func TestLogInAheadThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, goOn := make(chan time.Time, 1), make(chan struct{})
		srv := letsIn(t, gone)
		cfg := accountsWith(t, "mail.example")
		h := LogInAhead(t.Context(), cfg, "", Options{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			<-goOn
			return srv.DialContext(ctx, network, address)
		}})
		defer h.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		in, ok := h.take(ctx, cfg.Accounts[0])
		if !ok || !isClass(in.err, imapsession.Connection) || !errors.Is(in.err, context.Canceled) {
			t.Errorf("%v, %t", in.err, ok)
		}
		close(goOn)
		<-gone
	})
}

// It is done for few accounts, and where no turn has to be waited for.
func TestLogInAheadWhere(t *testing.T) {
	many := accountsWith(t, "a.example", "b.example", "c.example", "d.example", "e.example", "f.example")
	paced := accountsWith(t, "A.example", "b.example")
	paced.Hosts = []config.Host{{Name: "a.example", LoginsPerMinute: 5}, {Name: "b.example", Connections: 5}}
	token := accountsWith(t, "a.example")
	token.Accounts[0].OAuth2 = &config.OAuth2{}
	told := accountsThatShow(t, "{command: [pass, show]}", "a.example")
	for name, c := range map[string]struct {
		cfg     *config.Config
		account string
		want    int
	}{
		"many": {many, "", mostLoggedIn}, "one": {many, "a5", 1}, "none": {many, "b", 0},
		"paced": {paced, "", 1}, "a token of our own": {token, "", 0}, "a program tells it": {told, "", 0},
	} {
		h := LogInAhead(t.Context(), c.cfg, c.account, Options{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("not here")
		}})
		if len(h.made) != c.want {
			t.Errorf("%s: %d logins", name, len(h.made))
		}
		h.Close()
	}
	(*Ahead)(nil).Close()
}
