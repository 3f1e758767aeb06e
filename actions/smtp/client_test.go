package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func TestSend(t *testing.T) {
	for _, mode := range []string{TLSImplicit, TLSStartTLS, TLSNone} {
		for _, mechanism := range []string{sasl.Plain, sasl.Login, ""} {
			m := &mailServer{mechanisms: []string{mechanism}}
			s := serve(t, m, mode, nil)
			if mechanism != "" {
				s.Username, s.Password = "ann", hush
			}
			e := Envelope{From: "me@example.org", To: []string{"bob@example.net", "eve@example.com"}}
			message := "Subject: x\r\n\r\n.\r\n..\r\n.dot\r\nQUIT\r\n"
			r := NewClient().Send(t.Context(), s, e, []byte(message))
			got := m.deliveries()
			if r != (Result{Code: 250}) || len(got) != 1 {
				t.Fatalf("%s %s: %+v, %d messages", mode, mechanism, r, len(got))
			}
			d := got[0]
			if d.data != message || d.from != e.From || !slices.Equal(d.to, e.To) || d.tls != (mode != TLSNone) || d.options.Size != int64(len(message)) {
				t.Errorf("%s %s: %+v", mode, mechanism, d)
			}
			if mechanism != "" && m.user != "ann "+mechanism {
				t.Errorf("%s %s: logged in %q", mode, mechanism, m.user)
			}
		}
	}
}

// The null reverse-path, and what goes beyond ASCII.
func TestSendEnvelopes(t *testing.T) {
	m := &mailServer{}
	s := serve(t, m, TLSNone, nil)
	for _, e := range []Envelope{{To: []string{"bob@example.net"}}, {To: []string{"böb@example.net"}}, {To: []string{"bob@müller.example"}}} {
		if r := NewClient().Send(t.Context(), s, e, []byte("Subject: ü\r\n\r\n")); r.Err != nil {
			t.Fatalf("%+v: %v", e, r.Err)
		}
	}
	got := m.deliveries()
	if got[0].from != "" || got[0].options.UTF8 || got[0].options.Body != smtp.Body8BitMIME {
		t.Errorf("%+v", got[0])
	}
	if !got[1].options.UTF8 || got[1].to[0] != "böb@example.net" || got[2].options.UTF8 || got[2].to[0] != "bob@xn--mller-kva.example" {
		t.Errorf("%+v", got[1:])
	}
}

// What a server does not offer is not asked of it, and nothing is sent.
func TestSendWithoutExtensions(t *testing.T) {
	const bare = "250 mail.example.org"
	for _, c := range []struct {
		ehlo, to, body string
		err            error
		says           string
	}{
		{bare, "bob@example.net", "plain\r\n", nil, ""},
		{bare, "bob@example.net", "ü\r\n", ErrEightBit, "8BITMIME"},
		{"250-x\r\n250 8BITMIME", "bob@example.net", "ü\r\n", nil, ""},
		{"250-x\r\n250 8BITMIME", "böb@example.net", "plain\r\n", errRefused, "SMTPUTF8"},
		{"250-x\r\n250 SIZE 10", "bob@example.net", "much too long\r\n", errRefused, "the server takes 10"},
		{"250-x\r\n250 SIZE 0", "bob@example.net", "much too long\r\n", nil, ""},
	} {
		s := &script{answers: map[string]string{"EHLO": c.ehlo}, after: "250 ok"}
		client, done := s.client()
		r := client.Send(t.Context(), plain(), Envelope{To: []string{c.to}}, []byte("X: y\r\n\r\n"+c.body))
		<-done
		sent := slices.Contains(s.seen, "DATA")
		if (r.Err == nil) != (c.err == nil) || sent != (c.err == nil) || r.Retry {
			t.Errorf("%q %q %q: %+v, sent %v", c.ehlo, c.to, c.body, r, sent)
		}
		if errors.Is(c.err, ErrEightBit) != errors.Is(r.Err, ErrEightBit) || r.Err != nil && !strings.Contains(r.Err.Error(), c.says) {
			t.Errorf("%q: %v", c.ehlo, r.Err)
		}
		if strings.Contains(strings.Join(s.seen, "\n"), "BODY=") && !strings.Contains(c.ehlo, "8BITMIME") {
			t.Errorf("%q", s.seen)
		}
	}
}

