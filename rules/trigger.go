package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// maxTriggerFlags is how many flags may ask one rule.
const maxTriggerFlags = 20

// checkTrigger checks when a rule is asked.
func (b *builder) checkTrigger(r RuleSource) {
	switch {
	case !slices.Contains([]Trigger{"", OnArrival, OnSchedule, OnFlags}, r.On):
		b.problem(r.Name.Pos, Error, fmt.Sprintf("there is no trigger %q", r.On), "it is arrival, schedule or flags")
	case r.On == OnFlags && len(r.Flags) == 0:
		b.problem(r.Name.Pos, Error, "nothing asks the rule: it names no flag", `as in on: {flags: ['\Flagged']}`)
	case len(r.Flags) > maxTriggerFlags:
		b.problem(r.Flags[maxTriggerFlags].Pos, Error, fmt.Sprintf("more than %d flags ask the rule", maxTriggerFlags), "write a second rule for the others")
	}
	if r.Repeat < 0 || r.Repeat > 0 && r.On != OnSchedule {
		b.problem(r.Name.Pos, Error, "only a rule on a clock can repeat what it does", "take repeat: out of the rule")
	}
	for _, f := range r.Flags {
		switch flag, message, hint := triggerFlag(f.Value); {
		case flag == "":
			b.problem(f.Pos, Error, message, hint)
		case message != "":
			b.problem(f.Pos, Warning, message, hint)
		}
	}
}

// triggerFlag checks a flag whose addition asks a rule, and gives it as it is
// spelled in RFC 9051 section 2.3.2.
func triggerFlag(name string) (flag imap.Flag, message, hint string) {
	switch {
	case strings.Contains(name, "${"):
		return "", "on: names flags and cannot hold ${}", `write it out, as in '\Flagged' or $Todo`
	case strings.EqualFold(name, `\Deleted`):
		return "", `\Deleted asks no rule: a message that carries it is about to be removed`, `use another flag, as in '\Flagged' or $Todo`
	case strings.EqualFold(name, `\Recent`):
		return "", `\Recent belongs to the server, which sets it on what is new`, "for new mail leave on: out"
	case name == `\*`:
		return "", `\* is no flag: with it a server says that keywords can be made`, "name the flags one by one"
	}
	return literalFlag(name, true)
}

// triggerFlags are flags that were checked.
func triggerFlags(list []Text) []imap.Flag {
	var out []imap.Flag
	for _, t := range list {
		flag, _, _ := triggerFlag(t.Value)
		out = append(out, flag)
	}
	return out
}

// asked is what a rule says of when it is asked, for the hash of a set.
func (r Rule) asked() string {
	return fmt.Sprint(r.On, r.Flags, r.Cron, r.Repeat)
}

// arrives reports whether a rule is asked about mail that arrives.
func (r RuleSource) arrives() bool { return r.On == "" || r.On == OnArrival }

// meet reports whether one walk can ask both rules. A rule on a clock is a walk
// of its own, and those on flags meet where one flag asks both.
func meet(x, y RuleSource) bool {
	switch {
	case x.arrives() || y.arrives():
		return x.arrives() && y.arrives()
	case x.On == OnFlags && y.On == OnFlags:
		return slices.ContainsFunc(x.Flags, func(f Text) bool { return hasText(y.Flags, f.Value) })
	}
	return false
}

// alwaysMeet reports whether every walk that asks y asks x too.
func alwaysMeet(x, y RuleSource) bool {
	return meet(x, y) && !slices.ContainsFunc(y.Flags, func(f Text) bool { return !hasText(x.Flags, f.Value) })
}

// hasText compares without case, as flags are compared.
func hasText(list []Text, value string) bool {
	return slices.ContainsFunc(list, func(t Text) bool { return strings.EqualFold(t.Value, value) })
}
