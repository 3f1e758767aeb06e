package imapsession_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// authority is an authorization server as far as a mail server asks one: it knows one
// token, and whose it is.
func authority(t *testing.T, good string) (url string, asked *atomic.Int32) {
	asked = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("token") != good {
			fmt.Fprint(w, `{"active": false}`)
			return
		}
		fmt.Fprint(w, `{"active": true, "username": "user"}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, asked
}

// withMechanisms is a Dovecot that offers some mechanisms alone, OAuth2 by the token
// "ya29.good".
func withMechanisms(t *testing.T, mechanisms string) *imaptest.Server {
	url, _ := authority(t, "ya29.good")
	conf := filepath.Join(t.TempDir(), "oauth2.conf")
	text := "introspection_mode = get\nintrospection_url = " + url + "/?token=\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil { //nolint:gosec // Dovecot's user reads it
		t.Fatal(err)
	}
	return imaptest.Dovecot(t, imaptest.Options{Config: fmt.Sprintf(
		"auth_mechanisms = %s\npassdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = %s\n}\n", mechanisms, conf)})
}

func tokens(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// TestMechanismsOnDovecot logs in to a real server by each mechanism, and is refused
// with a wrong password or token.
func TestMechanismsOnDovecot(t *testing.T) {
	for _, mechanism := range []string{imapsession.ScramSHA256, imapsession.Plain, imapsession.Login, imapsession.OAuthBearer, imapsession.XOAuth2} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			srv := withMechanisms(t, strings.ToLower(mechanism))
			o := options(srv)
			bearer := mechanism == imapsession.OAuthBearer || mechanism == imapsession.XOAuth2
			if o.Mechanism = mechanism; bearer {
				o.Password, o.Token = "", tokens("ya29.good")
			}
			s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
			check(t, s.Logout(t.Context()))
			if o.Password = "wrong-password"; bearer {
				o.Token = tokens("ya29.revoked")
			}
			_, err := imapsession.Dial(t.Context(), o)
			e := wantError(t, err, imapsession.Auth)
			if e != nil && (e.Op != "AUTHENTICATE" || strings.Contains(err.Error(), "wrong-password") || strings.Contains(err.Error(), "ya29.revoked")) {
				t.Error(err)
			}
		})
	}
}

// TestStrongestMechanism is what is chosen, by what the server offers and what there is
// to show.
func TestStrongestMechanism(t *testing.T) {
	password := imapsession.Options{Username: "ann", Password: "secret"}
	token := imapsession.Options{Username: "ann", Password: "secret", Token: tokens("t")}
	for _, c := range []struct {
		name, caps string
		o          imapsession.Options
		asked      string
		want       string // what is sent, or the error
	}{
		{"everything", "AUTH=LOGIN AUTH=PLAIN AUTH=SCRAM-SHA-256", password, "", "AUTHENTICATE SCRAM-SHA-256"},
		{"no SCRAM", "AUTH=LOGIN AUTH=PLAIN", password, "", "AUTHENTICATE PLAIN"},
		{"old", "AUTH=LOGIN", password, "", "AUTHENTICATE LOGIN"},
		{"none", "IDLE", password, "", "LOGIN "},
		{"asked for", "AUTH=LOGIN AUTH=PLAIN AUTH=SCRAM-SHA-256", password, imapsession.Plain, "AUTHENTICATE PLAIN"},
		{"a token", "AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER", token, "", "AUTHENTICATE OAUTHBEARER"},
		{"XOAUTH2 alone", "AUTH=PLAIN AUTH=XOAUTH2", token, "", "AUTHENTICATE XOAUTH2"},
		{"a token that nobody wants", "AUTH=PLAIN", token, "", "which does not go with an OAuth2 token"},
		{"asked for in vain", "AUTH=PLAIN", password, imapsession.ScramSHA256, "offers PLAIN, the LOGIN command, which does not go with auth: scram-sha-256"},
		{"disabled", "LOGINDISABLED", password, "", "use TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent string
				srv := imaptest.Scripted(t, func(s *imaptest.Script) {
					s.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR " + c.caps + "] hello")
					_, sent, _ = s.Read()
				})
				o := scriptedOptions(srv)
				o.Username, o.Password, o.Token, o.Mechanism, o.TLS = c.o.Username, c.o.Password, c.o.Token, c.asked, imapsession.TLSNone
				_, err := imapsession.Dial(t.Context(), o)
				if srv.Wait(); !strings.HasPrefix(sent, c.want) && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%q, %v; want %q", sent, err, c.want)
				}
			})
		})
	}
}

// TestScramServersThatCheat are not logged in to: one that says OK without proof, one
// that proves nothing, one that wants hours of computing, one that talks without end.
func TestScramServersThatCheat(t *testing.T) {
	say := func(s *imaptest.Script, text string) { s.Send("+ " + base64.StdEncoding.EncodeToString([]byte(text))) }
	for name, c := range map[string]struct {
		script func(s *imaptest.Script, tag, nonce string)
		want   string
	}{
		"OK at once":  {func(s *imaptest.Script, tag, _ string) { s.Send(tag + " OK [CAPABILITY IMAP4rev1] welcome") }, "did not prove"},
		"other nonce": {func(s *imaptest.Script, _, _ string) { say(s, "r=other,s=c2FsdA==,i=4096") }, "did not prove"},
		"no proof": {func(s *imaptest.Script, tag, nonce string) {
			say(s, "r="+nonce+"x,s=c2FsdA==,i=4096")
			s.Read()
			s.Send(tag + " OK [CAPABILITY IMAP4rev1] welcome")
		}, "did not prove"},
		"false proof": {func(s *imaptest.Script, _, nonce string) {
			say(s, "r="+nonce+"x,s=c2FsdA==,i=4096")
			s.Read()
			say(s, "v=AAAA")
		}, "did not prove"},
		"years": {func(s *imaptest.Script, _, nonce string) { say(s, "r="+nonce+"x,s=c2FsdA==,i=2147483647") }, "iterations"},
		"long":  {func(s *imaptest.Script, _, _ string) { say(s, strings.Repeat("x", 40_000)) }, "octets"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.Scripted(t, func(s *imaptest.Script) {
					s.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256] hello")
					tag, command, _ := s.Read()
					first, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(command, "AUTHENTICATE SCRAM-SHA-256 "))
					_, nonce, _ := strings.Cut(string(first), ",r=")
					c.script(s, tag, nonce)
					s.Drain()
				})
				o := scriptedOptions(srv)
				o.Password = "secret"
				_, err := imapsession.Dial(t.Context(), o)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
				srv.Wait()
			})
		})
	}
}

// TestTokensAreAskedForAndKept: the reason of a refusal is told, the token is not, and
// what is no token is not sent.
func TestTokensAreAskedForAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(s *imaptest.Script) {
			s.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello")
			tag := s.Expect("AUTHENTICATE XOAUTH2 ")
			s.Send("+ " + base64.StdEncoding.EncodeToString([]byte(`{"status":"401","schemes":"bearer"}`)))
			if line, _, _ := s.Read(); line != "" {
				t.Errorf("the answer to the reason is %q", line)
			}
			s.Send(tag + " NO [AUTHENTICATIONFAILED] ya29.secret is no good")
			s.Drain()
		})
		o := scriptedOptions(srv)
		o.Token = tokens("ya29.secret")
		_, err := imapsession.Dial(t.Context(), o)
		if wantError(t, err, imapsession.Auth); !strings.Contains(err.Error(), `"status":"401"`) || strings.Contains(err.Error(), "ya29.secret") {
			t.Error(err)
		}
		srv.Wait()
	})
	for name, c := range map[string]struct {
		token func(context.Context) (string, error)
		class imapsession.Class
	}{
		"two fields": {tokens("a\x01auth=Bearer b"), imapsession.Config},
		"empty":      {tokens(""), imapsession.Config},
		"long":       {tokens(strings.Repeat("x", 20_000)), imapsession.Config},
		"none now":   {func(context.Context) (string, error) { return "", errors.New("no network") }, imapsession.TryAgain},
		"none at all": {func(context.Context) (string, error) {
			return "", &imapsession.Error{Op: "TOKEN", Class: imapsession.Auth}
		}, imapsession.Auth},
	} {
		t.Run(name, func(t *testing.T) {
			o := imapsession.Options{Host: "127.0.0.1", Username: "ann", Token: c.token}
			_, err := imapsession.Dial(t.Context(), o)
			wantError(t, err, c.class)
		})
	}
}
