package smtp

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const hush = "hush-hush"

// certificate is one for 127.0.0.1, and the authorities that believe it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

// mailServer is a real server that keeps what it takes.
type mailServer struct {
	mechanisms []string
	refuse     map[string]error // by recipient

	mu   sync.Mutex
	got  []delivery
	user string // who logged in last
}

type delivery struct {
	from    string
	to      []string
	options smtp.MailOptions
	tls     bool
	data    string
}

func (m *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secured := c.TLSConnectionState()
	return &mailSession{server: m, now: delivery{tls: secured}}, nil
}

func (m *mailServer) deliveries() []delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got
}

type mailSession struct {
	server *mailServer
	now    delivery
}

func (s *mailSession) AuthMechanisms() []string { return s.server.mechanisms }

func (s *mailSession) Auth(mech string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "ann" || password != hush {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no " + password + " here"}
		}
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.user = user + " " + mech
		return nil
	}
	if mech == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer asks for what LOGIN has: go-sasl has the client's side only.
type loginServer struct {
	user  string
	check func(user, password string) error
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if l.user == "" {
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

func (s *mailSession) Mail(from string, opts *smtp.MailOptions) error {
	s.now.from, s.now.options = from, *opts
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = append(s.now.to, to)
	return s.server.refuse[to]
}

func (s *mailSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.now.data = string(data)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.got = append(s.server.got, s.now)
	return nil
}

func (s *mailSession) Reset()        { s.now = delivery{tls: s.now.tls} }
func (s *mailSession) Logout() error { return nil }

// serve starts a real server on loopback, secured in that way, and returns how
// to reach it.
func serve(t *testing.T, m *mailServer, mode string, change func(*smtp.Server)) Server {
	t.Helper()
	config, roots := certificate(t)
	srv := smtp.NewServer(m)
	srv.Domain, srv.TLSConfig, srv.ErrorLog = "mail.example.org", config, quiet{}
	srv.AllowInsecureAuth = mode == TLSNone
	srv.EnableSMTPUTF8 = true
	if change != nil {
		change(srv)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := reach(l, mode)
	s.RootCAs = roots
	if mode == TLSImplicit {
		l = tls.NewListener(l, srv.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // it ends with the listener
	}()
	t.Cleanup(func() { srv.Close(); <-done })
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func reach(l net.Listener, mode string) Server {
	return Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: mode, From: "me@example.org"}
}

// script is a server that answers each line that it reads, by its first word,
// and keeps the lines. An answer that is missing is 250, "drop" closes, "mute"
// says nothing.
type script struct {
	answers map[string]string
	// after is the answer to the last line of a message.
	after string
	seen  []string
}

// play talks to one client until it or the script goes.
func (s *script) play(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	if !s.say(c, s.answer("", "220 mail.example.org")) {
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.seen = append(s.seen, line)
		word, _, _ := strings.Cut(line, " ")
		if !s.say(c, s.answer(word, usual(word))) {
			return
		}
		if word == "DATA" && strings.HasPrefix(s.answer(word, usual(word)), "354") && !s.message(c, in) {
			return
		}
	}
}

func (s *script) message(c net.Conn, in *bufio.Reader) bool {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		s.seen = append(s.seen, strings.TrimRight(line, "\r\n"))
		if line == ".\r\n" {
			return s.say(c, s.after)
		}
	}
}

func usual(word string) string {
	switch word {
	case "EHLO":
		return "250-mail.example.org\r\n250-AUTH PLAIN\r\n250 8BITMIME"
	case "AUTH":
		return "235 2.7.0 welcome"
	case "DATA":
		return "354 go on"
	case "QUIT":
		return "221 bye"
	}
	return "250 ok"
}

func (s *script) answer(word, otherwise string) string {
	if a, ok := s.answers[word]; ok {
		return a
	}
	return otherwise
}

func (s *script) say(c net.Conn, answer string) bool {
	switch answer {
	case "drop":
		return false
	case "mute":
		return true
	}
	_, err := io.WriteString(c, answer+"\r\n")
	return err == nil
}

// send makes an attempt over a pipe to the script. It waits for its end.
func (s *script) send(ctx context.Context, to Server, message string) Result {
	if s.after == "" {
		s.after = "250 2.0.0 queued"
	}
	done := make(chan struct{})
	c := &Client{dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { defer close(done); s.play(theirs) }()
		return ours, nil
	}}
	r := c.Send(ctx, to, envelope(), []byte(message))
	<-done
	return r
}

// listen makes an attempt over TCP to the script.
func (s *script) listen(t *testing.T, change func(*Server)) Result {
	t.Helper()
	if s.after == "" {
		s.after = "250 2.0.0 queued"
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			s.play(c)
		}
	}()
	to := reach(l, TLSNone)
	change(&to)
	r := NewClient().Send(t.Context(), to, envelope(), []byte(short))
	l.Close()
	<-done
	return r
}

const short = "From: me@example.org\r\n\r\nhello\r\n"

func envelope() Envelope { return Envelope{From: "me@example.org", To: []string{"bob@example.net"}} }

var errRefused = errors.New("refused")
