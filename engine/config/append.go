package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// addition reads an append, as in {to: Notes, subject: Hello}.
func (l *loader) addition(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	l.mapping(n, "addition", fields{
		"to": func(_, n *strictyaml.Node) { a.Args = l.texts(n) },
		"account": func(_, n *strictyaml.Node) {
			var name string
			if l.filled(n, &name) {
				a.Account = l.text(n)
			}
		},
		"header":  func(_, n *strictyaml.Node) { a.Header = l.variables(n) },
		"subject": func(_, n *strictyaml.Node) { a.Subject, _ = l.scalar(n) },
		"body":    func(_, n *strictyaml.Node) { a.Body, _ = l.scalar(n) },
	})
	if n.Get("to") == nil {
		l.problem(kind, "append does not say to which mailbox", "as in {to: Notes, subject: Hello}")
	}
	return a, len(l.diags) == before
}

// wantedAppend is what a test wants to be appended.
func wantedAppend(src rules.ActionSource) *actions.Append {
	out := &actions.Append{Note: len(src.Header) == 0, Subject: src.Subject.Value, Body: src.Body.Value}
	for _, v := range src.Header {
		out.Header = append(out.Header, actions.Field{Name: v.Name.Value, Value: v.Value.Value})
	}
	return out
}

// writtenAppend is the settings of an append as YAML has them.
func writtenAppend(a actions.Action) string {
	var parts []string
	add := func(name, value string) { parts = append(parts, name+": "+value) }
	add("to", quoted(a.Mailbox))
	if a.Account != "" {
		add("account", quoted(a.Account))
	}
	if a.Append.Note {
		add("subject", quotedText(a.Append.Subject))
	}
	if a.Append.Body != "" {
		add("body", quotedText(a.Append.Body))
	}
	var header []string
	for _, f := range a.Append.Header {
		header = append(header, f.Name+": "+quotedText(f.Value))
	}
	if len(header) > 0 {
		add("header", "{"+strings.Join(header, ", ")+"}")
	}
	return fmt.Sprintf("%s: {%s}", a.Kind, strings.Join(parts, ", "))
}

// quotedText is quoted for a text of several lines, too.
func quotedText(s string) string {
	if !strings.ContainsAny(s, "\n\t") {
		return quoted(s)
	}
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // it is a text
	}
	return string(out)
}
