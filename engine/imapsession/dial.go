package imapsession

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// Options of one connection.
type Options struct {
	Account string // for logs
	Host    string
	Port    int
	// TLS is "implicit" (RFC 8314), "starttls" or "none".
	TLS string
	// Roots are the trusted roots; nil is the system's.
	Roots              *x509.CertPool
	Username, Password string
	// DialContext opens the socket; nil is a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	Timeouts    Timeouts
	Limits      Limits
	// Traffic counts what crosses the wire; may be nil.
	Traffic *Traffic
	// Logger is told of ALERTs; may be nil.
	Logger *slog.Logger
}

// Dial connects, secures the connection, logs in and reads the capabilities.
// Its error is an *Error.
func Dial(ctx context.Context, o Options) (*Session, error) {
	o.Timeouts, o.Limits = o.Timeouts.withDefaults(), o.Limits.withDefaults()
	if bad(o.Username) || bad(o.Password) {
		return nil, &Error{Op: "LOGIN", Subject: o.Host, Class: Config, Err: errors.New("the user name or the password holds a line break or a NUL")}
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeouts.Dial)
	defer cancel()
	conn, secured, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	s := newSession(conn, o, secured)
	if err := s.greet(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.login(ctx, o); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.discover(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connect opens the socket and secures it. secured is set after STARTTLS,
// where the greeting was read already.
func connect(ctx context.Context, o Options) (conn net.Conn, secured bool, err error) {
	dial := o.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	if err != nil {
		return nil, false, &Error{Op: "connect", Subject: o.Host, Class: dialClass(err), Err: err}
	}
	switch o.TLS {
	case "none":
		return raw, false, nil
	case "starttls":
		if err := startTLS(ctx, raw); err != nil {
			raw.Close()
			return nil, false, &Error{Op: "STARTTLS", Subject: o.Host, Class: Connection, Err: err}
		}
		conn, err = handshake(ctx, raw, o)
		return conn, true, err
	default:
		conn, err = handshake(ctx, raw, o)
		return conn, false, err
	}
}

// dialClass tells a host that does not exist, which waiting does not cure
// soon, from one that does not answer.
func dialClass(err error) Class {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return Config
	}
	return Connection
}

func handshake(ctx context.Context, raw net.Conn, o Options) (net.Conn, error) {
	conn := tls.Client(raw, &tls.Config{ServerName: o.Host, RootCAs: o.Roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"imap"}})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		class := Connection
		var cert *tls.CertificateVerificationError
		var record tls.RecordHeaderError
		if errors.As(err, &cert) || errors.As(err, &record) {
			class = Config
		}
		return nil, &Error{Op: "TLS", Subject: o.Host, Class: class, Err: err}
	}
	return conn, nil
}

// startTLS does STARTTLS by itself (RFC 9051 section 6.2.1), on the bare
// socket: nothing that came before TLS survives, neither bytes nor
// capabilities, and a server that says PREAUTH, which would make STARTTLS
// impossible, is refused.
func startTLS(ctx context.Context, raw net.Conn) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := raw.SetDeadline(deadline); err != nil {
			return err
		}
	}
	r := bufio.NewReaderSize(raw, 4096)
	if err := expectOK(r, "* "); err != nil {
		return err
	}
	if _, err := raw.Write([]byte("a STARTTLS\r\n")); err != nil {
		return err
	}
	if err := expectOK(r, "a "); err != nil {
		return err
	}
	if r.Buffered() > 0 {
		return errors.New("the server sent data before TLS began; somebody may be tampering with the connection")
	}
	return raw.SetDeadline(time.Time{})
}

// expectOK reads lines until one has the prefix, and demands that it is OK.
func expectOK(r *bufio.Reader, prefix string) error {
	for range 20 {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		rest, ok := strings.CutPrefix(string(line), prefix)
		if !ok {
			continue
		}
		if status, _, text := cutStatus([]byte(rest)); status != "OK" {
			return fmt.Errorf("the server answered %s: %s", printable(status), printable(text))
		}
		return nil
	}
	return errors.New("too many lines before the answer")
}

// greet waits for the greeting.
func (s *Session) greet(ctx context.Context) error {
	if s.secured {
		// It came before TLS and was thrown away; imapclient waits for one.
		s.guard.greeted = true
		s.guard.pending = []byte("* OK ready\r\n")
	}
	s.client = imapclient.New(s.guard, nil)
	err := s.run(ctx, "greeting", s.host, nil, func() error { return s.client.WaitGreeting() })
	if err != nil {
		return err
	}
	return nil
}

// login authenticates by SASL PLAIN where it is offered, else by LOGIN.
func (s *Session) login(ctx context.Context, o Options) error {
	if err := s.readCapabilities(ctx); err != nil {
		return err
	}
	if s.caps.has("AUTH=PLAIN") {
		return s.run(ctx, "AUTHENTICATE", s.host, nil, func() error {
			return s.client.Authenticate(sasl.NewPlainClient("", o.Username, o.Password))
		})
	}
	if s.caps.has("LOGINDISABLED") {
		return &Error{Op: "LOGIN", Subject: s.host, Class: Config,
			Err: errors.New("the server allows no password on this connection; use tls: implicit or starttls")}
	}
	return s.run(ctx, "LOGIN", s.host, nil, func() error { return s.client.Login(o.Username, o.Password).Wait() })
}

// discover reads the capabilities after login, which may differ from those
// before, and the delimiter and prefix of the personal namespace.
func (s *Session) discover(ctx context.Context) error {
	if err := s.readCapabilities(ctx); err != nil {
		return err
	}
	if s.caps.has("NAMESPACE") {
		err := s.run(ctx, "NAMESPACE", "", nil, func() error {
			data, err := s.client.Namespace().Wait()
			if err == nil && len(data.Personal) > 0 {
				s.prefix, s.delimiter = data.Personal[0].Prefix, data.Personal[0].Delim
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if s.delimiter != 0 {
		return nil
	}
	return s.run(ctx, "LIST", "", nil, func() error {
		list, err := s.client.List("", "", nil).Collect()
		if err == nil && len(list) > 0 {
			s.delimiter = list[0].Delim
		}
		return err
	})
}

func (s *Session) readCapabilities(ctx context.Context) error {
	return s.run(ctx, "CAPABILITY", s.host, nil, func() error {
		caps, err := s.client.Capability().Wait()
		if err == nil {
			s.caps = newCapabilities(caps)
		}
		return err
	})
}
