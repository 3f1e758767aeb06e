package config

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// maxMessages is the most that a rule's own limit may be.
const maxMessages = 1_000_000

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
	var tests, stop, repeat *strictyaml.Node
	broken, t := len(l.diags), trigger{on: rules.OnArrival}
	sure := true // where the rule looks, and when
	table := fields{
		"name":         func(_, n *strictyaml.Node) { r.Name = l.ruleName(n) },
		"accounts":     func(_, n *strictyaml.Node) { sure = l.wholly(n, func() { r.Accounts = l.texts(n) }) && sure },
		"in":           func(_, n *strictyaml.Node) { r.In = l.texts(n) },
		"if":           func(_, n *strictyaml.Node) { r.If, _ = l.scalar(n) },
		"then":         func(_, n *strictyaml.Node) { r.Then = l.actions(n) },
		"stop":         func(key, n *strictyaml.Node) { l.boolean(n, &r.Stop); stop = key },
		"dry_run":      func(_, n *strictyaml.Node) { l.boolean(n, &r.DryRun) },
		"max_messages": func(_, n *strictyaml.Node) { l.integer(n, 1, maxMessages, &r.MaxMessages) },
		"tests":        func(_, n *strictyaml.Node) { tests = n },
		"search":       func(key, n *strictyaml.Node) { r.GmailSearch = l.search(key, n) },
		"on":           func(key, n *strictyaml.Node) { sure = l.wholly(n, func() { t = l.trigger(key, n) }) && sure },
		"repeat": func(key, n *strictyaml.Node) {
			if l.duration(n, minRepeat, maxRepeatDays*day, &r.Repeat) {
				repeat = key
			}
		},
	}
	l.mapping(n, "rule", table, "digest", "debounce", "quiet_hours", "rate_limit", "create", "unless")
	l.ruleRequires(n)
	r.On = t.on
	if sure {
		l.aim(n, table, r)
	}
	l.repeats(repeat, &r)
	l.stopsNobody(stop, r)
	l.substitute(n, &r, len(l.diags) > broken)
	l.addRule(r, t, tests)
}

// addRule takes a rule that was read, with what asks it and its tests.
func (l *loader) addRule(r rules.RuleSource, t trigger, tests *strictyaml.Node) {
	at := len(l.source.Rules)
	for _, a := range r.Then {
		l.warnOfFolder(a) // only now: a rule of which something is warned is a rule
	}
	r.On, r.Flags, r.Cron = t.on, t.flags, t.cron
	l.source.Rules = append(l.source.Rules, r)
	if t.on == rules.OnSchedule {
		l.schedules[at] = t.when
	}
	if tests != nil {
		l.userTests(tests, at)
	}
}

// ruleRequires reports which of its three keys a rule lacks.
func (l *loader) ruleRequires(n *strictyaml.Node) {
	for _, want := range []struct{ key, hint string }{
		{"name", "give it one: the journal knows the rule by it"},
		{"if", "write if: true for a rule that always matches"},
		{"then", "list its actions, as in then: [trash]"},
	} {
		if n.Get(want.key) == nil {
			l.problem(n, "the rule has no "+want.key, want.hint)
		}
	}
}

// substitute completes a rule of which something could not be read, so that
// the rules look at the rest of it, and so that it is compared with no other:
// a condition and a mailbox of its own, an action that changes nothing.
func (l *loader) substitute(n *strictyaml.Node, r *rules.RuleSource, broken bool) {
	own := fmt.Sprintf("\uFFFF%d", len(l.source.Rules))
	if r.Name.Value == "" && (n.Get("name") == nil || r.Name.Pos < 0) {
		r.Name = nowhere(own)
	}
	if r.If == (rules.Text{}) {
		r.If = nowhere(fmt.Sprintf("subject == %q", own))
	}
	then := n.Get("then")
	if len(r.Then) == 0 && (then == nil || then.Kind != strictyaml.Sequence || len(then.Items) > 0) {
		r.Then = []rules.ActionSource{{Kind: nowhere("add_flags"), Args: []rules.Text{nowhere(`\Seen`)}}}
	}
	if places := n.Get("in"); broken || places != nil && places.Kind == strictyaml.Bad {
		r.In = append(r.In, nowhere(own))
	}
}

func (l *loader) ruleName(n *strictyaml.Node) rules.Text {
	text, ok := l.scalar(n)
	switch {
	case !ok:
		return nowhere("")
	case len(text.Value) > maxName:
		l.problem(n, fmt.Sprintf("the name is longer than %d bytes", maxName), "")
		return nowhere("")
	case strings.ContainsAny(text.Value, "\n\r\t"):
		l.problem(n, "the name has more than one line", "")
		return nowhere("")
	}
	return text
}

// scalar reads a text for the rules. It reports false, and gives nothing, when
// a problem was reported.
func (l *loader) scalar(n *strictyaml.Node) (rules.Text, bool) {
	var value string
	if !l.str(n, &value) {
		return rules.Text{}, false
	}
	return l.text(n), true
}

func (l *loader) texts(n *strictyaml.Node) []rules.Text {
	var out []rules.Text
	for _, item := range l.items(n) {
		if text, ok := l.scalar(item); ok {
			out = append(out, text)
		}
	}
	return out
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

// action reads one action. It reports false when a problem was reported.
func (l *loader) action(n *strictyaml.Node) (rules.ActionSource, bool) {
	if n.Kind == strictyaml.Scalar {
		kind, ok := l.scalar(n)
		return rules.ActionSource{Kind: kind}, ok
	}
	if n.Kind != strictyaml.Mapping || len(n.Entries) != 1 {
		l.problem(n, "an action is one word, or one key with its argument", "as in - trash, or - move: Lists")
		return rules.ActionSource{}, false
	}
	e := n.Entries[0]
	if e.Key.Kind != strictyaml.Scalar || e.Value.Kind == strictyaml.Bad {
		return rules.ActionSource{}, false
	}
	if actions.Kind(e.Key.Value) == actions.Snooze {
		return l.snooze(e.Key, e.Value)
	}
	if read := l.withSettings(e.Key.Value); read != nil && e.Value.Kind == strictyaml.Mapping {
		a, ok := read(e.Key, e.Value)
		return a, ok && l.recipientsOf(a)
	}
	if spec := actions.Kind(e.Key.Value).Spec(); spec.Kind != "" && spec.Arg == actions.ArgNone && e.Value.Kind == strictyaml.Mapping {
		l.problem(e.Value, fmt.Sprintf("%s takes no argument", spec.Kind), "as in "+spec.Example)
		return rules.ActionSource{}, false
	}
	if e.Value.Kind == strictyaml.Mapping {
		l.problem(e.Value, fmt.Sprintf("%s with several settings is not available in this version yet", e.Key.Value), "as in "+e.Key.Value+": NAME")
		return rules.ActionSource{}, false
	}
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(e.Key), Args: l.texts(e.Value)}
	bad := slices.ContainsFunc(e.Value.Items, func(i *strictyaml.Node) bool { return i.Kind == strictyaml.Bad })
	return a, !bad && len(l.diags) == before && l.recipientsOf(a)
}
