package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"imapilot/actions"
	"imapilot/actions/smtp"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

const (
	// defaultPerDay is how many messages an account sends in a day, where nothing
	// else is said.
	defaultPerDay = 200
	maxPerDay     = 10_000
)

// SMTP is the mail server that takes what an account forwards and answers.
type SMTP struct {
	Host string
	Port int // 0: the usual one of TLS
	TLS  TLSMode
	// CA is the path of a PEM file with private roots, "" for the system's.
	CA string
	// Username is "" where the server wants no login.
	Username string
	Password Secret
	// From is the address that messages are from; default: the account's first.
	From string
	// Name stands before it, "" for nothing.
	Name string
	// PerDay is how many messages the account sends in any 24 hours, forwards and
	// replies together; default 200.
	PerDay int
}

// smtp reads a mail server.
func (l *loader) smtp(key, n *strictyaml.Node) *SMTP {
	s := &SMTP{TLS: TLSImplicit, PerDay: defaultPerDay}
	l.mapping(n, "smtp", fields{
		"host":     func(_, n *strictyaml.Node) { l.host(n, &s.Host) },
		"port":     func(_, n *strictyaml.Node) { l.integer(n, 1, maxPort, &s.Port) },
		"tls":      func(_, n *strictyaml.Node) { l.smtpTLS(n, s) },
		"ca":       func(_, n *strictyaml.Node) { l.neededFile(n, &s.CA) },
		"username": func(_, n *strictyaml.Node) { l.filled(n, &s.Username) },
		"password": func(_, n *strictyaml.Node) { l.secret(n, "password", &s.Password) },
		"from":     func(_, n *strictyaml.Node) { l.address(n, &s.From) },
		"name":     func(_, n *strictyaml.Node) { l.senderName(n, &s.Name) },
		"per_day":  func(_, n *strictyaml.Node) { l.integer(n, 1, maxPerDay, &s.PerDay) },
	})
	if n.Kind == strictyaml.Mapping {
		l.checkSMTP(key, n, s)
	}
	return s
}

func (l *loader) smtpTLS(n *strictyaml.Node, s *SMTP) {
	if n.Kind == strictyaml.Mapping {
		l.problem(n, "tls: is one word here", "use implicit (port 465), starttls or none; ca: stands beside it")
		return
	}
	var a Account
	if l.tlsMode(n, &a); a.TLS != "" {
		s.TLS = a.TLS
	}
}

// address reads a mail address that can be written to, or from.
func (l *loader) address(n *strictyaml.Node, out *string) {
	if !l.filled(n, out) {
		return
	}
	if err := smtp.CheckAddress(*out); err != nil {
		l.problem(n, err.Error(), "as in me@example.org, without a name")
	}
}

func (l *loader) senderName(n *strictyaml.Node, out *string) {
	if l.filled(n, out) && (len(*out) > maxName || strings.ContainsFunc(*out, unicode.IsControl)) {
		l.problem(n, "this cannot be the name of a sender", fmt.Sprintf("use one line of at most %d bytes", maxName))
	}
}

// checkSMTP checks what the keys of a mail server are together.
func (l *loader) checkSMTP(key, n *strictyaml.Node, s *SMTP) {
	user, password := n.Get("username"), n.Get("password")
	if n.Get("host") == nil {
		l.problem(key, "smtp has no host", "as in host: smtp.example.org")
	}
	switch {
	case user == nil && password != nil:
		l.problem(password, "password: stands without username:", "write both, or none where the server wants no login")
	case user != nil && password == nil:
		l.problem(user, "username: stands without password:", "as in password: {file: /run/secrets/smtp}")
	case s.Username != "" && s.TLS == TLSNone && s.Host != "" && !isLoopback(s.Host):
		l.problem(n.Get("tls"), "without TLS a password is sent to this machine only, and here it would go over the network", "use implicit or starttls")
	}
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || strings.EqualFold(host, "localhost")
}

// mailServers gives each account that has no mail server of its own the one of all, and
// holds that each that sends has one.
func (l *loader) mailServers() {
	for i := range l.cfg.Accounts {
		a := &l.cfg.Accounts[i]
		if a.SMTP == nil && l.cfg.SMTP != nil {
			all := *l.cfg.SMTP
			a.SMTP = &all
		}
		if own := slices.IndexFunc(a.Addresses, func(s string) bool { return smtp.CheckAddress(s) == nil }); a.SMTP != nil && a.SMTP.From == "" && own >= 0 {
			a.SMTP.From = a.Addresses[own]
		}
	}
	for _, r := range l.source.Rules {
		for _, a := range r.Then {
			if actions.Kind(a.Kind.Value).Letters() && a.Kind.Pos >= 0 {
				l.sends(r, a.Kind)
			}
		}
	}
}

// sends reports that an account of a rule has nothing to send a message with.
func (l *loader) sends(r rules.RuleSource, kind rules.Text) {
	report := func(message, hint string) {
		at := l.refs[kind.Pos]
		l.addIn(at.file, at.node.Span(0, 0), rules.Error, message, hint)
	}
	for _, a := range l.cfg.Accounts {
		if len(r.Accounts) > 0 && !slices.ContainsFunc(r.Accounts, func(t rules.Text) bool { return t.Value == a.Name }) {
			continue
		}
		switch {
		case a.SMTP == nil:
			report(fmt.Sprintf("%s has no mail server in the account %q", kind.Value, a.Name),
				"name one in the account or at the top level, as in smtp: {host: smtp.example.org, username: me@example.org, password: {file: /run/secrets/smtp}}")
			return
		case a.SMTP.From == "":
			report(fmt.Sprintf("%s has no address to write from in the account %q", kind.Value, a.Name), "write from: me@example.org in smtp:, or addresses: in the account")
			return
		}
	}
}