func plain() Server { return Server{Host: "mail.example.org", TLS: TLSNone, From: "me@example.org"} }

// client is one whose connection the script answers, and when it is over.
func (s *script) client() (*Client, chan struct{}) {
	done := make(chan struct{})
	return &Client{dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { defer close(done); s.play(theirs) }()
		return ours, nil
	}}, done
}

func TestRefusedAtEachStep(t *testing.T) {
	for _, step := range []string{"", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "after"} {
		for _, code := range []string{"421", "450", "451", "550", "554"} {
			s := &script{answers: map[string]string{step: code + " 4.7.1 no " + hush}}
			if step == "after" {
				s.after = code + " 4.7.1 no " + hush
			}
			r := s.listen(t, func(to *Server) { to.Username, to.Password = "ann", hush })
			if r.Err == nil || fmt.Sprint(r.Code) != code || r.EnhancedCode != "4.7.1" || r.Retry != (code[0] == '4') || r.Unknown {
				t.Errorf("%s at %q: %+v", code, step, r)
			}
			if errors.Is(r.Err, ErrLogin) != (step == "AUTH") || strings.Contains(r.Err.Error(), hush) || !strings.Contains(r.Err.Error(), "no ...") {
				t.Errorf("%s at %q: %v", code, step, r.Err)
			}
			if r := (&script{}).listen(t, func(*Server) {}); r.Err != nil {
				t.Fatalf("the script refuses by itself: %v", r.Err)
			}
		}
	}
}

func TestDroppedAtEachStep(t *testing.T) {
	for _, step := range []string{"", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "after"} {
		s := &script{answers: map[string]string{step: "drop"}}
		if step == "after" {
			s.after = "drop"
		}
		r := s.listen(t, func(to *Server) { to.Username, to.Password = "ann", hush })
		if r.Err == nil || r.Code != 0 || !r.Retry || r.Unknown != (step == "after") {
			t.Errorf("dropped at %q: %+v", step, r)
		}
	}
	// The message is taken: a server that then goes without a word changes
	// nothing.
	if r := (&script{answers: map[string]string{"QUIT": "drop"}}).listen(t, func(*Server) {}); r.Err != nil {
		t.Errorf("dropped at QUIT: %+v", r)
	}
}

// A server that says nothing at any step is waited for five minutes, and one
// that says no good-bye for five seconds.
func TestMuteAtEachStep(t *testing.T) {
	for _, step := range []string{"", "EHLO", "MAIL", "RCPT", "DATA", "after", "QUIT"} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: map[string]string{step: "mute"}}
			if step == "after" {
				s.after = "mute"
			}
			began := time.Now()
			r := s.send(t.Context(), plain(), short)
			took := time.Since(began)
			if step == "QUIT" {
				if r.Err != nil || took != quitTimeout {
					t.Errorf("no good-bye: %+v after %v", r, took)
				}
				return
			}
			if r.Err == nil || !r.Retry || r.Unknown != (step == "after") || took != Timeout || !strings.Contains(r.Err.Error(), "no answer within 5m0s") {
				t.Errorf("mute at %q: %+v after %v", step, r, took)
			}
		})
	}
}

// A slow server is one attempt, not one deadline for each of its lines.
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		c := &Client{dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { defer close(done); drip(theirs) }()
			return ours, nil
		}}
		began := time.Now()
		r := c.Send(t.Context(), plain(), envelope(), []byte(short))
		if took := time.Since(began); r.Err == nil || !r.Retry || took != Timeout {
			t.Errorf("%+v after %v", r, took)
		}
		<-done
	})
}

// drip writes a line every 59 seconds until nobody reads it.
func drip(c net.Conn) {
	defer c.Close()
	tick := time.NewTicker(59 * time.Second)
	defer tick.Stop()
	for range tick.C {
		if _, err := c.Write([]byte("220-slow\r\n")); err != nil {
			return
		}
	}
}

