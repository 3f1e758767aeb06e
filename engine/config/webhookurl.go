package config

import (
	"net/url"
	"strings"

	"imapilot/actions/webhook"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// Template returns the URL in parts, where it holds ${expressions}: the text of a
// part with Value is that of the expression. It is nil for a URL without any.
func (w Webhook) Template() []webhook.Piece {
	out, err := templateOf(w.URL)
	if err != nil {
		return nil // no configuration that was loaded has such a URL
	}
	return out
}

func templateOf(text string) ([]webhook.Piece, error) {
	if !strings.Contains(text, "${") {
		return nil, nil
	}
	pieces, err := rules.Pieces(text)
	if err != nil {
		return nil, err
	}
	out := make([]webhook.Piece, len(pieces))
	for i, p := range pieces {
		out[i] = webhook.Piece{Text: p.Text, Value: p.IsExpression}
	}
	return out, nil
}

// url reads where an endpoint is. The rules look at the expressions in it.
func (l *loader) url(n *strictyaml.Node, hook *Webhook) {
	if !l.str(n, &hook.URL) {
		return
	}
	whole := hook.URL
	if strings.Contains(whole, "${") {
		l.source.URLs = append(l.source.URLs, rules.URLSource{Endpoint: hook.Name, URL: l.text(n)})
		template, err := templateOf(whole)
		if err != nil {
			return // the rules say so
		}
		if err := webhook.CheckURL(template); err != nil {
			l.problem(n, err.Error(), "as in https://hooks.example.org/lists/${list.name}")
			return
		}
		whole = withLetters(template)
	}
	u, err := url.Parse(whole)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		l.problem(n, "this is no http or https URL", "as in https://hooks.example.org/mail")
	case u.Scheme == "http" && !isNear(u.Hostname()):
		l.warn(n, "what is sent there can be read on the way", "use https, unless the receiver stands in your own network")
	}
}

// withLetters is a template with a letter for each value.
func withLetters(template []webhook.Piece) string {
	var out strings.Builder
	for _, p := range template {
		if p.Value {
			p.Text = "x"
		}
		out.WriteString(p.Text)
	}
	return out.String()
}

// checkTemplate refuses expressions in the URL of an endpoint that one call for many
// messages goes to, or that a preset makes a URL from.
func (l *loader) checkTemplate(e strictyaml.Entry, hook Webhook) bool {
	n := e.Value.Get("url")
	if n == nil || !strings.Contains(hook.URL, "${") {
		return false
	}
	for _, key := range []string{"preset", "digest", "debounce"} {
		if e.Value.Get(key) == nil {
			continue
		}
		hint := "one call speaks of many messages there: write the URL without ${}"
		if key == "preset" {
			hint = "the service wants its URL as it gave it out; what a message says goes into title: and body:"
		}
		l.problem(n, "${} in the URL of a webhook stands beside "+key+":", hint)
		return true
	}
	return false
}
