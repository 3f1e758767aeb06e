package imapsession_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

func TestDialFails(t *testing.T) {
	for name, tc := range map[string]struct {
		script func(c *imaptest.Script)
		class  imapsession.Class
		want   string
	}{
		"too many":     {func(c *imaptest.Script) { c.Send("* BYE Too many connections") }, imapsession.Throttled, "Too many"},
		"BYE":          {func(c *imaptest.Script) { c.Send("* BYE maintenance") }, imapsession.Connection, "maintenance"},
		"no IMAP":      {func(c *imaptest.Script) { c.Send("220 smtp.example.org ESMTP"); c.Drain() }, imapsession.Config, "no greeting"},
		"HTTP":         {func(c *imaptest.Script) { c.Send("HTTP/1.1 400 Bad Request"); c.Drain() }, imapsession.Config, "no greeting"},
		"silence":      {func(c *imaptest.Script) { c.Drain() }, imapsession.Connection, "did not answer in time"},
		"half a line":  {func(c *imaptest.Script) { fmt.Fprint(c, "* OK"); c.Drain() }, imapsession.Connection, "did not answer in time"},
		"wrong":        login("NO [AUTHENTICATIONFAILED] no", imapsession.Auth),
		"plain NO":     login("NO Invalid credentials (Failure)", imapsession.Auth),
		"unavailable":  login("NO [UNAVAILABLE] later", imapsession.TryAgain),
		"in use":       login("NO [INUSE] locked", imapsession.TryAgain),
		"server bug":   login("NO [SERVERBUG] oops", imapsession.TryAgain),
		"limit":        login("NO [LIMIT] enough", imapsession.Throttled),
		"too many, NO": login("NO [ALERT] Too many simultaneous connections. (Failure)", imapsession.Throttled),
		"dovecot's":    login("NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded", imapsession.Throttled),
		"bandwidth":    login("NO [OVERQUOTA] Account exceeded command or bandwidth limits.", imapsession.Throttled),
		"expired":      login("NO [EXPIRED] change it", imapsession.Auth),
		"try again":    login("NO Temporary failure, try again later", imapsession.TryAgain),
		"auth, try":    login("NO [AUTHENTICATIONFAILED] Invalid, try again", imapsession.Auth),
		"BYE for reply": {func(c *imaptest.Script) {
			c.Send("* OK [CAPABILITY IMAP4rev1] x")
			c.Expect("LOGIN")
			c.Send("* BYE Too many failures")
		}, imapsession.Throttled, "Too many"},
		"no login": {func(c *imaptest.Script) { c.Send("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x"); c.Drain() }, imapsession.Config, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.Scripted(t, tc.script)
				_, err := imapsession.Dial(t.Context(), scriptedOptions(srv))
				wantError(t, err, tc.class)
				if err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret")) {
					t.Errorf("%v, want %q", err, tc.want)
				}
				srv.Wait()
			})
		})
	}
	for _, o := range []imapsession.Options{{Username: "a\r\nb", Password: "x"}, {Username: "a", Password: "x\nsecret"}, {Username: "a", Password: ""}} {
		o.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("it was dialled") }
		_, err := imapsession.Dial(t.Context(), o)
		if wantError(t, err, imapsession.Config); strings.Contains(err.Error(), "dialled") || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	_, err := imapsession.Dial(t.Context(), imapsession.Options{Host: "nowhere.invalid", Port: 993, Username: "a", Password: "b",
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}}
		}})
	wantError(t, err, imapsession.Config)
}

func login(answer string, class imapsession.Class) (tc struct {
	script func(c *imaptest.Script)
	class  imapsession.Class
	want   string
}) {
	tc.script = func(c *imaptest.Script) {
		c.Send("* OK [CAPABILITY IMAP4rev1] x")
		c.Answer("LOGIN", answer)
		c.Drain()
	}
	tc.class, tc.want = class, "LOGIN"
	return tc
}

// Ways to log in, and to learn the capabilities.
func TestLogins(t *testing.T) {
	for name, script := range map[string]func(c *imaptest.Script){
		"LOGIN, everything asked for": func(c *imaptest.Script) {
			c.Send("* OK hello")
			c.Answer("CAPABILITY", "* CAPABILITY IMAP4rev1", "OK")
			c.Answer(`LOGIN "ann" "secret"`, "OK")
			c.Answer("CAPABILITY", "* capability imap4REV1 move idle", "OK")
		},
		"PLAIN with an initial response": func(c *imaptest.Script) {
			c.Send("* OK [CAPABILITY IMAP4rev1 auth=plain SASL-IR] hello")
			c.Answer("AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=", "* CAPABILITY IMAP4rev1 MOVE IDLE", "OK")
		},
		"PLAIN without": func(c *imaptest.Script) {
			c.Send("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED] hello")
			tag := c.Expect("AUTHENTICATE PLAIN")
			c.Send("+ ")
			if response, _, _ := c.Read(); response != "AGFubgBzZWNyZXQ=" {
				t.Errorf("the response is %q", response)
			}
			c.Send(tag + " OK [CAPABILITY IMAP4rev1 MOVE IDLE] ok")
		},
		"PREAUTH": func(c *imaptest.Script) { c.Send("* PREAUTH [CAPABILITY IMAP4rev1 MOVE IDLE] hello") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.Scripted(t, func(c *imaptest.Script) {
					script(c)
					c.Answer(`LIST "" ""`, `* LIST (\Noselect) "." ""`, "OK")
					tag := c.Expect("LOGOUT")
					c.Send("* BYE see you", tag+" OK")
				})
				var traffic imapsession.Traffic
				o := scriptedOptions(srv)
				o.Traffic = &traffic
				s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
				if c := s.Capabilities(); !c.Move || !c.Idle || c.UIDPlus || s.Delimiter() != '.' {
					t.Errorf("%+v, delimiter %q", c, s.Delimiter())
				}
				check(t, s.Logout(t.Context()))
				srv.Wait()
				if traffic.Connections.Load() != 1 || traffic.Sent.Load() == 0 || traffic.Received.Load() == 0 || traffic.Commands.Load() == 0 {
					t.Error("nothing was counted")
				}
			})
		})
	}
}

func TestNamespaces(t *testing.T) {
	for answer, want := range map[string]struct {
		prefix    string
		delimiter rune
	}{
		`* NAMESPACE (("INBOX." ".")) NIL NIL`:                                   {"INBOX.", '.'},
		`* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1"))) (("~" "/")) NIL`: {"", '/'},
		`* NAMESPACE NIL NIL NIL`:                                                {"", '|'},
		`* NAMESPACE (("Entw&APw-rfe/" "/")) NIL NIL`:                            {"Entwürfe/", '/'},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := imaptest.Scripted(t, func(c *imaptest.Script) {
				c.Send("* PREAUTH [CAPABILITY IMAP4rev1 NAMESPACE] x")
				c.Answer("NAMESPACE", answer, "OK")
				if want.delimiter == '|' {
					c.Answer("LIST", `* LIST () "|" ""`, "OK")
				}
				c.Drain()
			})
			s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), scriptedOptions(srv)))
			if s.Prefix() != want.prefix || s.Delimiter() != want.delimiter {
				t.Errorf("%s: %q, %q", answer, s.Prefix(), s.Delimiter())
			}
			s.Close()
			srv.Wait()
		})
	}
}
