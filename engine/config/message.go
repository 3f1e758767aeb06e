package config

import (
	"encoding/json"
	"fmt"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// call reads a webhook with settings, as in {to: ci, when: done}.
func (l *loader) call(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	into := func(out *rules.Text) func(_, n *strictyaml.Node) {
		return func(_, n *strictyaml.Node) { *out, _ = l.scalar(n) }
	}
	l.mapping(n, "call", fields{
		"to":    func(_, n *strictyaml.Node) { a.Args = l.texts(n) },
		"when":  into(&a.When),
		"title": into(&a.Title),
		"body":  into(&a.Body),
		"json": func(_, n *strictyaml.Node) {
			doc := l.document(n)
			a.JSON = &doc
		},
	}, "include", "debounce", "digest")
	if n.Get("to") == nil {
		l.problem(kind, "the webhook does not say to whom", "as in {to: NAME, when: done}")
	}
	return a, len(l.diags) == before
}

// document reads a JSON value.
func (l *loader) document(n *strictyaml.Node) rules.Document {
	switch n.Kind {
	case strictyaml.Mapping:
		out := rules.Document{Members: []rules.Member{}}
		seen := map[string]bool{}
		for _, e := range n.Entries {
			if seen[e.Key.Value] {
				l.problem(e.Key, fmt.Sprintf("%q is set twice", e.Key.Value), "keep one of them")
			}
			seen[e.Key.Value] = true
			out.Members = append(out.Members, rules.Member{Name: e.Key.Value, Value: l.document(e.Value)})
		}
		return out
	case strictyaml.Sequence:
		out := rules.Document{Items: []rules.Document{}}
		for _, item := range n.Items {
			out.Items = append(out.Items, l.document(item))
		}
		return out
	case strictyaml.Scalar:
		if n.Type != strictyaml.String && json.Valid([]byte(n.Value)) {
			return rules.Document{Plain: json.RawMessage(n.Value)}
		}
		text := l.text(n)
		return rules.Document{Text: &text}
	}
	return rules.Document{} // a problem was reported
}

// hasSettings reports whether an action may be written with several settings.
func hasSettings(name string) bool { return actions.Kind(name) == actions.Webhook }
