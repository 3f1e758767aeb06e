package rules

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"imapilot/engine/enginetest/corpus"
)

// everything is a rule set that touches every field and every function.
func everything() Source {
	var list []RuleSource
	add := func(example string) {
		name := fmt.Sprint("r", len(list))
		if _, target, isAction := strings.Cut(example, ": "); isAction && strings.Contains(target, "${") {
			r := rule(name, "true")
			r.Then = []ActionSource{{Kind: Text{Value: "copy"}, Args: []Text{{Value: target}}}}
			list = append(list, r)
			return
		}
		list = append(list, rule(name, example, "add_flags: $"+name))
	}
	for _, f := range Fields() {
		add(f.Example)
	}
	for _, f := range Functions() {
		add(f.Example)
	}
	list = append(list, rule("names", "true", "copy: A/${list.title}/${from.name}/x${subject}"))
	return baseSource(list...)
}

// checkDecision asserts what holds of every decision, whatever the message.
func checkDecision(t *testing.T, d Decision) {
	t.Helper()
	for _, v := range d.Verdicts {
		if v.Truth != True && v.Truth != False {
			t.Errorf("%s is %v: %v", v.Rule, v.Truth, v.Err)
		}
		if v.Err != nil && !strings.Contains(v.Err.Error(), "the value is empty") && !strings.Contains(v.Err.Error(), "longer than 255") {
			t.Errorf("%s: %v", v.Rule, v.Err)
		}
	}
	for _, item := range d.Plan.Items {
		name := item.Action.Mailbox
		bad := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune("%*\\", r) })
		if bad || !utf8.ValidString(name) || strings.HasPrefix(name, "A/") && strings.Count(name, "/") != 3 {
			t.Errorf("the target %q", name)
		}
	}
}

// TestCorpus evaluates everything for every message, those of the SpamAssassin
// corpus too where "make soak" installed it.
func TestCorpus(t *testing.T) {
	rs := mustCompile(t, everything())
	messages := corpus.Everything(t)
	for _, m := range messages {
		in := sampleInput()
		in.Message = received(m.Raw)
		checkDecision(t, rs.Evaluate(in))
	}
	if len(messages) < 900 {
		t.Errorf("only %d messages found", len(messages))
	}
}
