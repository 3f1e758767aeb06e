package imapsession

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Dial connects, secures the connection, logs in, and reads the capabilities as
// they are after login. Where ID is offered it says its name: some servers let
// nobody select a mailbox who did not. Its error is an *Error.
func Dial(ctx context.Context, o Options) (*Session, error) {
	o = o.withDefaults()
	if err := o.credentials(ctx); err != nil {
		return nil, err
	}
	s, greeting, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.login(ctx, greeting); err != nil {
		_ = s.Close() // the error that matters is the login's
		return nil, err
	}
	for _, name := range o.Without {
		s.Without(name)
	}
	s.recognise()
	if err := s.introduce(ctx); err != nil {
		_ = s.Close() // likewise
		return nil, err
	}
	s.recognise() // by how it introduced itself, too
	o.Traffic.Connections.Add(1)
	return s, nil
}

// credentials checks what there is to show, and asks for the token.
func (o *Options) credentials(ctx context.Context) error {
	err := checkSecret("user name", o.Username)
	if o.Token == nil && (o.Password != "" || o.Certificate == nil) {
		err = errors.Join(err, checkSecret("password", o.Password))
	}
	if err != nil || o.Token == nil {
		return refuseLogin(o.Host, err)
	}
	if o.token, err = o.askToken(ctx); err != nil {
		return err
	}
	o.secrets = secretsOf(o.Username, o.token)
	return refuseLogin(o.Host, checkToken(o.token))
}

func refuseLogin(host string, err error) error {
	if err == nil {
		return nil
	}
	return refuse("LOGIN", host, Config, err)
}

func (o *Options) askToken(ctx context.Context) (string, error) {
	token, err := o.Token(ctx)
	if err == nil || errors.As(err, new(*Error)) {
		return token, err
	}
	return "", &Error{Op: "TOKEN", Subject: o.Host, Class: TryAgain, Err: err}
}

// open makes the connection as far as the greeting, within Timeouts.Dial.
func open(ctx context.Context, o Options) (*Session, response, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeouts.Dial)
	defer cancel()
	raw, err := o.DialContext(ctx, "tcp", net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	if err != nil {
		return nil, response{}, &Error{Op: "CONNECT", Subject: o.Host, Class: dialClass(err), Err: inWords(err)}
	}
	// Ends any read or write below when the time is over.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // the read that it ends reports
	s, greeting, err := secure(ctx, raw, o)
	if !stop() && err == nil {
		err = &Error{Op: "CONNECT", Subject: o.Host, Class: Connection, Err: inWords(context.Cause(ctx))}
	}
	if err != nil {
		_ = raw.Close() // the error that matters is the other
		if ctx.Err() != nil {
			err = &Error{Op: "CONNECT", Subject: o.Host, Class: Connection, Err: inWords(context.Cause(ctx))}
		}
		return nil, response{}, err
	}
	return s, greeting, nil
}

// dialClass tells a host that does not exist from one that does not answer.
func dialClass(err error) Class {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return Config
	}
	return Connection
}

// secure brings a socket to where the client can log in. After STARTTLS there
// is no second greeting, and nothing of the first one is kept.
func secure(ctx context.Context, raw net.Conn, o Options) (*Session, response, error) {
	conn := raw
	if o.TLS == TLSStartTLS {
		if err := startTLS(raw, o); err != nil {
			return nil, response{}, err
		}
	}
	if o.TLS != TLSNone {
		secured := tls.Client(raw, o.tlsConfig())
		err := secured.HandshakeContext(ctx)
		if o.Trace.secured(secured, err); err != nil {
			return nil, response{}, &Error{Op: "TLS", Subject: o.Host, Class: tlsClass(err), Err: inWords(err)}
		}
		conn = secured
	}
	s := &Session{o: &o, guard: newGuard(conn, raw, &o)}
	greeting := response{kind: "OK"}
	if o.TLS != TLSStartTLS {
		var err error
		if greeting, err = readGreeting(s.guard.in, o); err != nil {
			return nil, response{}, err
		}
	}
	o.Trace.greeted(&o, greeting)
	s.attach(greeting)
	return s, greeting, nil
}

