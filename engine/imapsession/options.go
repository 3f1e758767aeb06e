package imapsession

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// How a connection is secured.
const (
	// TLSImplicit starts with a TLS handshake (RFC 8314 section 3).
	TLSImplicit = "implicit"
	// TLSStartTLS upgrades with STARTTLS (RFC 9051 section 6.2.1).
	TLSStartTLS = "starttls"
	// TLSNone sends everything, the password too, in clear text.
	TLSNone = "none"
)

// Options says where and how to connect.
type Options struct {
	// Account names the connection in logs. It may be empty.
	Account string
	Host    string
	Port    int
	// TLS is one of TLSImplicit, TLSStartTLS, TLSNone.
	TLS string
	// Roots are the certificate authorities to trust; nil are the system's.
	Roots *x509.CertPool
	// Pin is the SHA-256 of the server's certificate, which is trusted instead of any
	// authority and for any host name. The zero Pin is none.
	Pin      Pin
	Username string
	// Password, Token and Certificate are what there is to show: a token wins over a
	// password, and a certificate alone logs in by itself. Token gives an OAuth2 access
	// token; its error ends the attempt, and is returned as it is where it is an *Error.
	Password    string
	Token       func(context.Context) (string, error)
	Certificate *tls.Certificate
	// Mechanism is one of Mechanisms, "" for the strongest that fits.
	Mechanism string
	// Without are capabilities that are not used though the server announces
	// them; see Session.Without.
	Without []string
	// DialContext opens the socket; nil is a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	Timeouts    Timeouts
	Limits      Limits
	// Buffers may be nil; shared, they are few where most sessions idle.
	Buffers *Buffers
	// Traffic counts what passes; it may be nil and may be shared.
	Traffic *Traffic
	// Logger takes what a server says beside its answers, at debug level, and
	// its alerts, as warnings. It may be nil. Secrets are never logged.
	Logger *slog.Logger
	// Trace, where it is set, is filled in on the way to the login.
	Trace *Trace

	// token is what Token gave for this connection.
	token string
	// secrets are taken out of every text that is shown; see secretsOf.
	secrets []string
}

// Timeouts bound every wait. A zero field takes its default.
type Timeouts struct {
	// Dial bounds connecting, TLS and the greeting together; 30 s.
	Dial time.Duration
	// Command is the longest time without a byte while a reply is due, and the
	// longest for one write; 60 s.
	Command time.Duration
	// Total bounds one command, however busily it answers; 10 min.
	Total time.Duration
	// IdleDone bounds the reply to DONE; 30 s.
	IdleDone time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Dial:     cmp.Or(t.Dial, 30*time.Second),
		Command:  cmp.Or(t.Command, time.Minute),
		Total:    cmp.Or(t.Total, 10*time.Minute),
		IdleDone: cmp.Or(t.IdleDone, 30*time.Second),
	}
}

// Limits bound what one session keeps in memory, in bytes unless said
// otherwise. A zero field takes its default.
type Limits struct {
	// Line is the longest line outside of SEARCH and FETCH responses; 64 KiB.
	Line int
	// Search is the longest SEARCH or ESEARCH response; 8 MiB, about a million UIDs.
	Search int
	// Literal is how much is kept of one literal; 1 MiB. The rest is read and
	// dropped, so that one message with an endless header stops no other.
	Literal int
	// Announced is the largest total size of a response's literals that is
	// read at all; 64 MiB. A larger one ends the connection unread.
	Announced int64
	// Response is how much is kept of one response with its literals; 2 MiB. A
	// FETCH that is longer is cut off there and ends no connection: whoever sends
	// mail decides how long it is.
	Response int
	// Collected is how much one command's answers may hold together; 32 MiB.
	// Messages beyond it are left out of a FETCH's result, other commands fail.
	Collected int
	// Responses is the largest number of responses to one command, or between
	// two commands; 5 million.
	Responses int
	// Junk is the largest number of lines, over the whole session, that are no
	// responses at all; 1,000.
	Junk int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Line:      cmp.Or(l.Line, 64<<10),
		Search:    cmp.Or(l.Search, 8<<20),
		Literal:   cmp.Or(l.Literal, 1<<20),
		Announced: cmp.Or(l.Announced, 64<<20),
		Response:  cmp.Or(l.Response, 2<<20),
		Collected: cmp.Or(l.Collected, 32<<20),
		Responses: cmp.Or(l.Responses, 5_000_000),
		Junk:      cmp.Or(l.Junk, 1000),
	}
}

// Traffic counts what passed through the sessions that share it.
type Traffic struct {
	// Received and Sent are bytes above TLS.
	Received, Sent atomic.Int64
	// Commands were sent, Responses came back.
	Commands, Responses atomic.Int64
	// RoundTrips counts how often answers were waited for; IDLE is none.
	RoundTrips atomic.Int64
	// Ignored are responses of a kind that this package has no use for, or
	// that could not be read.
	Ignored atomic.Int64
	// Connections counts sessions that logged in.
	Connections atomic.Int64
}

func dialDirectly(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (o Options) withDefaults() Options {
	o.Timeouts, o.Limits = o.Timeouts.withDefaults(), o.Limits.withDefaults()
	if o.Traffic == nil {
		o.Traffic = new(Traffic)
	}
	if o.Buffers == nil {
		o.Buffers = new(Buffers)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.DialContext == nil {
		o.DialContext = dialDirectly
	}
	o.secrets = secretsOf(o.Username, o.Password)
	return o
}
