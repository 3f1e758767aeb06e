package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
	"imapilot/engine/schedule"
	"imapilot/rules"
	"imapilot/rules/ruletest"
)

func (l *loader) rules(n *strictyaml.Node) {
	if n.Kind != strictyaml.Sequence {
		l.wrongType(n, "a list of rules")
		return
	}
	for _, item := range n.Items {
		if item.Kind == strictyaml.Mapping {
			l.rule(item)
		} else if item.Kind != strictyaml.Bad {
			l.wrongType(item, "a rule")
		}
	}
}

func (l *loader) rule(n *strictyaml.Node) {
	var r rules.RuleSource
	var tests *strictyaml.Node
	table := fields{
		"name":         func(_, n *strictyaml.Node) { r.Name = l.scalar(n) },
		"accounts":     func(_, n *strictyaml.Node) { r.Accounts = l.texts(n) },
		"in":           func(_, n *strictyaml.Node) { r.In = l.texts(n) },
		"if":           func(_, n *strictyaml.Node) { r.If = l.scalar(n) },
		"then":         func(_, n *strictyaml.Node) { r.Then = l.actions(n) },
		"stop":         func(_, n *strictyaml.Node) { l.boolean(n, &r.Stop) },
		"dry_run":      func(_, n *strictyaml.Node) { l.boolean(n, &r.DryRun) },
		"max_messages": func(_, n *strictyaml.Node) { l.integer(n, 1, 1_000_000, &r.MaxMessages) },
		"tests":        func(_, n *strictyaml.Node) { tests = n },
		"on":           l.trigger,
	}
	for _, key := range []string{"repeat", "timezone", "jitter", "catch_up", "digest", "debounce", "quiet_hours", "rate_limit"} {
		table[key] = l.later
	}
	l.mapping(n, "rule", table)
	if !l.complete(n) {
		return
	}
	if then := n.Get("then"); len(r.Then) == 0 && (then.Kind != strictyaml.Sequence || len(then.Items) > 0) {
		return // each of its actions was reported
	}
	l.source.Rules = append(l.source.Rules, r)
	if tests != nil {
		l.ruleTests(tests, r, len(l.source.Rules)-1)
	}
}

// complete reports what a rule lacks. One that lacks something is not handed
// to the rules, which would only say it again.
func (l *loader) complete(n *strictyaml.Node) bool {
	ok := true
	for _, want := range []struct{ key, hint string }{
		{"name", "give it one: the journal knows the rule by it"},
		{"if", "write if: true for a rule that always matches"},
		{"then", "list its actions, as in then: [trash]"},
	} {
		switch v := n.Get(want.key); {
		case v == nil:
			l.problem(n, "the rule has no "+want.key, want.hint)
			ok = false
		case v.Kind == strictyaml.Bad:
			ok = false
		}
	}
	return ok
}

func (l *loader) scalar(n *strictyaml.Node) rules.Text {
	if n.Kind != strictyaml.Scalar {
		l.wrongType(n, "a text")
		return rules.Text{Pos: l.text(n).Pos}
	}
	return l.expression(n)
}

func (l *loader) texts(n *strictyaml.Node) []rules.Text {
	var out []rules.Text
	for _, item := range l.items(n) {
		out = append(out, l.scalar(item))
	}
	return out
}

// trigger refuses what only a later version can do, but looks at it first.
func (l *loader) trigger(key, n *strictyaml.Node) {
	if n.Kind == strictyaml.Scalar && n.Value == "arrival" {
		return
	}
	if n.Kind != strictyaml.Mapping {
		l.problem(n, "on: is arrival, the default, or a mapping", "as in {cron: '0 3 * * *'}")
		return
	}
	if cron := n.Get("cron"); cron != nil && cron.Kind == strictyaml.Scalar {
		if _, err := schedule.Parse(cron.Value, l.cfg.Location); err != nil {
			l.problem(cron, err.Error(), "five fields, as in '0 3 * * *', or '@daily'")
			return
		}
	}
	l.problem(key, "rules on a clock or on flags are not available in this version yet", "remove on: to run the rule when mail arrives")
}

func (l *loader) actions(n *strictyaml.Node) []rules.ActionSource {
	if n.Kind == strictyaml.Mapping {
		l.problem(n, "then: is a list of actions", "begin each with a dash, as in - move: Lists")
		return nil
	}
	var out []rules.ActionSource
	for _, item := range l.items(n) {
		if a, ok := l.action(item); ok {
			out = append(out, a)
		}
	}
	return out
}

func (l *loader) action(n *strictyaml.Node) (rules.ActionSource, bool) {
	if n.Kind == strictyaml.Scalar {
		return rules.ActionSource{Kind: l.text(n)}, true
	}
	if n.Kind != strictyaml.Mapping || len(n.Entries) != 1 {
		l.problem(n, "an action is one word, or one key with its argument", "as in - trash or - move: Lists")
		return rules.ActionSource{}, false
	}
	e := n.Entries[0]
	if e.Key.Kind != strictyaml.Scalar || e.Value.Kind == strictyaml.Bad {
		return rules.ActionSource{}, false
	}
	if e.Value.Kind == strictyaml.Mapping {
		l.problem(e.Value, fmt.Sprintf("options of %q are not available in this version yet", e.Key.Value), "")
		return rules.ActionSource{}, false
	}
	return rules.ActionSource{Kind: l.text(e.Key), Args: l.texts(e.Value)}, true
}

