package imapsession

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// Trace is what was met on the way to a login, and of one that failed as far as it
// came. Texts are printable, and hold no secret.
type Trace struct {
	// Greeting is the text of the server's first line, "" behind STARTTLS, where
	// nothing that was said before TLS counts.
	Greeting string
	// TLS is what both sides agreed upon, nil if there is none. Certificates are those
	// that the server showed, its own first; also those that are not trusted.
	TLS          *tls.ConnectionState
	Certificates []*x509.Certificate
	// Before and After are the capabilities before the login and after it, in upper
	// case and sorted.
	Before, After []string
	// Mechanism is the way to log in that was tried: one of [Mechanisms], or "LOGIN
	// command".
	Mechanism string
	// PreAuth is set where the server logged in by itself.
	PreAuth bool
}

// greeted notes the first line.
func (t *Trace) greeted(o *Options, r response) {
	if t == nil {
		return
	}
	t.Greeting, t.PreAuth = o.quote(r.text), r.kind == "PREAUTH"
}

// secured notes what became of a TLS handshake.
func (t *Trace) secured(conn *tls.Conn, err error) {
	if t == nil {
		return
	}
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		t.Certificates = refused.UnverifiedCertificates
	}
	if err != nil {
		return
	}
	state := conn.ConnectionState()
	t.TLS, t.Certificates = &state, state.PeerCertificates
}

// announced notes a list of capabilities.
func (t *Trace) announced(caps Capabilities, loggedIn bool) {
	switch {
	case t == nil:
	case loggedIn:
		t.After = shown(caps.Names)
	default:
		t.Before = shown(caps.Names)
	}
}

// tried notes how the login is done.
func (t *Trace) tried(mechanism string) {
	if t == nil {
		return
	}
	if t.Mechanism = mechanism; mechanism == loginCommand {
		t.Mechanism = "LOGIN command"
	}
}

func shown(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = printable(name)
	}
	return out
}