func TestConnectTimeout(t *testing.T) {
	for _, mode := range []string{TLSNone, TLSImplicit} {
		synctest.Test(t, func(t *testing.T) {
			c := &Client{dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				if mode == TLSImplicit {
					ours, theirs := net.Pipe()
					t.Cleanup(func() { theirs.Close() })
					go func() { _, _ = theirs.Read(make([]byte, 1<<16)) }() // the hello is read, and not answered
					return ours, nil
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}}
			s := plain()
			s.TLS = mode
			began := time.Now()
			r := c.Send(t.Context(), s, envelope(), []byte(short))
			if took := time.Since(began); r.Err == nil || !r.Retry || took != ConnectTimeout || !strings.Contains(r.Err.Error(), "no answer within 30s") {
				t.Errorf("%s: %+v after %v", mode, r, took)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		r := (&script{answers: map[string]string{"RCPT": "mute"}}).send(ctx, plain(), short)
		if took := time.Since(began); r.Err == nil || !r.Retry || r.Unknown || took != time.Second {
			t.Errorf("%+v after %v", r, took)
		}
	})
}

func TestEndlessTalk(t *testing.T) {
	s := &script{answers: map[string]string{"EHLO": strings.Repeat("250-x\r\n", maxTalk/7+1) + "250 x"}}
	if r := s.listen(t, func(*Server) {}); r.Err == nil || !strings.Contains(r.Err.Error(), errTalk.Error()) {
		t.Errorf("%+v", r)
	}
}

func TestStrangeAnswers(t *testing.T) {
	for after, want := range map[string]Result{
		"200 fine":  {Code: 200},
		"354 what":  {Code: 354, Retry: true, Unknown: true},
		"nonsense":  {Retry: true, Unknown: true},
		"250 2.0.0": {Code: 250},
	} {
		r := (&script{after: after}).listen(t, func(*Server) {})
		if (r.Err != nil) != want.Retry {
			t.Errorf("%q: %+v", after, r)
		}
		r.Err = nil
		if r != want {
			t.Errorf("%q: %+v, want %+v", after, r, want)
		}
	}
	r := (&script{answers: map[string]string{"RCPT": "550 \x1b[2J" + strings.Repeat("x", 1500)}}).listen(t, func(*Server) {})
	if r.Err == nil || len(r.Err.Error()) > maxAnswer+100 || strings.Contains(r.Err.Error(), "\x1b") {
		t.Errorf("%q", r.Err)
	}
}

// All recipients or none: what one refuses, the others do not get.
func TestOneRecipientRefused(t *testing.T) {
	m := &mailServer{refuse: map[string]error{"eve@example.com": &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody"}}}
	s := serve(t, m, TLSNone, nil)
	e := Envelope{From: "me@example.org", To: []string{"bob@example.net", "eve@example.com"}}
	if r := NewClient().Send(t.Context(), s, e, []byte(short)); r.Code != 550 || r.EnhancedCode != "5.1.1" || r.Retry || len(m.deliveries()) != 0 {
		t.Errorf("%+v, %d messages", r, len(m.deliveries()))
	}
}

func TestWrongPassword(t *testing.T) {
	for _, mechanism := range []string{sasl.Plain, sasl.Login} {
		s := serve(t, &mailServer{mechanisms: []string{mechanism}}, TLSImplicit, nil)
		s.Username, s.Password = "ann", "open-sesame"
		r := NewClient().Send(t.Context(), s, envelope(), []byte(short))
		if !errors.Is(r.Err, ErrLogin) || r.Retry || r.Code != 535 || strings.Contains(r.Err.Error(), "sesame") {
			t.Errorf("%s: %+v", mechanism, r)
		}
	}
}

// The server repeats the line of AUTH, whole or cut.
func TestHidesWhatTheServerRepeats(t *testing.T) {
	s := Server{Username: "ann", Password: hush}
	line := base64.StdEncoding.EncodeToString([]byte("\x00ann\x00" + hush))
	word := base64.StdEncoding.EncodeToString([]byte(hush))
	for _, said := range []string{hush, line, word, "'" + line[:18] + "'", word[:7], "AUTH PLAIN " + line + "," + word} {
		got := s.hide("no such command: " + said + " or Application-specific")
		if strings.Contains(got, hush) || strings.Contains(got, word[:6]) || strings.Contains(got, line[:12]) || !strings.Contains(got, "Application-specific") {
			t.Errorf("%q: %q", said, got)
		}
	}
	s.Password = ""
	if got := s.hide("a b"); got != "a b" {
		t.Errorf("%q", got)
	}
}

func TestNoPasswordWithoutTLS(t *testing.T) {
	s := &script{}
	to := plain()
	to.Username, to.Password = "ann", hush
	r := s.send(t.Context(), to, short)
	if !errors.Is(r.Err, ErrLogin) || r.Retry || !strings.Contains(r.Err.Error(), "loopback") {
		t.Errorf("%+v", r)
	}
	for _, line := range s.seen {
		if strings.HasPrefix(line, "AUTH") {
			t.Errorf("%q was sent", line)
		}
	}
}

func TestNoMechanism(t *testing.T) {
	s := &script{answers: map[string]string{"EHLO": "250-x\r\n250 AUTH GSSAPI"}}
	r := s.listen(t, func(to *Server) { to.Username, to.Password = "ann", hush })
	if !errors.Is(r.Err, ErrLogin) || r.Retry || slices.Contains(s.seen, "DATA") {
		t.Errorf("%+v, %q", r, s.seen)
	}
}

// Who takes STARTTLS away, or refuses it, gets neither the message nor the
// password.
func TestNoDowngrade(t *testing.T) {
	for _, answers := range []map[string]string{
		{},
		{"EHLO": "250-x\r\n250 STARTTLS", "STARTTLS": "454 not now"},
		{"EHLO": "250-x\r\n250 STARTTLS", "STARTTLS": "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n235 yes"},
		{"EHLO": "502 what"},
	} {
		s := &script{answers: answers}
		r := s.listen(t, func(to *Server) { to.TLS, to.Username, to.Password = TLSStartTLS, "ann", hush })
		if r.Err == nil || !r.Retry {
			t.Errorf("%v: %+v", answers, r)
		}
		for _, line := range s.seen {
			if word, _, _ := strings.Cut(line, " "); slices.Contains([]string{"AUTH", "MAIL", "RCPT", "DATA"}, word) {
				t.Errorf("%v: %q was sent in clear text", answers, line)
			}
		}
	}
}

// What somebody on the way puts behind the answer to STARTTLS is not read as
// the server's.
func TestInjectionBeforeTLS(t *testing.T) {
	config, roots := certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &script{after: "250 ok", answers: map[string]string{"": "mute", "EHLO": "250-x\r\n250 8BITMIME"}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		line := make([]byte, 512)
		_, _ = c.Write([]byte("220 x\r\n"))
		_, _ = c.Read(line)
		_, _ = c.Write([]byte("250-x\r\n250 STARTTLS\r\n"))
		_, _ = c.Read(line)
		_, _ = c.Write([]byte("220 go\r\n250-evil\r\n250 SIZE 1\r\n"))
		s.play(tls.Server(c, config))
	}()
	to := reach(l, TLSStartTLS)
	to.RootCAs = roots
	r := NewClient().Send(t.Context(), to, envelope(), []byte(short))
	<-done
	if r.Err != nil || !slices.Contains(s.seen, "DATA") {
		t.Errorf("%+v, %q", r, s.seen)
	}
}

func TestTLSIsVerified(t *testing.T) {
	for _, mode := range []string{TLSImplicit, TLSStartTLS} {
		m := &mailServer{}
		s := serve(t, m, mode, nil)
		s.RootCAs = x509.NewCertPool()
		if r := NewClient().Send(t.Context(), s, envelope(), []byte(short)); r.Err == nil || !r.Retry || len(m.deliveries()) != 0 {
			t.Errorf("%s, unknown authority: %+v", mode, r)
		}
		old := serve(t, m, mode, func(srv *smtp.Server) {
			srv.TLSConfig.MinVersion, srv.TLSConfig.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		})
		if r := NewClient().Send(t.Context(), old, envelope(), []byte(short)); r.Err == nil || !r.Retry || len(m.deliveries()) != 0 {
			t.Errorf("%s, TLS 1.1: %+v", mode, r)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := reach(l, TLSNone)
	l.Close()
	if r := NewClient().Send(t.Context(), s, envelope(), []byte(short)); r.Err == nil || !r.Retry || r.Code != 0 {
		t.Errorf("%+v", r)
	}
}

// Nothing of these is sent: no connection is made.
func TestSendRefuses(t *testing.T) {
	c := &Client{dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("connects")
		return nil, errRefused
	}}
	for _, message := range []string{
		"", "X: y\r\n\r\nno end", "X: y\n\nlf\n", "X: y\r\n\r\na\n.\r\nMAIL FROM:<a@b>\r\n", "X: y\r\n\r\na\n.\n", "X: y\r\n\r\na\r.\r\n",
		"X: y\r\n\r\na\r.\rb\r\n", "X: y\r\n\r\na\r\r\n", "X: y\r\n\r\n\x00\r\n", "X: " + strings.Repeat("y", 996) + "\r\n\r\n",
	} {
		if r := c.Send(t.Context(), plain(), envelope(), []byte(message)); r.Err == nil || r.Retry {
			t.Errorf("%.40q: %+v", message, r)
		}
	}
	for _, to := range []string{
		"", "bob", "@example.net", "bob@", "bob@example.net\r\nDATA", "bob@example.net> SIZE=1", "<bob@example.net>", "a b@example.net", "bob@exa mple.net",
		"bob@example.net\x00", `"a b"@example.net`, "bob@[127.0.0.1]", "a,b@example.net", "bob@a..example", strings.Repeat("a", 254) + "@example.net", "b\u2028b@example.net", "b\xffb@example.net", "bob@0\xb70", "bob@-\u00ad.example\n",
	} {
		if r := c.Send(t.Context(), plain(), Envelope{To: []string{to}}, []byte(short)); r.Err == nil || r.Retry {
			t.Errorf("to %q: %+v", to, r)
		}
	}
	for name, e := range map[string]Envelope{"none": {}, "many": {To: slices.Repeat(envelope().To, maxRecipients+1)}, "foreign": {From: "eve@example.com", To: []string{"bob@example.net"}}} {
		if r := c.Send(t.Context(), plain(), e, []byte(short)); r.Err == nil || r.Retry {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for name, change := range map[string]func(*Server){
		"no host": func(s *Server) { s.Host = "" }, "host": func(s *Server) { s.Host = "a\r\nb" }, "port": func(s *Server) { s.Port = 65536 },
		"tls": func(s *Server) { s.TLS = "maybe" }, "nul": func(s *Server) { s.Username, s.Password = "a", hush+"\x00b" },
		"no name": func(s *Server) { s.Password = hush }, "from": func(s *Server) { s.From = "me" },
	} {
		s := plain()
		change(&s)
		if r := c.Send(t.Context(), s, Envelope{To: []string{"bob@example.net"}}, []byte(short)); r.Err == nil || r.Retry || strings.Contains(r.Err.Error(), hush) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestServerShowsNoPassword(t *testing.T) {
	s := Server{Host: "mail.example.org", Username: "ann", Password: hush, From: "me@example.org"}
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{s.String(), string(encoded), s.LogValue().String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, []Server{s}))
	}
	for _, text := range shown {
		if strings.Contains(text, hush) || strings.Contains(text, fmt.Sprintf("%x", hush)) || !strings.Contains(text, "mail.example.org") {
			t.Errorf("%q", text)
		}
	}
	for want, s := range map[string]Server{
		"a:465": {Host: "a"}, "a:587": {Host: "a", TLS: TLSStartTLS}, "a:25": {Host: "a", Port: 25}, "[::1]:587": {Host: "::1", TLS: TLSNone},
	} {
		if s.String() != want {
			t.Errorf("%q, want %q", s.String(), want)
		}
	}
}

func TestLiteral(t *testing.T) {
	for want, a := range map[string]net.Addr{
		"[192.0.2.1]": &net.TCPAddr{IP: net.ParseIP("192.0.2.1")}, "[IPv6:2001:db8::1]": &net.TCPAddr{IP: net.ParseIP("2001:db8::1")},
		"[127.0.0.1]": &net.UnixAddr{},
	} {
		if got := literal(a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
