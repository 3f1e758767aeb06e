package config

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"imapilot/engine/config/strictyaml"
	"imapilot/engine/schedule"
	"imapilot/rules"
)

// retentionCron is when mail is looked at that is kept for a time.
const retentionCron = "0 3 * * *"

// retentions reads how long mail is kept: each entry is a rule on a clock.
func (l *loader) retentions(n *strictyaml.Node) {
	if n.Kind != strictyaml.Sequence {
		l.problem(n, "retention: is a list of mailboxes and how long mail stays there", "as in - {in: [Promotions], after: 30d}")
		return
	}
	for _, item := range n.Items {
		if item.Kind == strictyaml.Mapping {
			l.retention(item)
		} else if item.Kind != strictyaml.Bad {
			l.problem(item, "an entry of retention: says of which mailboxes, and after how long", "as in - {in: [Promotions], after: 30d}")
		}
	}
}

func (l *loader) retention(n *strictyaml.Node) {
	var r rules.RuleSource
	var tests, stop *strictyaml.Node
	broken, t := len(l.diags), l.nightly()
	l.mapping(n, "retention", fields{
		"name":         func(_, n *strictyaml.Node) { r.Name = l.ruleName(n) },
		"accounts":     func(_, n *strictyaml.Node) { r.Accounts = l.texts(n) },
		"in":           func(key, n *strictyaml.Node) { r.In = l.retained(key, n) },
		"after":        func(_, n *strictyaml.Node) { r.If = l.after(n) },
		"unless":       func(_, n *strictyaml.Node) { r.Unless = l.unless(n) },
		"then":         func(_, n *strictyaml.Node) { r.Then = l.actions(n) },
		"on":           func(key, n *strictyaml.Node) { t = l.clock(key, n) },
		"max_messages": func(_, n *strictyaml.Node) { l.integer(n, 1, maxMessages, &r.MaxMessages) },
		"dry_run":      func(_, n *strictyaml.Node) { l.boolean(n, &r.DryRun) },
		"stop":         func(key, n *strictyaml.Node) { l.boolean(n, &r.Stop); stop = key },
		"tests":        func(_, n *strictyaml.Node) { tests = n },
	})
	l.retentionRequires(n)
	if n.Get("then") == nil {
		r.Then = l.intoTrash(n, r)
	}
	r.On = t.on
	l.stopsNobody(stop, r)
	// Without mailboxes that could be read it is for none, and not for INBOX.
	l.substitute(n, &r, len(l.diags) > broken || len(r.In) == 0)
	if n.Get("name") == nil {
		l.unnamed = append(l.unnamed, len(l.source.Rules))
	}
	l.addRule(r, t, tests)
}

// nightly is when a retention runs that does not say when.
func (l *loader) nightly() trigger {
	t := trigger{on: rules.OnSchedule, cron: retentionCron, when: RuleSchedule{CatchUp: true}}
	at, err := schedule.Parse(retentionCron, l.cfg.Location)
	if err != nil {
		panic(err) // it is five fields
	}
	t.when.At = at
	return t
}

// clock reads what asks a rule that only a schedule can ask.
func (l *loader) clock(key, n *strictyaml.Node) trigger {
	before := len(l.diags)
	t := l.trigger(key, n)
	if t.on != rules.OnSchedule && before == len(l.diags) {
		l.problem(key, "mail grows old on a clock: a retention has a schedule", "as in on: {cron: '0 3 * * *'}, or write a rule")
	}
	t.on = rules.OnSchedule
	return t
}

// retained are the mailboxes that a retention is for. It has no default, because
// it takes mail away.
func (l *loader) retained(key, n *strictyaml.Node) []rules.Text {
	if n.Kind == strictyaml.Sequence && len(n.Items) == 0 {
		l.problem(key, "in: names no mailbox", "as in [Promotions]")
	}
	return l.texts(n)
}

// after gives the condition that a message has been there for some time.
func (l *loader) after(n *strictyaml.Node) rules.Text {
	var d time.Duration
	if !l.duration(n, time.Hour, maxLong, &d) {
		return rules.Text{}
	}
	if _, ok := parseLong(n.Value); !ok {
		l.problem(n, "this must be a number of hours, days or weeks", "write it as in 12h, 30d or 2w")
		return rules.Text{}
	}
	text := l.text(n)
	text.Value = fmt.Sprintf("age > hours(%d)", d/time.Hour)
	if d%day == 0 {
		text.Value = fmt.Sprintf("age > days(%d)", d/day)
	}
	return text
}

// unless reads the exception.
func (l *loader) unless(n *strictyaml.Node) rules.Text {
	text, ok := l.scalar(n)
	if ok && strings.TrimSpace(text.Value) == "" {
		l.problem(n, "the exception is empty", "leave unless: out where there is none")
		return rules.Text{}
	}
	return text
}

// retentionRequires reports which of its two keys a retention lacks.
func (l *loader) retentionRequires(n *strictyaml.Node) {
	for _, want := range []struct{ key, hint string }{
		{"in", "name its mailboxes, as in in: [Promotions]"},
		{"after", "say how long mail stays, as in after: 30d"},
	} {
		if n.Get(want.key) == nil {
			l.problem(n, "the retention has no "+want.key, want.hint)
		}
	}
}

// intoTrash is what is done with mail that is too old unless then: says
// otherwise. What is in the trash cannot go there.
func (l *loader) intoTrash(n *strictyaml.Node, r rules.RuleSource) []rules.ActionSource {
	for _, in := range r.In {
		if in.Value == "role:trash" {
			l.add(l.refs[in.Pos].node.Span(0, 0), rules.Error, "mail would go from the trash into the trash", "say then: [expunge] to remove it for ever")
		}
	}
	trash := l.text(n)
	trash.Value = "trash"
	return []rules.ActionSource{{Kind: trash}}
}

// nameRetentions gives those a name that have none, which no other rule has.
func (l *loader) nameRetentions() {
	if len(l.unnamed) == 0 {
		return
	}
	taken := map[string]bool{}
	for _, r := range l.source.Rules {
		taken[r.Name.Value] = true
	}
	for _, i := range l.unnamed {
		r := &l.source.Rules[i]
		base := "retention of " + oneLine(r.In[0].Value)
		name := base
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s %d", base, n)
		}
		taken[name] = true
		r.Name = rules.Text{Value: name, Pos: r.In[0].Pos}
	}
}

// maxNamed is how many octets of a mailbox's name are in the name of a rule.
const maxNamed = 150

// oneLine makes a text fit for a part of a rule's name.
func oneLine(s string) string {
	for len(s) > maxNamed {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
