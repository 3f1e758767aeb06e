package config

import (
	"strings"

	"imapilot/actions"
	"imapilot/actions/smtp"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// forward reads a forward with settings, as in {to: ann@example.net, inline: true}.
func (l *loader) forward(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	l.mapping(n, "forward", fields{
		"to":     func(_, n *strictyaml.Node) { a.Args = l.texts(n) },
		"note":   func(_, n *strictyaml.Node) { a.Letter.Note, _ = l.scalar(n) },
		"inline": func(_, n *strictyaml.Node) { l.boolean(n, &a.Letter.Inline) },
		"anyway": func(_, n *strictyaml.Node) { l.boolean(n, &a.Letter.Anyway) },
	})
	if n.Get("to") == nil {
		l.problem(kind, "forward does not say to whom", "as in {to: ann@example.net, inline: true}")
	}
	return a, len(l.diags) == before
}

// reply reads a reply with settings, as in {text: Thank you., every: 14d}.
func (l *loader) reply(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	l.mapping(n, "reply", fields{
		"text": func(_, n *strictyaml.Node) {
			if text, ok := l.scalar(n); ok {
				a.Args = []rules.Text{text}
			}
		},
		"anyway": func(_, n *strictyaml.Node) { l.boolean(n, &a.Letter.Anyway) },
		"every":  func(_, n *strictyaml.Node) { l.duration(n, rules.MinEvery, rules.MaxEvery, &a.Letter.Every) },
	})
	if n.Get("text") == nil {
		l.problem(kind, "reply does not say what", "as in {text: 'I am back on Monday.', every: 14d}")
	}
	return a, len(l.diags) == before
}

// recipientsOf checks what only a mail server would refuse of the recipients of a
// forward; the rules say what else is wrong with them.
func (l *loader) recipientsOf(a rules.ActionSource) bool {
	before := len(l.diags)
	if actions.Kind(a.Kind.Value) != actions.Forward {
		return true
	}
	for _, to := range a.Args {
		if err := smtp.CheckAddress(to.Value); err != nil && !strings.Contains(to.Value, "${") {
			l.problem(l.refs[to.Pos].node, err.Error(), "as in ann@example.net, without a name")
		}
	}
	return len(l.diags) == before
}

// wantedLetter is the letter that a test wants to be sent.
func wantedLetter(kind actions.Kind, src rules.ActionSource) *actions.Letter {
	out := &actions.Letter{Inline: src.Letter.Inline, Anyway: src.Letter.Anyway}
	for _, t := range src.Args {
		if kind == actions.Reply {
			out.Text = t.Value
		} else {
			out.To = append(out.To, t.Value)
		}
	}
	return out
}

// writtenLetter is a letter as YAML has it.
func writtenLetter(l *actions.Letter) string {
	name, what := "text", quoted(l.Text)
	if strings.ContainsAny(l.Text, "\n\t") {
		what = doubleQuoted(l.Text)
	}
	if len(l.To) > 0 {
		var to []string
		for _, a := range l.To {
			to = append(to, quoted(a))
		}
		if name, what = "to", "["+strings.Join(to, ", ")+"]"; len(to) == 1 {
			what = to[0]
		}
	}
	more := ""
	if l.Inline {
		more += ", inline: true"
	}
	if l.Anyway {
		more += ", anyway: true"
	}
	if more == "" {
		return what
	}
	return "{" + name + ": " + what + more + "}"
}

// doubleQuoted writes a text of several lines on one.
func doubleQuoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}
