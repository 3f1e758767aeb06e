// Package mailtest is a mail server on loopback for tests: it takes messages of users
// that it lets in, and keeps them. It ends with the test.
package mailtest

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Message is one that the server took.
type Message struct {
	// User is who handed it in, From the reverse-path, "" for the null one.
	User, From string
	To         []string
	Data       string
}

// Server is a mail server.
type Server struct {
	// Password is that of every user.
	Password string

	listener net.Listener
	mu       sync.Mutex
	got      []Message
}

// Start starts a server on 127.0.0.1, without TLS. A recipient whose address begins with
// "nobody" it does not know, and one that begins with "busy" it takes later.
func Start(t testing.TB, password string) *Server {
	t.Helper()
	s := &Server{Password: password}
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth = "mail.test", true
	done := make(chan error, 1)
	go func() { done <- server.Serve(s.listener) }()
	t.Cleanup(func() {
		// Close knows no listener that Serve has not begun with yet.
		if err := errors.Join(server.Close(), s.listener.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

// Addr is where it listens.
func (s *Server) Addr() (host string, port int) {
	at := s.listener.Addr().(*net.TCPAddr)
	return at.IP.String(), at.Port
}

// Messages are those that a user handed in.
func (s *Server) Messages(user string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.got), func(m Message) bool { return m.User != user })
}

// NewSession is for the server's library.
func (s *Server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

type session struct {
	server *Server
	user   string
	now    Message
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != s.server.Password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no"}
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.now = Message{User: s.user, From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch {
	case strings.HasPrefix(to, "nobody"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	case strings.HasPrefix(to, "busy"):
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now"}
	}
	s.now.To = append(s.now.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.now.Data = string(data)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.got = append(s.server.got, s.now)
	return nil
}

func (s *session) Reset()        { s.now = Message{} }
func (s *session) Logout() error { return nil }
