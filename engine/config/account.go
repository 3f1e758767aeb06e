package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"imapilot/engine/config/strictyaml"
)

func (l *loader) accounts(n *strictyaml.Node) {
	for _, e := range l.entries(n) {
		l.account(e)
	}
}

func (l *loader) account(e strictyaml.Entry) {
	a := Account{Name: e.Key.Value, TLS: TLSImplicit, Connections: 3, Idle: 5 * time.Minute, Poll: time.Minute}
	table := fields{
		"host":        func(_, n *strictyaml.Node) { l.host(n, &a.Host) },
		"port":        func(_, n *strictyaml.Node) { l.integer(n, 1, 65535, &a.Port) },
		"tls":         func(_, n *strictyaml.Node) { l.tls(n, &a) },
		"username":    func(_, n *strictyaml.Node) { l.str(n, &a.Username) },
		"password":    func(_, n *strictyaml.Node) { l.secret(n, "password", &a.Password) },
		"addresses":   func(_, n *strictyaml.Node) { a.Addresses = l.strings(n) },
		"watch":       func(_, n *strictyaml.Node) { a.Watch = l.watch(n) },
		"connections": func(_, n *strictyaml.Node) { l.integer(n, 1, 50, &a.Connections) },
		"idle":        func(_, n *strictyaml.Node) { l.duration(n, time.Minute, 29*time.Minute, &a.Idle) },
		"poll":        func(_, n *strictyaml.Node) { l.duration(n, 5*time.Second, 24*time.Hour, &a.Poll) },
		"dry_run":     func(_, n *strictyaml.Node) { l.boolean(n, &a.DryRun) },
	}
	for _, key := range []string{"oauth", "auth", "trusted_authserv", "except", "body"} {
		table[key] = l.later
	}
	l.mapping(e.Value, "account", table)
	if a.Port == 0 {
		a.Port = map[TLSMode]int{TLSImplicit: 993, TLSStart: 143, TLSNone: 143}[a.TLS]
	}
	if len(a.Watch) == 0 {
		a.Watch = []string{"INBOX"}
	}
	if len(a.Addresses) == 0 && strings.Contains(a.Username, "@") {
		a.Addresses = []string{a.Username}
	}
	l.required(e, a)
	l.cfg.Accounts = append(l.cfg.Accounts, a)
}

// required reports what an account lacks. A key that is there but wrong was
// reported already.
func (l *loader) required(e strictyaml.Entry, a Account) {
	if e.Value.Kind != strictyaml.Mapping {
		return
	}
	for _, key := range []string{"host", "username", "password"} {
		if e.Value.Get(key) == nil {
			l.problem(e.Key, fmt.Sprintf("account %q has no %s", a.Name, key), "")
		}
	}
}

func (l *loader) host(n *strictyaml.Node, out *string) {
	if !l.str(n, out) {
		return
	}
	if *out == "" || strings.ContainsAny(*out, " /@") || strings.Contains(*out, "://") {
		l.problem(n, "this is no host name", "write the name alone, as in imap.example.org; the port has a key of its own")
	}
}

func (l *loader) tls(n *strictyaml.Node, a *Account) {
	if n.Kind == strictyaml.Mapping {
		l.mapping(n, "tls", fields{
			"mode": func(_, n *strictyaml.Node) { l.tlsMode(n, a) },
			"ca":   func(_, n *strictyaml.Node) { l.path(n, &a.CA) },
			"pin":  l.later,
		})
		return
	}
	l.tlsMode(n, a)
}

func (l *loader) tlsMode(n *strictyaml.Node, a *Account) {
	switch mode := TLSMode(n.Value); mode {
	case TLSImplicit, TLSStart, TLSNone:
		a.TLS = mode
	default:
		hint := "use implicit (port 993), starttls or none"
		l.problem(n, fmt.Sprintf("tls: %q is not known", n.Value), hint)
	}
}

// path reads a path, relative to the file that names it.
func (l *loader) path(n *strictyaml.Node, out *string) {
	if l.str(n, out) && !filepath.IsAbs(*out) {
		*out = filepath.Join(filepath.Dir(l.now), *out)
	}
}

