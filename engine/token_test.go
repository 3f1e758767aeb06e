package engine_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/authtest"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
	"imapilot/engine/oauth"
	"imapilot/rules"
)

// tokenRig is a Dovecot that takes tokens, who gives them, and what passes between it
// and the daemon.
type tokenRig struct {
	*rig
	line     *answers
	auth     *authtest.Authority
	cfg      *config.Config
	log      *lockedLog
	endpoint string
}

// lockedLog keeps all that is logged.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const filesAll = "rules:\n  - {name: all, if: 'true', then: [{move: Filed}]}\n"

func newTokenRig(t *testing.T, mechanism string) *tokenRig {
	t.Helper()
	auth := &authtest.Authority{Username: "user"}
	endpoint := auth.Start(t)
	srv := imaptest.Dovecot(t, imaptest.Options{Config: imaptest.Tokens(t, endpoint+"/introspect", mechanism)})
	srv.Create(t, "Filed")
	r := &tokenRig{rig: newRig(t, srv), line: &answers{}, auth: auth, log: &lockedLog{}, endpoint: endpoint}
	r.rig.log = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.timing = engine.Timing{FirstRetry: 10 * time.Millisecond, MaxRetry: 50 * time.Millisecond, Again: 50 * time.Millisecond}
	r.cfg = r.load(fmt.Sprintf("oauth2: {client_id: %s, token_endpoint: '%s/token', scopes: [mail]}", authtest.ClientID, endpoint))
	t.Cleanup(func() { r.wantNoSecrets(r.log.String()) })
	return r
}

// load writes and loads a configuration; login says what is shown.
func (r *tokenRig) load(login string) *config.Config {
	r.t.Helper()
	host, port := r.srv.Addr()
	writeAll(r.t, r.dir, map[string]string{
		"key": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)),
		"imapilot.yaml": fmt.Sprintf("state: state.db\ntoken_key: {file: key}\naccounts:\n  home: {host: %s, port: %d, tls: none, username: user, connections: 1, poll: 5s, %s}\n%s",
			host, port, login, filesAll),
	})
	cfg, diags := config.Load(filepath.Join(r.dir, "imapilot.yaml"))
	for _, d := range diags {
		if d.Severity == rules.Error {
			r.t.Fatal(d.Format(false))
		}
	}
	return cfg
}

func writeAll(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// authorize stores a grant, as 'imapilot login' does.
func (r *tokenRig) authorize() {
	r.t.Helper()
	g := oauth.Grant{Refresh: r.auth.Grant(), Granted: time.Now(), TokenEndpoint: r.endpoint + "/token", ClientID: authtest.ClientID}
	if err := engine.Tokens(r.cfg.Accounts[0]).Accept(r.t.Context(), g); err != nil {
		r.t.Fatal(err)
	}
}

// run has the daemon work while f does.
func (r *tokenRig) run(f func(e *engine.Engine)) {
	r.t.Helper()
	r.daemon(r.cfg, f, func(o *engine.Options) { o.DialContext = new(net.Dialer).DialContext }, r.line.dialer)
}

func (r *tokenRig) status(e *engine.Engine) engine.AccountStatus {
	r.t.Helper()
	s, err := e.Status(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		r.t.Fatal(err)
	}
	r.wantNoSecrets(string(text))
	if len(s.Accounts) == 0 {
		return engine.AccountStatus{}
	}
	return s.Accounts[0]
}

func (r *tokenRig) await(e *engine.Engine, want engine.AccountState) engine.AccountStatus {
	r.t.Helper()
	r.eventually("the account is "+string(want), func() bool {
		s := r.status(e)
		scanned := len(s.Mailboxes) > 0 && !s.Mailboxes[0].LastScan.IsZero()
		return s.State == want && (want != engine.Watching || scanned)
	})
	return r.status(e)
}

// file delivers a message and waits until it was filed.
func (r *tokenRig) file(subject string) {
	r.t.Helper()
	r.mail("INBOX", subject, "a@example.org")
	r.eventually(subject+" is filed", func() bool { return slices.Contains(r.subjects("Filed"), subject) })
}

// wantNoSecrets looks for each token, also as SASL sends it.
func (r *tokenRig) wantNoSecrets(text string) {
	r.t.Helper()
	for _, s := range r.auth.Secrets() {
		if strings.Contains(text, s) {
			r.t.Errorf("it shows %s:\n%s", s, text)
		}
	}
	if strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("user=user"))[:11]) {
		r.t.Errorf("it shows an answer of SASL:\n%s", text)
	}
}

// The daemon gets a token, and another one when the first does not work any more, also
// after a restart; the refresh token that came with it is the one that is used then.
func TestTokensOnDovecot(t *testing.T) {
	for _, mechanism := range []string{imapsession.XOAuth2, imapsession.OAuthBearer} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			r := newTokenRig(t, mechanism)
			r.authorize()
			r.run(func(e *engine.Engine) {
				r.await(e, engine.Watching)
				r.file("first")
				if n := r.line.count("AUTHENTICATE " + mechanism); n != 1 || r.auth.Renewals() != 1 {
					t.Errorf("%d logins, %d renewals", n, r.auth.Renewals())
				}
				// Nobody here knows that the token is over, until the server says so.
				r.auth.Expire()
				r.srv.KillConnections(t)
				r.file("second")
				if n := r.line.count("AUTHENTICATE"); n != 3 || r.auth.Renewals() != 2 {
					t.Errorf("%d logins, %d renewals: one refused, and one with the token that was asked for then", n, r.auth.Renewals())
				}
				if strings.Contains(r.log.String(), "connection lost\" account=home error=\"AUTHENTICATE") {
					t.Errorf("it counts as a refused login:\n%s", r.log)
				}
			})
			r.auth.Expire()
			r.mail("INBOX", "third", "a@example.org")
			r.run(func(e *engine.Engine) { r.await(e, engine.Watching); r.file("fourth") })
			r.want("Filed", "first", "second", "third", "fourth")
			if strings.Contains(r.log.String(), "parked") {
				t.Error("parked")
			}
		})
	}
}

