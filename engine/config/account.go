package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"imapilot/engine/config/strictyaml"
)

const (
	maxPort        = 65535
	maxConnections = 50
)

func (l *loader) accounts(n *strictyaml.Node) {
	var named []strictyaml.Entry
	l.vague = !l.wholly(n, func() { named = l.named(n, "account") }) || l.vague
	for _, e := range named {
		l.account(e)
	}
}

func (l *loader) account(e strictyaml.Entry) {
	a := Account{Name: e.Key.Value, TLS: TLSImplicit, Snooze: defaultSnooze, Connections: 3, Idle: 5 * time.Minute, Poll: time.Minute}
	sure := true
	table := fields{
		"host":             func(_, n *strictyaml.Node) { l.host(n, &a.Host) },
		"port":             func(_, n *strictyaml.Node) { l.integer(n, 1, maxPort, &a.Port) },
		"tls":              func(_, n *strictyaml.Node) { l.tls(n, &a) },
		"username":         func(_, n *strictyaml.Node) { l.filled(n, &a.Username) },
		"password":         func(_, n *strictyaml.Node) { l.secret(n, "password", &a.Password) },
		"token":            func(_, n *strictyaml.Node) { l.secret(n, "token", &a.Token) },
		"oauth2":           func(key, n *strictyaml.Node) { a.OAuth2 = l.oauth2(key, n) },
		"auth":             func(_, n *strictyaml.Node) { l.auth(n, &a.Mechanism) },
		"addresses":        func(_, n *strictyaml.Node) { a.Addresses = l.addresses(n) },
		"trusted_authserv": func(_, n *strictyaml.Node) { a.TrustedAuthserv = l.authservs(n) },
		"watch":            func(_, n *strictyaml.Node) { sure = l.wholly(n, func() { a.Watch = l.watch(n, a.Name) }) },
		"except":           func(_, n *strictyaml.Node) { a.Except = l.except(n) },
		"connections":      func(_, n *strictyaml.Node) { l.integer(n, 1, maxConnections, &a.Connections) },
		"idle":             func(_, n *strictyaml.Node) { l.duration(n, time.Minute, 29*time.Minute, &a.Idle) },
		"poll":             func(_, n *strictyaml.Node) { l.duration(n, 5*time.Second, 24*time.Hour, &a.Poll) },
		"stale_after":      func(_, n *strictyaml.Node) { l.staleAfter(n, &a.StaleAfter); l.stale[a.Name] = ref{l.reading, n} },
		"dry_run":          func(_, n *strictyaml.Node) { l.boolean(n, &a.DryRun) },
		"create":           func(_, n *strictyaml.Node) { a.NoCreate = l.isFalse(n) },
		"snooze":           func(_, n *strictyaml.Node) { l.snoozeMailbox(n, &a) },
		"smtp":             func(key, n *strictyaml.Node) { a.SMTP = l.smtp(key, n) },
	}
	l.mapping(e.Value, "account", table, "body")
	l.unsure[a.Name] = !sure || doubtful(e.Value, "account", table, "watch")
	a.defaults()
	l.required(e, a)
	l.credentials(e, a)
	l.inClear(e, a)
	l.noPassword(e, a)
	l.tooManyConnections(e, a)
	l.cfg.Accounts = append(l.cfg.Accounts, a)
}

// isFalse reads a boolean whose default is true.
func (l *loader) isFalse(n *strictyaml.Node) bool {
	yes := true
	l.boolean(n, &yes)
	return !yes
}

func (a *Account) defaults() {
	if a.Port == 0 {
		a.Port = map[TLSMode]int{TLSImplicit: 993, TLSStart: 143, TLSNone: 143}[a.TLS]
	}
	if len(a.Watch) == 0 {
		a.Watch = []string{"INBOX"}
	}
	if len(a.Addresses) == 0 && strings.Contains(a.Username, "@") {
		a.Addresses = []string{a.Username}
	}
}

// required reports what an account lacks. A key that is there but wrong was
// reported already, and an account that means to log in otherwise needs no
// password.
func (l *loader) required(e strictyaml.Entry, a Account) {
	if e.Value.Kind != strictyaml.Mapping {
		return
	}
	hints := map[string]string{
		"host": "as in host: imap.example.org", "username": "as in username: me@example.org",
		"password": "as in password: {file: /run/secrets/" + a.Name + "}",
	}
	for _, key := range []string{"host", "username", "password"} {
		if e.Value.Get(key) == nil && (key != "password" || !a.showsOther(e.Value)) {
			l.problem(e.Key, fmt.Sprintf("account %q has no %s", a.Name, key), hints[key])
		}
	}
}

