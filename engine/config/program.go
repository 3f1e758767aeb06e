package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/actions"
	"imapilot/actions/exec"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// program reads an exec with settings, as in {run: [/usr/local/bin/notify], timeout: 30s}.
func (l *loader) program(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	l.mapping(n, "program", fields{
		"run":     func(_, n *strictyaml.Node) { a.Args = l.texts(n) },
		"timeout": func(_, n *strictyaml.Node) { l.duration(n, time.Second, exec.MaxTimeout, &a.Timeout) },
		"stdin":   func(_, n *strictyaml.Node) { a.Stdin, _ = l.scalar(n) },
		"env":     func(_, n *strictyaml.Node) { a.Env = l.variables(n) },
	}, "include")
	if n.Get("run") == nil {
		l.problem(kind, "exec does not say what to run", "as in {run: [/usr/local/bin/notify], timeout: 30s}")
	}
	return a, len(l.diags) == before
}

func (l *loader) variables(n *strictyaml.Node) []rules.Variable {
	var out []rules.Variable
	seen := map[string]bool{}
	for _, e := range l.entries(n) {
		if seen[e.Key.Value] {
			l.problem(e.Key, fmt.Sprintf("%q is set twice", e.Key.Value), "keep one of them")
		}
		seen[e.Key.Value] = true
		if value, ok := l.scalar(e.Value); ok {
			out = append(out, rules.Variable{Name: l.text(e.Key), Value: value})
		}
	}
	return out
}

// allow reads which actions may leave the mailbox.
func (l *loader) allow(n *strictyaml.Node) {
	for _, item := range l.items(n) {
		var word string
		if !l.filled(item, &word) {
			continue
		}
		if actions.Kind(word).Spec().Free {
			l.problem(item, word+" needs no allow:", "leave it out")
			continue
		}
		if !slices.Contains(leaving(), word) {
			l.problem(item, fmt.Sprintf("allow: does not know %q", word), "known here: "+strings.Join(leaving(), ", "))
			continue
		}
		l.cfg.Allow = append(l.cfg.Allow, word)
	}
}

// leaving are the actions that leave the mailbox, and are off unless they are allowed.
func leaving() []string {
	var out []string
	for _, s := range actions.Table() {
		if s.Kind.NeedsAllow() {
			out = append(out, string(s.Kind))
		}
	}
	return out
}