// A server that says in the middle of a connection that the token is not valid, when
// its time is up, gets the next one. However often, that is no refused login.
func TestTokenThatEndsInAConnection(t *testing.T) {
	r := newTokenRig(t, imapsession.XOAuth2)
	r.auth.Life = 50 * time.Second // within a minute of its end from the start
	r.authorize()
	r.run(func(e *engine.Engine) {
		r.await(e, engine.Watching)
		for i := range 5 {
			over := true
			r.line.change(func(line string) answer {
				if over = over && !strings.HasPrefix(line, "AUTHENTICATE"); over && strings.HasPrefix(line, "UID ") {
					return say("NO [AUTHENTICATIONFAILED] the token has expired")
				}
				return answer{}
			})
			r.file(fmt.Sprint("m", i))
		}
	})
	if n := r.line.count("AUTHENTICATE"); n != 6 || strings.Contains(r.log.String(), "parked") {
		t.Errorf("%d logins\n%s", n, r.log)
	}
}

// A revoked grant parks the account at once, with the command that mends it, and no
// login is tried. The next login brings it back without a restart.
func TestRevokedGrant(t *testing.T) {
	r := newTokenRig(t, imapsession.XOAuth2)
	r.run(func(e *engine.Engine) {
		s := r.await(e, engine.Parked)
		if !strings.Contains(s.Error, "nobody has logged in yet; run 'imapilot login home'") || r.line.count("AUTHENTICATE") != 0 {
			t.Errorf("%q after %d logins", s.Error, r.line.count("AUTHENTICATE"))
		}
		r.authorize()
		r.await(e, engine.Watching)
		r.file("first")

		r.auth.Revoke()
		logins, asked := r.line.count("AUTHENTICATE"), r.auth.Renewals()
		r.srv.KillConnections(t)
		s = r.await(e, engine.Parked)
		if !strings.Contains(s.Error, "invalid_grant") || !strings.Contains(s.Error, "run 'imapilot login home'") {
			t.Errorf("%q", s.Error)
		}
		if n := r.auth.Renewals() - asked; n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		asked = r.auth.Renewals()
		r.mail("INBOX", "second", "a@example.org")
		time.Sleep(10 * r.timing.Again) // it looks at the store, and asks nobody
		if n := r.line.count("AUTHENTICATE") - logins; n != 1 || r.auth.Renewals() != asked {
			t.Errorf("%d logins, %d renewals while parked", n, r.auth.Renewals()-asked)
		}
		r.authorize()
		r.await(e, engine.Watching)
		r.file("third")
		r.want("Filed", "first", "second", "third")
	})
	if !strings.Contains(r.log.String(), `command="imapilot login home"`) {
		t.Errorf("the log does not name the command:\n%s", r.log)
	}
}

// A server that takes no token gets three, and then the account is parked.
func TestServerThatTakesNoToken(t *testing.T) {
	r := newTokenRig(t, imapsession.XOAuth2)
	r.auth.Username = "somebody-else"
	r.authorize()
	r.run(func(e *engine.Engine) {
		r.await(e, engine.Parked)
		time.Sleep(10 * r.timing.Again)
		if n := r.line.count("AUTHENTICATE"); n != 3 || r.auth.Renewals() != 3 || r.status(e).State != engine.Parked {
			t.Errorf("%d logins, %d renewals, %s", n, r.auth.Renewals(), r.status(e).State)
		}
	})
}

// A wrong password is shown three times, and then the account is parked.
func TestWrongPasswordOnDovecot(t *testing.T) {
	r := newTokenRig(t, imapsession.XOAuth2)
	r.cfg = r.load("password: wrong")
	r.run(func(e *engine.Engine) {
		r.await(e, engine.Parked)
		time.Sleep(10 * r.timing.Again)
		if n := r.line.count("AUTHENTICATE PLAIN"); n != 3 || r.status(e).State != engine.Parked {
			t.Errorf("%d logins, %s", n, r.status(e).State)
		}
	})
}

// What is wrong at the provider is told with what to change, and no login is made; what
// passes is waited for, and parks nobody.
func TestAuthorizationServerThatRefuses(t *testing.T) {
	r := newTokenRig(t, imapsession.XOAuth2)
	r.authorize()
	var status int
	var code string
	var mu sync.Mutex
	set := func(s int, c string) { mu.Lock(); defer mu.Unlock(); status, code = s, c }
	set(http.StatusUnauthorized, "invalid_client")
	r.auth.SetAnswer(func(w http.ResponseWriter, _ url.Values) bool {
		mu.Lock()
		defer mu.Unlock()
		if code != "" {
			authtest.Fail(w, status, code)
		}
		return code != ""
	})
	r.run(func(e *engine.Engine) {
		s := r.await(e, engine.Waiting)
		if !strings.Contains(s.Error, `invalid_client`) || !strings.Contains(s.Error, `client_id "the-client"`) {
			t.Errorf("%q", s.Error)
		}
		set(http.StatusServiceUnavailable, "temporarily_unavailable")
		asked := r.auth.Renewals()
		r.eventually("it asks again and again", func() bool { return r.auth.Renewals() > asked+5 })
		if s := r.status(e); s.State == engine.Parked || r.line.count("AUTHENTICATE") != 0 {
			t.Errorf("%s after %d logins", s.State, r.line.count("AUTHENTICATE"))
		}
		set(0, "")
		r.await(e, engine.Watching)
		r.file("first")
	})
}
