package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"imapilot/actions/webhook"
	"imapilot/actions/webhook/preset"
	"imapilot/engine/config/strictyaml"
	"imapilot/engine/pace"
	"imapilot/engine/schedule"
)

// Webhook is one endpoint.
type Webhook struct {
	Name string
	// URL may be "" where a preset has a default; see Template.
	URL string
	// Preset is the service that is called, "" for the JSON document. To is its
	// topic, channel, room or chat, Token the secret that it gave out.
	Preset string
	To     string
	Token  Secret
	// Secrets sign the calls (Standard Webhooks), each for itself.
	Secrets []Secret
	// Method is "" for POST, ContentType "" for application/json.
	Method, ContentType string
	Headers             []Header
	// Public lets the calls go to public addresses only.
	Public bool
	// CA is a PEM file with the authorities that are believed, Certificate and Key
	// are those of the certificate that is shown to the receiver.
	CA, Certificate, Key string
	Pace
}

// Pace says when an endpoint is called. Nothing is dropped by it: what is held back
// is late.
type Pace struct {
	// Quiet are hours in which nothing is sent, by the clock of Zone.
	Quiet pace.Quiet
	Zone  *time.Location
	// PerRule and PerSender limit the calls of one rule, and those about the mail of
	// one sender; a zero rate does not.
	PerRule, PerSender pace.Rate
	// Digest, where Gathers is set, are the times at which one call says what came
	// since the last.
	Digest  schedule.Schedule
	Gathers bool
	// Debounce is for how long nothing more may come before one call says it all,
	// 0 for none.
	Debounce time.Duration
}

// Header is a field that goes with every call.
type Header struct {
	Name  string
	Value Secret
}

func (l *loader) webhooks(n *strictyaml.Node) {
	for _, e := range l.named(n, "webhook") {
		hook := Webhook{Name: e.Key.Value, Public: l.cfg.Public, Pace: Pace{Zone: l.cfg.Location}}
		l.mapping(e.Value, "webhook", fields{
			"url":                func(_, n *strictyaml.Node) { l.url(n, &hook) },
			"preset":             func(_, n *strictyaml.Node) { l.choice(n, "preset", preset.Names(), &hook.Preset) },
			"to":                 func(_, n *strictyaml.Node) { l.filled(n, &hook.To) },
			"token":              func(_, n *strictyaml.Node) { l.secret(n, "token", &hook.Token) },
			"secret":             func(_, n *strictyaml.Node) { l.signing(n, &hook) },
			"secrets":            func(_, n *strictyaml.Node) { l.signings(n, &hook) },
			"method":             func(_, n *strictyaml.Node) { l.method(n, &hook) },
			"content_type":       func(_, n *strictyaml.Node) { l.filled(n, &hook.ContentType) },
			"headers":            func(_, n *strictyaml.Node) { l.headers(n, &hook) },
			"egress":             func(_, n *strictyaml.Node) { l.egress(n, &hook.Public) },
			"ca":                 func(_, n *strictyaml.Node) { l.neededFile(n, &hook.CA) },
			"client_certificate": func(_, n *strictyaml.Node) { l.clientCertificate(n, &hook.Certificate, &hook.Key) },
			"quiet_hours":        func(_, n *strictyaml.Node) { l.quiet(n, &hook.Quiet) },
			"rate_limit":         func(_, n *strictyaml.Node) { l.rates(n, &hook.Pace) },
			"digest":             func(_, n *strictyaml.Node) { l.digest(n, &hook.Pace) },
			"debounce":           func(_, n *strictyaml.Node) { l.duration(n, time.Second, day, &hook.Debounce) },
		})
		if e.Value.Kind == strictyaml.Mapping {
			l.checkWebhook(e, hook)
		}
		if slices.Contains(leaving(), hook.Name) {
			l.problem(e.Key, fmt.Sprintf("%q cannot be the name of a webhook", hook.Name), "it is an action of its own: the calls would be taken for its")
		}
		l.cfg.Webhooks = append(l.cfg.Webhooks, hook)
		l.source.Endpoints = append(l.source.Endpoints, l.text(e.Key))
		if hook.Preset != "" {
			l.source.Presets = append(l.source.Presets, hook.Name)
		}
		if hook.Gathers || hook.Debounce > 0 {
			l.source.Gathering = append(l.source.Gathering, hook.Name)
		}
	}
}

