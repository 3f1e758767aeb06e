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

// textsOfRule is how many texts a short rule gives to the rules: its name, its
// condition, an action and what that takes.
const textsOfRule = 4

func (l *loader) rules(n *strictyaml.Node) {
	if n.Kind != strictyaml.Sequence {
		l.wrongType(n, "a list of rules")
		return
	}
	l.source.Rules = slices.Grow(l.source.Rules, len(n.Items))
	l.refs = slices.Grow(l.refs, textsOfRule*len(n.Items))
	l.aims = slices.Grow(l.aims, len(n.Items))
	r := &ruleReader{loader: l}
	table := r.table()
	for _, item := range n.Items {
		if item.Kind == strictyaml.Mapping {
			*r = ruleReader{loader: l, trigger: trigger{on: rules.OnArrival}, sure: true}
			r.one(item, table)
		} else if item.Kind != strictyaml.Bad {
			l.wrongType(item, "a rule")
		}
	}
}

// ruleReader reads one rule after the other, so that the table of keys is made
// once and not for each of them.
type ruleReader struct {
	*loader
	rule                rules.RuleSource
	trigger             trigger
	sure                bool // where the rule looks, and when
	tests, stop, repeat *strictyaml.Node
}

func (r *ruleReader) table() fields {
	return fields{
		"name":         func(_, n *strictyaml.Node) { r.rule.Name = r.ruleName(n) },
		"accounts":     func(_, n *strictyaml.Node) { r.surely(n, func() { r.rule.Accounts = r.texts(n) }) },
		"in":           func(_, n *strictyaml.Node) { r.rule.In = r.texts(n) },
		"if":           func(_, n *strictyaml.Node) { r.rule.If, _ = r.scalar(n) },
		"then":         func(_, n *strictyaml.Node) { r.rule.Then = r.actions(n) },
		"stop":         func(key, n *strictyaml.Node) { r.boolean(n, &r.rule.Stop); r.stop = key },
		"dry_run":      func(_, n *strictyaml.Node) { r.boolean(n, &r.rule.DryRun) },
		"max_messages": func(_, n *strictyaml.Node) { r.integer(n, 1, maxMessages, &r.rule.MaxMessages) },
		"tests":        func(_, n *strictyaml.Node) { r.tests = n },
		"search":       func(key, n *strictyaml.Node) { r.rule.GmailSearch = r.search(key, n) },
		"on":           func(key, n *strictyaml.Node) { r.surely(n, func() { r.trigger = r.loader.trigger(key, n) }) },
		"repeat": func(key, n *strictyaml.Node) {
			if r.duration(n, minRepeat, maxRepeatDays*day, &r.rule.Repeat) {
				r.repeat = key
			}
		},
	}
}

// surely reads what must be read wholly where it is to be certain where the rule looks.
func (r *ruleReader) surely(n *strictyaml.Node, read func()) { r.sure = r.wholly(n, read) && r.sure }

func (r *ruleReader) one(n *strictyaml.Node, table fields) {
	broken := len(r.diags)
	r.mapping(n, "rule", table, "digest", "debounce", "quiet_hours", "rate_limit", "create", "unless")
	r.ruleRequires(n)
	r.rule.On = r.trigger.on
	if r.sure {
		r.aim(n, table, &r.rule)
	}
	r.repeats(r.repeat, &r.rule)
	r.stopsNobody(r.stop, r.rule)
	r.substitute(n, &r.rule, len(r.diags) > broken)
	r.addRule(r.rule, r.trigger, r.tests)
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
	items := l.items(n)
	out := slices.Grow([]rules.ActionSource(nil), len(items))
	for _, item := range items {
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
