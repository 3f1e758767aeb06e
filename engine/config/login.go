package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"imapilot/engine/config/strictyaml"
)

// mechanisms are what auth: takes.
func mechanisms() []string {
	return []string{"scram-sha-256", "plain", "login", "oauthbearer", "xoauth2", "external"}
}

// auth reads how to log in.
func (l *loader) auth(n *strictyaml.Node, out *string) {
	var word string
	if !l.filled(n, &word) {
		return
	}
	if !slices.Contains(mechanisms(), strings.ToLower(word)) {
		l.problem(n, fmt.Sprintf("there is no way to log in called %q", word), "known here: "+strings.Join(mechanisms(), ", ")+"; without auth: the strongest that the server offers is used")
		return
	}
	*out = strings.ToUpper(word)
}

// pin reads the fingerprint of a certificate.
func (l *loader) pin(n *strictyaml.Node, out *[sha256.Size]byte) {
	var text string
	if !l.filled(n, &text) {
		return
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(b) != sha256.Size {
		l.problem(n, "a pin has 64 hexadecimal digits", "as openssl x509 -in FILE -noout -fingerprint -sha256 prints them")
		return
	}
	*out = [sha256.Size]byte(b)
}

// showsToken reports whether an account asks for a way to log in by a token.
func (a Account) showsToken() bool { return a.Mechanism == "OAUTHBEARER" || a.Mechanism == "XOAUTH2" }

// credentials reports what an account shows that does not go with how it logs in.
func (l *loader) credentials(e strictyaml.Entry, a Account) {
	bearer := a.showsToken()
	tokens := e.Value.Get("oauth2") != nil
	switch {
	case tokens && (!a.Token.IsZero() || !a.Password.IsZero()):
		l.problem(e.Value.Get("oauth2"), "an account has oauth2: or shows a password or a token of its own, not both", "keep the one that the server takes")
	case !a.Token.IsZero() && !a.Password.IsZero():
		l.problem(e.Value.Get("token"), "an account shows a token or a password, not both", "keep the one that the server takes")
	case bearer && !tokens && a.Token.IsZero() && e.Value.Get("token") == nil:
		l.problem(e.Value.Get("auth"), fmt.Sprintf("auth: %s shows a token, and the account has none", strings.ToLower(a.Mechanism)), "give it oauth2:, or as in token: {command: [/usr/local/bin/token, home]}")
	case !bearer && a.Mechanism != "" && (tokens || !a.Token.IsZero()):
		l.problem(e.Value.Get("auth"), fmt.Sprintf("auth: %s shows no token", strings.ToLower(a.Mechanism)), "use oauthbearer or xoauth2, or leave it out")
	case a.Mechanism == "EXTERNAL" && a.Certificate == "":
		l.problem(e.Value.Get("auth"), "auth: external shows a certificate, and the account has none", "as in tls: {client_certificate: {certificate: me.pem, key: me.key}}")
	}
	if a.TLS == TLSNone && (a.Certificate != "" || a.Pin != [sha256.Size]byte{}) {
		l.problem(e.Value.Get("tls"), "there is no certificate without TLS", "use mode: implicit or starttls")
	}
}

// inClear warns of an account that others on the way can listen to. By SCRAM a password
// is proven and not shown; without auth: the one who listens chooses what is offered.
func (l *loader) inClear(e strictyaml.Entry, a Account) {
	at, host := e.Value.Get("tls"), e.Value.Get("host")
	if a.TLS != TLSNone || a.Host == "" || isLoopback(a.Host) || l.refused(host) {
		return
	}
	what := "the password and all mail"
	switch {
	case a.Mechanism == "SCRAM-SHA-256":
		what = "all mail"
	case a.OAuth2 != nil || !a.Token.IsZero():
		what = "the token and all mail"
	}
	if at.Kind == strictyaml.Mapping {
		at = at.Get("mode")
	}
	l.warn(at, fmt.Sprintf("without TLS %s can be read on the way to %s", what, a.Host), "use implicit (port 993) or starttls; none is for a server on this machine")
}
