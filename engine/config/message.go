package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
		"include":   func(_, n *strictyaml.Node) { a.Include = l.texts(n) },
		"raw_limit": func(_, n *strictyaml.Node) { l.rawLimit(n, &a.RawLimit) },
	}, "debounce", "digest")
	if at := n.Get("raw_limit"); at != nil && !includesRaw(a) {
		l.problem(at, "raw_limit: stands without include: [raw]", "it says how much of a raw message is included")
	}
	if n.Get("to") == nil {
		l.problem(kind, "the webhook does not say to whom", "as in {to: NAME, when: done}")
	}
	return a, len(l.diags) == before
}

func includesRaw(a rules.ActionSource) bool {
	return slices.ContainsFunc(a.Include, func(t rules.Text) bool { return t.Value == actions.IncludeRaw })
}

// minRaw is the smallest raw_limit, in bytes.
const minRaw = 1 << 10

// rawLimit reads a size as in 5mb, which is what mb(5) is in a rule.
func (l *loader) rawLimit(n *strictyaml.Node, out *int) {
	if v, ok := l.octets(n); ok {
		*out = v
	}
}

// octets reads such a size, of a message or of a part of one.
func (l *loader) octets(n *strictyaml.Node) (int, bool) {
	text := n.Value
	for short, long := range map[string]string{"kb": "KiB", "mb": "MiB"} {
		if number, ok := strings.CutSuffix(text, short); ok {
			text = number + long
		}
	}
	v, ok := parseSize(text)
	if n.Kind != strictyaml.Scalar || !ok || v < minRaw || v > rules.MaxRaw {
		l.problem(n, fmt.Sprintf("this must be a size from 1kb to %dmb", rules.MaxRaw>>20), "write it as in 5mb, 512kb or 65536")
		return 0, false
	}
	return v, true
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

// withSettings returns what reads an action with several settings, nil where it has
// none.
func (l *loader) withSettings(name string) func(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	switch actions.Kind(name) {
	case actions.Webhook:
		return l.call
	case actions.Exec:
		return l.program
	case actions.SaveAttachments:
		return l.saving
	case actions.Forward:
		return l.forward
	case actions.Reply:
		return l.reply
	case actions.Copy, actions.Move:
		return l.place
	case actions.AppendTo:
		return l.addition
	}
	return nil
}

// place reads a copy or move with settings, as in {account: work, mailbox: Bills}.
func (l *loader) place(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	l.mapping(n, "place", fields{
		"account": func(_, n *strictyaml.Node) {
			var name string
			if l.filled(n, &name) {
				a.Account = l.text(n)
			}
		},
		"mailbox": func(_, n *strictyaml.Node) { a.Args = l.texts(n) },
	})
	if n.Get("mailbox") == nil {
		l.problem(kind, fmt.Sprintf("the %s does not say into which mailbox", kind.Value), "as in {account: NAME, mailbox: Archive}")
	}
	return a, len(l.diags) == before
}