func (l *loader) method(n *strictyaml.Node, hook *Webhook) {
	if l.choice(n, "method", methods(), &hook.Method); hook.Method == "GET" {
		l.warn(n, "with GET the JSON document is not sent", "use POST, unless the receiver needs no more than to be called")
	}
}

func methods() []string { return []string{"POST", "PUT", "PATCH", "GET"} }

// isNear reports whether a host is likely to stand in the user's own network.
func isNear(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	local := []string{".localhost", ".local", ".lan", ".internal", ".home.arpa", ".home", ".docker", ".svc", ".test"}
	return !strings.Contains(host, ".") || slices.ContainsFunc(local, func(end string) bool { return strings.HasSuffix(host, end) })
}

// choice reads one of some words.
func (l *loader) choice(n *strictyaml.Node, what string, known []string, out *string) {
	if !l.filled(n, out) || slices.Contains(known, *out) {
		return
	}
	hint := "known here: " + strings.Join(known, ", ")
	if near := nearest(*out, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	l.problem(n, fmt.Sprintf("there is no %s %q", what, *out), hint)
}

// maxSecrets is how many secrets sign a call: an old one and a new one.
const maxSecrets = 8

func (l *loader) signings(n *strictyaml.Node, hook *Webhook) {
	if n.Kind != strictyaml.Sequence {
		l.hide(n)
		l.problem(n, "secrets: is no list", "as in [{env: NEW_SECRET}, {env: OLD_SECRET}]; a single one stands in secret:")
		return
	}
	for _, item := range n.Items {
		l.signing(item, hook)
	}
	if len(n.Items) == 0 {
		l.problem(n, "secrets: is empty, so that nothing would sign the calls", "remove the line, or name a secret, as in [{env: SECRET}]")
	}
	if len(hook.Secrets) > maxSecrets {
		l.problem(n, fmt.Sprintf("there are more than %d secrets", maxSecrets), "while one replaces another, two are enough")
	}
}

func (l *loader) signing(n *strictyaml.Node, hook *Webhook) {
	var s Secret
	l.secret(n, "secret", &s)
	if s.kind == "literal" {
		if err := webhook.CheckSecret([]byte(s.value)); err != nil {
			l.problem(n, "this cannot sign a call: "+err.Error(), "'openssl rand -base64 32' makes one: write whsec_ before it")
		}
	}
	if !s.IsZero() {
		hook.Secrets = append(hook.Secrets, s)
	}
}

func (l *loader) headers(n *strictyaml.Node, hook *Webhook) {
	for _, e := range l.named(n, hook.Name+" header") {
		h := Header{Name: e.Key.Value}
		if e.Value.Kind == strictyaml.Scalar {
			var value string
			if l.hide(e.Value); !l.str(e.Value, &value) {
				continue
			}
			if strings.Contains(value, "${") {
				l.problem(e.Key, fmt.Sprintf("the header %s cannot hold ${}", e.Key.Value), "a message must not choose a header; its texts can stand in title:, body:, json:, and in the path and the query of url:")
				continue
			}
			if h.Value = LiteralSecret(value); holdsSecret(h.Name) {
				l.inTheOpen(e.Value, "header "+h.Name)
			}
		} else {
			l.secret(e.Value, "header", &h.Value)
		}
		value := "x"
		if h.Value.kind == "literal" {
			value = h.Value.value
		}
		if err := webhook.CheckHeader(h.Name, value); err != nil {
			l.problem(e.Key, err.Error(), "")
		}
		hook.Headers = append(hook.Headers, h)
	}
}

// holdsSecret reports whether a header of this name is likely to hold a secret.
func holdsSecret(name string) bool {
	return regexp.MustCompile(`(?i)authorization|cookie|token|secret|passw|api-?key|-key$|-auth$`).MatchString(name)
}

func (l *loader) egress(n *strictyaml.Node, public *bool) {
	var word string
	l.choice(n, "egress", []string{"any", "public"}, &word)
	*public = word == "public"
}

// clientCertificate reads where a certificate that we show and its key are.
func (l *loader) clientCertificate(n *strictyaml.Node, certificate, private *string) {
	l.mapping(n, "client_certificate", fields{
		"certificate": func(_, n *strictyaml.Node) { l.neededFile(n, certificate) },
		"key":         func(_, n *strictyaml.Node) { l.neededFile(n, private) },
	})
	if n.Kind == strictyaml.Mapping && (n.Get("certificate") == nil || n.Get("key") == nil) {
		l.problem(n, "client_certificate needs certificate and key", "as in {certificate: client.pem, key: client.key}")
	}
}

// unreadToken stands for a token that is read only when a call is made. It has the
// form that Telegram wants, which is the strictest.
const unreadToken = "1:token"

// tokenOf is the token of an endpoint as far as the configuration holds it.
func tokenOf(hook Webhook) string {
	switch hook.Token.kind {
	case "":
		return ""
	case "literal":
		return hook.Token.value
	}
	return unreadToken
}

// checkWebhook checks what the keys of an endpoint are together.
func (l *loader) checkWebhook(e strictyaml.Entry, hook Webhook) {
	of := func(key string) *strictyaml.Node {
		if n := e.Value.Get(key); n != nil {
			return n
		}
		return e.Key
	}
	if e.Value.Get("secret") != nil && e.Value.Get("secrets") != nil {
		l.problem(of("secrets"), "secret: stands beside secrets:", "put all of them into secrets:")
	}
	for _, pair := range [][2]string{{"digest", "debounce"}, {"digest", "rate_limit"}, {"debounce", "rate_limit"}} {
		if e.Value.Get(pair[0]) != nil && e.Value.Get(pair[1]) != nil {
			l.problem(of(pair[1]), fmt.Sprintf("%s: stands beside %s:", pair[1], pair[0]), "one call for many messages needs no other limit: keep one of them")
		}
	}
	isRefused := l.checkTemplate(e, hook)
	if hook.Preset == "" {
		if e.Value.Get("url") == nil {
			l.problem(e.Key, fmt.Sprintf("webhook %q has no url", hook.Name), "as in {url: 'https://hooks.example.org/mail'}")
		}
		for _, key := range []string{"to", "token"} {
			if e.Value.Get(key) != nil {
				l.problem(of(key), fmt.Sprintf("%s: is for a preset", key), "name the service, as in preset: ntfy; a token of your own receiver goes into headers:")
			}
		}
		if err := (webhook.Endpoint{URL: "https://example.org", ContentType: hook.ContentType}).Check(); err != nil {
			l.problem(of("content_type"), err.Error(), "")
		}
		return
	}
	for _, key := range []string{"method", "content_type"} {
		if e.Value.Get(key) != nil {
			l.problem(of(key), fmt.Sprintf("%s: is what the preset says", key), "remove it")
		}
	}
	settings := preset.Settings{URL: hook.URL, To: hook.To, Token: tokenOf(hook)}
	if isRefused || e.Value.Get("url") != nil && hook.URL == "" || !slices.Contains(preset.Names(), hook.Preset) {
		return // a problem was reported
	}
	if err := preset.Check(hook.Preset, settings); err != nil {
		l.problem(of("preset"), err.Error(), "its topic, channel, room or chat stands in to:, its secret in token:")
	}
}