func (l *loader) ruleTests(n *strictyaml.Node, r rules.RuleSource, rule int) {
	for _, item := range l.items(n) {
		if item.Kind != strictyaml.Mapping {
			l.wrongType(item, "a test")
			continue
		}
		c := ruletest.Case{Rule: r.Name.Value, File: l.now, Line: item.Line}
		wanted := false
		l.mapping(item, "test", fields{
			"message": func(_, n *strictyaml.Node) { l.message(n, &c) },
			"given":   func(_, n *strictyaml.Node) { l.given(n, &c.Given) },
			"want":    func(_, n *strictyaml.Node) { wanted = true; c.Want = l.want(n) },
			"name":    func(_, n *strictyaml.Node) { l.str(n, &c.Name) },
		})
		if item.Get("message") == nil {
			l.problem(item, "the test has no message", "name a file: message: testdata/letter.eml")
		}
		if !wanted && item.Get("want") == nil {
			l.problem(item, "the test does not say what it wants", "list the actions under want:, or write want: [] for none")
		}
		if c.Name == "" {
			c.Name = testName(c)
		}
		l.tests = append(l.tests, pending{test: c, rule: rule})
	}
}

func testName(c ruletest.Case) string {
	if c.Message == "" {
		return fmt.Sprintf("%s (line %d)", c.Rule, c.Line)
	}
	return fmt.Sprintf("%s (%s)", c.Rule, filepath.Base(c.Message))
}

// message is a path, or the message itself when it holds more than one line.
func (l *loader) message(n *strictyaml.Node, c *ruletest.Case) {
	var v string
	if !l.str(n, &v) {
		return
	}
	if strings.Contains(v, "\n") {
		c.Inline = []byte(strings.ReplaceAll(v, "\n", "\r\n"))
		return
	}
	l.path(n, &c.Message)
}

func (l *loader) given(n *strictyaml.Node, g *ruletest.Given) {
	l.mapping(n, "given", fields{
		"account":  func(_, n *strictyaml.Node) { l.str(n, &g.Account) },
		"mailbox":  func(_, n *strictyaml.Node) { l.str(n, &g.Mailbox) },
		"role":     func(_, n *strictyaml.Node) { l.str(n, &g.Role) },
		"flags":    func(_, n *strictyaml.Node) { g.Flags = flagsOf(l.strings(n)) },
		"received": func(_, n *strictyaml.Node) { l.instant(n, &g.Received) },
		"now":      func(_, n *strictyaml.Node) { l.instant(n, &g.Now) },
	})
}

func flagsOf(list []string) []imap.Flag {
	var out []imap.Flag
	for _, f := range list {
		out = append(out, imap.Flag(f))
	}
	return out
}

func (l *loader) instant(n *strictyaml.Node, out *time.Time) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, n.Value, l.cfg.Location); err == nil {
			*out = at
			return
		}
	}
	l.problem(n, "this is no time", "write it as in 2026-02-01T09:00:00Z")
}

// want reads the wanted actions: they hold no ${}.
func (l *loader) want(n *strictyaml.Node) []actions.Action {
	if n.Kind == strictyaml.Scalar && n.Value == "keep" {
		return nil
	}
	var out []actions.Action
	for _, item := range l.items(n) {
		src, ok := l.action(item)
		if !ok {
			continue
		}
		spec := actions.Kind(src.Kind.Value).Spec()
		a := actions.Action{Kind: spec.Kind}
		switch {
		case spec.Kind == "":
			l.problem(item, fmt.Sprintf("unknown action %q", src.Kind.Value), "")
			continue
		case spec.Arg == actions.ArgFlags:
			for _, t := range src.Args {
				a.Flags = append(a.Flags, imap.Flag(t.Value))
			}
		case spec.Arg == actions.ArgMailbox && len(src.Args) == 1:
			a.Mailbox = src.Args[0].Value
		case spec.Arg == actions.ArgEndpoint && len(src.Args) == 1:
			a.Endpoint = src.Args[0].Value
		case spec.Arg == actions.ArgNone && len(src.Args) == 0:
		default:
			l.problem(item, fmt.Sprintf("%q takes one argument", src.Kind.Value), "")
			continue
		}
		out = append(out, a)
	}
	return out
}

// withDefaults fills in what a test did not say.
func (l *loader) withDefaults(p pending) ruletest.Case {
	c, r := p.test, l.source.Rules[p.rule]
	if c.Given.Account == "" {
		switch {
		case len(r.Accounts) > 0:
			c.Given.Account = r.Accounts[0].Value
		case len(l.cfg.Accounts) > 0:
			c.Given.Account = l.cfg.Accounts[0].Name
		}
	}
	if c.Given.Mailbox == "" && len(r.In) > 0 {
		if role, ok := strings.CutPrefix(r.In[0].Value, "role:"); ok {
			c.Given.Mailbox, c.Given.Role = role, role
		} else {
			c.Given.Mailbox = strings.ReplaceAll(r.In[0].Value, "*", "test")
		}
	}
	if c.Given.Mailbox == "" {
		c.Given.Mailbox = "INBOX"
	}
	if c.Given.Now.IsZero() && c.Given.Received.IsZero() {
		c.Given.Now = time.Now()
		if c.Message != "" || len(c.Inline) > 0 {
			c.Given.Now = time.Time{}
		}
	}
	return c
}