func (o *Options) tlsConfig() *tls.Config {
	out := &tls.Config{ServerName: o.Host, RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	if !o.Pin.IsZero() {
		out.InsecureSkipVerify = true //nolint:gosec // the certificate itself is known
		out.VerifyConnection = func(state tls.ConnectionState) error { return o.Pin.verify(state.PeerCertificates) }
	}
	if o.Certificate != nil {
		out.Certificates = []tls.Certificate{*o.Certificate}
	}
	return out
}

// attach puts imapclient above the guard and lets it see a greeting with a
// capability list, so that it asks for none by itself.
func (s *Session) attach(greeting response) {
	if greeting.code == "CAPABILITY" {
		s.guard.caps = capabilityNames(greeting.args)
	}
	if isStatus(greeting.kind) {
		s.guard.remark(greeting)
	}
	s.shown = s.guard.clientCaps()
	s.open(greeting.kind)
}

// tlsClass tells a certificate, a port or a version that is wrong, which only a
// person can mend, from a connection that broke.
func tlsClass(err error) Class {
	var network *net.OpError
	switch {
	case errors.As(err, &network):
		// An alert of the server's comes as an OpError, too.
		if network.Op == "remote error" && !strings.Contains(network.Error(), "internal error") {
			return Config
		}
		return Connection
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Connection
	}
	return Config
}

// readGreeting reads the greeting (RFC 9051 section 7.1): OK or PREAUTH.
func readGreeting(in *assembler, o Options) (response, error) {
	line, err := in.next()
	if err != nil {
		return response{}, &Error{Op: "GREETING", Subject: o.Host, Class: Connection, Err: inWords(err)}
	}
	r, ok := parseResponse(line)
	// The line is valid only until the next one is read.
	r.args, r.text = append([]byte(nil), r.args...), append([]byte(nil), r.text...)
	switch {
	case ok && r.tag == "*" && (r.kind == "OK" || r.kind == "PREAUTH"):
		return r, nil
	case ok && r.tag == "*" && r.kind == "BYE":
		return r, refusal("GREETING", o.Host, *o.completion(r))
	}
	return r, &Error{Op: "GREETING", Subject: o.Host, Class: Config, Text: o.quote(line),
		Err: errors.New("this is no greeting of an IMAP server")}
}

// startTLS does STARTTLS on the bare socket (RFC 9051 section 6.2.1). Nothing
// that came before TLS is kept: no capability, no alert, no byte. PREAUTH,
// which would leave the connection in clear text for good, is refused, and so
// are bytes that came after the OK: they are an attempt to have them read as if
// they had come through TLS.
func startTLS(raw net.Conn, o Options) error {
	fail := func(class Class, err error) error {
		return &Error{Op: "STARTTLS", Subject: o.Host, Class: class, Err: err}
	}
	deadline := time.Now().Add(o.Timeouts.Dial)
	if err := raw.SetDeadline(deadline); err != nil {
		return fail(Connection, err)
	}
	in := newAssembler(raw, o.Limits)
	greeting, err := readGreeting(in, o)
	if err != nil {
		return err
	}
	if greeting.kind != "OK" {
		return fail(Config, errors.New("the server logs in before TLS (PREAUTH), which would leave the connection in clear text"))
	}
	if _, err := raw.Write([]byte("S1 STARTTLS\r\n")); err != nil {
		return fail(Connection, inWords(err))
	}
	if err := startTLSReply(in, o); err != nil {
		return err
	}
	if !in.isEmpty() {
		return fail(Connection, fmt.Errorf("%w: it sent data between STARTTLS and TLS, which an attacker may have added", errProtocol))
	}
	return raw.SetDeadline(time.Time{})
}

// startTLSReply waits for the reply to STARTTLS.
func startTLSReply(in *assembler, o Options) error {
	const others = 100
	for range others {
		line, err := in.next()
		if err != nil {
			return &Error{Op: "STARTTLS", Subject: o.Host, Class: Connection, Err: inWords(err)}
		}
		r, ok := parseResponse(line)
		switch {
		case !ok || r.tag != "S1":
			continue
		case r.kind == "OK":
			return nil
		}
		e := refusal("STARTTLS", o.Host, *o.completion(r))
		if class, ok := byCode(e.Code); !ok || class != TryAgain {
			e.Class = Config
		}
		return e
	}
	return &Error{Op: "STARTTLS", Subject: o.Host, Class: Connection, Err: fmt.Errorf("%w: no reply to STARTTLS", errProtocol)}
}
