package imapsession_test

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

func TestTLS(t *testing.T) {
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, imaptest.Options{TLS: true})
			srv.Append(t, "INBOX", nil, time.Time{}, letter("a"))
			for _, mode := range []string{imapsession.TLSImplicit, imapsession.TLSStartTLS} {
				o := options(srv)
				o.TLS, o.Roots = mode, srv.Roots
				if mode == imapsession.TLSImplicit {
					_, port, err := net.SplitHostPort(srv.TLSAddr)
					check(t, err)
					o.Port = must[int](t)(net.LookupPort("tcp", port))
				}
				s, err := imapsession.Dial(t.Context(), o)
				if err != nil {
					t.Fatalf("%s: %v", mode, err)
				}
				if sel := must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX")); sel.Messages != 1 {
					t.Errorf("%s: %+v", mode, sel)
				}
				if s.Capabilities().Has("STARTTLS") {
					t.Errorf("%s: capabilities from before TLS", mode)
				}
				check(t, s.Logout(t.Context()))

				o.Roots = nil // the system's do not know this authority
				_, err = imapsession.Dial(t.Context(), o)
				wantError(t, err, imapsession.Config)
				o.Roots, o.Host = srv.Roots, "localhost"
				o.DialContext = srv.DialContext
				if mode == imapsession.TLSStartTLS {
					s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
					check(t, s.Logout(t.Context()))
				}
				o.Host = "imap.example.org" // a certificate for another host
				if mode == imapsession.TLSStartTLS {
					_, err = imapsession.Dial(t.Context(), o)
					wantError(t, err, imapsession.Config)
				}
			}
			// TLS to a port in clear text: the configuration is wrong.
			o := options(srv)
			o.TLS, o.Roots = imapsession.TLSImplicit, srv.Roots
			_, err := imapsession.Dial(t.Context(), o)
			wantError(t, err, imapsession.Config)
		})
	}
}

// Nothing that is said before TLS is believed, and there is no way around TLS.
func TestStartTLSIsNotFooled(t *testing.T) {
	for name, tc := range map[string]struct {
		script func(c *imaptest.Script)
		class  imapsession.Class
		want   string
	}{
		"PREAUTH":     {func(c *imaptest.Script) { c.Send("* PREAUTH welcome"); c.Drain() }, imapsession.Config, "PREAUTH"},
		"not offered": {func(c *imaptest.Script) { c.Send("* OK hello"); c.Answer("STARTTLS", "BAD what"); c.Drain() }, imapsession.Config, "BAD what"},
		"refused": {func(c *imaptest.Script) {
			c.Send("* OK hello")
			c.Answer("STARTTLS", "NO [UNAVAILABLE] later")
			c.Drain()
		}, imapsession.TryAgain, "later"},
		"no answer": {func(c *imaptest.Script) { c.Send("* OK hello"); c.Drain() }, imapsession.Connection, "did not answer in time"},
		"BYE":       {func(c *imaptest.Script) { c.Send("* BYE no") }, imapsession.Connection, "no"},
		"injected":  {injected, imapsession.Connection, "between STARTTLS and TLS"},
		"plain text": {func(c *imaptest.Script) {
			c.Send("* OK hello")
			c.Answer("STARTTLS", "OK")
			c.Expect("")
			c.Send("* OK")
			c.Drain()
		}, imapsession.Config, "TLS"},
		"a long story": {func(c *imaptest.Script) { c.Send("* OK hello"); c.Expect("STARTTLS"); endless(c, "", "* OK no\r\n") }, imapsession.Connection, "no reply"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := imaptest.Scripted(t, tc.script)
			o := scriptedOptions(srv)
			o.TLS, o.Timeouts.Dial = imapsession.TLSStartTLS, 500*time.Millisecond
			_, err := imapsession.Dial(t.Context(), o)
			wantError(t, err, tc.class)
			if err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			srv.Wait()
		})
	}
}

// injected sends, in one piece with the OK, what is to be read as if it had
// come through TLS.
func injected(c *imaptest.Script) {
	c.Send("* OK hello")
	tag := c.Expect("STARTTLS")
	_, _ = io.WriteString(c, tag+" OK begin\r\n* CAPABILITY IMAP4rev1 MOVE\r\n") // the client hangs up
	c.Drain()
}

// The password goes out only through TLS.
func TestThePasswordWaitsForTLS(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{TLS: true})
	var plain []string
	done := make(chan struct{})
	scripted := imaptest.Scripted(t, func(c *imaptest.Script) {
		defer close(done)
		c.Send("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello")
		tag, command, _ := c.Read()
		plain = append(plain, command)
		c.Send(tag + " OK")
		_ = tls.Server(c.Conn, &tls.Config{}).Handshake() // it has no certificate: this fails
	})
	o := scriptedOptions(scripted)
	o.TLS, o.Roots = imapsession.TLSStartTLS, srv.Roots
	_, err := imapsession.Dial(t.Context(), o)
	wantError(t, err, imapsession.Config)
	<-done
	if !slices.Equal(plain, []string{"STARTTLS"}) {
		t.Errorf("in clear text: %q", plain)
	}
}