// showsOther reports whether an account shows something else than a password.
func (a Account) showsOther(n *strictyaml.Node) bool {
	return n.Get("oauth2") != nil || n.Get("oauth") != nil || n.Get("token") != nil || a.Certificate != "" || a.Mechanism == "EXTERNAL" || a.showsToken()
}

// filled reads a text that may not be empty.
func (l *loader) filled(n *strictyaml.Node, out *string) bool {
	if !l.str(n, out) {
		return false
	}
	if strings.TrimSpace(*out) == "" {
		l.problem(n, "this is empty", "")
		return false
	}
	return true
}

func (l *loader) host(n *strictyaml.Node, out *string) {
	if !l.filled(n, out) {
		return
	}
	host, port, hasPort := strings.Cut(*out, ":")
	switch {
	case strings.Contains(*out, "://") || strings.ContainsAny(*out, " /@"):
		l.problem(n, "this is no host name", "write the name alone, as in imap.example.org; the port has a key of its own")
	case hasPort && !strings.Contains(port, ":"):
		l.problem(n, "a host name has no port in it", fmt.Sprintf("write host: %s and port: %s", host, port))
	}
}

func (l *loader) tls(n *strictyaml.Node, a *Account) {
	if n.Kind != strictyaml.Mapping {
		l.tlsMode(n, a)
		return
	}
	l.mapping(n, "tls", fields{
		"mode":               func(_, n *strictyaml.Node) { l.tlsMode(n, a) },
		"ca":                 func(_, n *strictyaml.Node) { l.neededFile(n, &a.CA) },
		"pin":                func(_, n *strictyaml.Node) { l.pin(n, &a.Pin) },
		"client_certificate": func(_, n *strictyaml.Node) { l.clientCertificate(n, &a.Certificate, &a.CertificateKey) },
	})
}

func (l *loader) tlsMode(n *strictyaml.Node, a *Account) {
	var mode string
	if !l.str(n, &mode) {
		return
	}
	if !slices.Contains(tlsModes(), mode) {
		l.problem(n, fmt.Sprintf("there is no TLS mode %q", mode), "use implicit (port 993), starttls or none")
		return
	}
	a.TLS = TLSMode(mode)
}

func tlsModes() []string { return []string{string(TLSImplicit), string(TLSStart), string(TLSNone)} }

// path reads a path, relative to the file that names it.
func (l *loader) path(n *strictyaml.Node, out *string) bool {
	if !l.filled(n, out) {
		return false
	}
	if !filepath.IsAbs(*out) {
		*out = filepath.Join(filepath.Dir(l.reading), *out)
	}
	*out = filepath.Clean(*out)
	return true
}

func (l *loader) addresses(n *strictyaml.Node) []string {
	out := l.strings(n)
	for _, item := range l.items(n) {
		if item.Kind == strictyaml.Scalar && !strings.Contains(item.Value, "@") {
			l.problem(item, fmt.Sprintf("%q is no mail address", item.Value), "as in me@example.org")
		}
	}
	return out
}

// authservs reads the names by which an account's own servers sign their
// Authentication-Results. Whoever can write such a name into a message can
// claim what he likes, so a name that no server has is worth a word.
func (l *loader) authservs(n *strictyaml.Node) []string {
	if n.Kind == strictyaml.Mapping {
		l.wrongType(n, "a list")
		return nil
	}
	for _, item := range l.items(n) {
		switch id := item.Value; {
		case item.Kind != strictyaml.Scalar:
		case id == "" || len(id) > maxName || strings.ContainsAny(id, " \t;,()\"") || strings.ContainsFunc(id, unicode.IsControl):
			l.problem(item, "this is no name of a server", "the first word of the Authentication-Results that your server adds, as in mx.example.org")
		case strings.Contains(id, "/"):
			l.warn(item, "this looks like a URL, and servers sign with a plain name", "as in mx.example.org")
		}
	}
	return l.strings(n)
}
