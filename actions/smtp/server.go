package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
)

// How a connection is secured.
const (
	// TLSImplicit starts with a TLS handshake (RFC 8314 section 3.3). It is
	// what an empty [Server.TLS] means.
	TLSImplicit = "implicit"
	// TLSStartTLS upgrades with STARTTLS (RFC 3207), or fails.
	TLSStartTLS = "starttls"
	// TLSNone sends everything in clear text. With a user name it is for
	// loopback addresses only.
	TLSNone = "none"
)

// Server is where messages are handed in.
type Server struct {
	Host string
	// Port is 465, or 587 where TLS is not implicit, if it is 0.
	Port int
	// TLS is one of TLSImplicit, TLSStartTLS and TLSNone.
	TLS string
	// RootCAs are the authorities that are believed, in place of the system's.
	RootCAs *x509.CertPool
	// Username and Password log in, with AUTH PLAIN or else LOGIN. Without a
	// name there is no AUTH.
	Username string
	Password string `json:"-"`
	// From is the address that the server lets us use. An [Envelope] bears it,
	// or none.
	From string
}

// Check returns what is wrong with a server, without connecting to it. The
// error does not show the password.
func (s Server) Check() error {
	if s.Host == "" || strings.ContainsFunc(s.Host, notGraphic) {
		return errors.New("the host of the mail server is not valid")
	}
	if s.Port < 0 || s.Port > 65535 {
		return fmt.Errorf("the port %d of the mail server is not valid", s.Port)
	}
	switch s.TLS {
	case "", TLSImplicit, TLSStartTLS, TLSNone:
	default:
		return fmt.Errorf("%q is none of implicit, starttls and none", s.TLS)
	}
	// A NUL would end the name or the password of AUTH PLAIN (RFC 4616).
	if strings.ContainsRune(s.Username+s.Password, 0) {
		return errors.New("the user name or the password of the mail server holds a NUL")
	}
	if s.Username == "" && s.Password != "" {
		return errors.New("the mail server has a password and no user name")
	}
	_, err := parseAddress(s.From)
	return err
}

func (s Server) address() string {
	port := s.Port
	switch {
	case port != 0:
	case s.TLS == "" || s.TLS == TLSImplicit:
		port = 465
	default:
		port = 587
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(port))
}

func (s Server) tls() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12}
}

// String returns host and port, nothing else.
func (s Server) String() string { return s.address() }

// Format prints String with any verb, so that none shows the password.
func (s Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s Server) LogValue() slog.Value { return slog.StringValue(s.String()) }