func (l *loader) watch(n *strictyaml.Node) []string {
	if n.Kind == strictyaml.Mapping {
		l.problem(n, "watch: takes a list of mailboxes in this version", `as in [INBOX, "Lists/*", "role:junk"]`)
		return nil
	}
	out := l.strings(n)
	for _, item := range l.items(n) {
		role, ok := strings.CutPrefix(item.Value, "role:")
		if known := []string{"archive", "drafts", "flagged", "junk", "sent", "trash", "all"}; ok && !contains(known, role) {
			l.problem(item, fmt.Sprintf("there is no role %q", role), "the roles are "+strings.Join(known, ", "))
		}
		if item.Value == "subscribed" {
			l.problem(item, `watch: "subscribed" is not available in this version yet`, `name the mailboxes, or "*" for all`)
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// secret reads where a secret comes from.
func (l *loader) secret(n *strictyaml.Node, what string, out *Secret) {
	if n.Kind == strictyaml.Mapping {
		l.mapping(n, what, fields{
			"file":       func(_, n *strictyaml.Node) { l.secretFile(n, out) },
			"env":        func(_, n *strictyaml.Node) { out.kind = "env"; l.str(n, &out.value) },
			"credential": func(_, n *strictyaml.Node) { l.credential(n, out) },
			"command":    func(_, n *strictyaml.Node) { l.command(n, out) },
		})
		if len(n.Entries) != 1 {
			l.problem(n, what+" needs exactly one of file, env, credential and command", "")
		}
		return
	}
	if n.Kind != strictyaml.Scalar {
		l.wrongType(n, "a text, or one of {file}, {env}, {credential}, {command}")
		return
	}
	if n.Type != strictyaml.String {
		l.problem(n, fmt.Sprintf("YAML reads this %s as a number or a truth value and would change it", what), "write it in single quotes, or better in a file: {file: /run/secrets/name}")
		return
	}
	l.comment(n)
	out.kind, out.value = "literal", n.Value
	l.warn(n, what+" stands in the configuration, where everybody who may read the file sees it", "use {file: PATH}, {env: NAME}, {credential: NAME} or {command: [PROGRAM, ARGUMENT]}")
}

func (l *loader) credential(n *strictyaml.Node, out *Secret) {
	out.kind = "credential"
	if l.str(n, &out.value) && (out.value == "" || strings.ContainsAny(out.value, "/\\") || out.value == "..") {
		l.problem(n, "a credential is a plain name", "the name that LoadCredential= of the unit gives it")
	}
}

func (l *loader) command(n *strictyaml.Node, out *Secret) {
	if n.Kind != strictyaml.Sequence || len(n.Items) == 0 {
		l.problem(n, "command: is a list: the program and its arguments", "as in [pass, show, mail]; no shell is involved")
		return
	}
	out.kind, out.command = "command", l.strings(n)
}

// secretFile warns of a file that is missing or that others may read, unless
// it lies where a container or systemd put it.
func (l *loader) secretFile(n *strictyaml.Node, out *Secret) {
	out.kind = "file"
	l.path(n, &out.value)
	st, err := os.Stat(out.value)
	if err != nil {
		l.warn(n, "the file is not there now: "+plainPathError(err), "")
		return
	}
	managed := []string{"/run/secrets", "/run/credentials", os.Getenv("CREDENTIALS_DIRECTORY")}
	for _, dir := range managed {
		if dir != "" && strings.HasPrefix(out.value, dir+"/") {
			return
		}
	}
	if st.Mode().Perm()&0o077 != 0 {
		l.warn(n, "others may read this file", "chmod 600 "+out.value)
	}
}

func (l *loader) webhooks(n *strictyaml.Node) {
	for _, e := range l.entries(n) {
		hook := Webhook{Name: e.Key.Value}
		table := fields{
			"url":    func(_, n *strictyaml.Node) { l.url(n, &hook.URL) },
			"secret": func(_, n *strictyaml.Node) { l.secret(n, "secret", &hook.Secret) },
		}
		for _, key := range []string{"preset", "method", "headers", "content_type", "egress", "secrets", "digest", "debounce", "quiet_hours", "rate_limit"} {
			table[key] = l.later
		}
		l.mapping(e.Value, "webhook", table)
		if e.Value.Kind == strictyaml.Mapping && e.Value.Get("url") == nil {
			l.problem(e.Key, fmt.Sprintf("webhook %q has no url", hook.Name), "")
		}
		if l.hooks[hook.Name] {
			l.problem(e.Key, fmt.Sprintf("there are two webhooks %q", hook.Name), "rename one of them")
		}
		if l.hooks == nil {
			l.hooks = map[string]bool{}
		}
		l.hooks[hook.Name] = true
		l.cfg.Webhooks = append(l.cfg.Webhooks, hook)
		l.source.Endpoints = append(l.source.Endpoints, l.text(e.Key))
	}
}

func (l *loader) url(n *strictyaml.Node, out *string) {
	if !l.str(n, out) {
		return
	}
	u, err := url.Parse(*out)
	switch {
	case strings.Contains(*out, "${"):
		l.problem(n, "${} in a webhook's URL is not available in this version yet", "")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		l.problem(n, "this is no http or https URL", "as in https://hooks.example.org/mail")
	}
}
