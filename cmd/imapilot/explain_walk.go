package main

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"imapilot/rules"
)

// walk is the rules that are asked together about a message.
type walk struct {
	rules *rules.Ruleset
	// rule is the one that was named, the zero Rule if none was.
	rule rules.Rule
	// leftOut are those that are asked in other walks, where no rule was named.
	leftOut []rules.Rule
}

// walkOf is the walk that asks a rule, or that of mail that arrives where the
// name is "".
func walkOf(all *rules.Ruleset, name string) walk {
	var w walk
	arrival := func(r rules.Rule) bool { return r.On == rules.OnArrival }
	if i := slices.IndexFunc(all.Rules(), func(r rules.Rule) bool { return r.Name == name }); i >= 0 {
		w.rule = all.Rules()[i]
	} else {
		w.leftOut = slices.DeleteFunc(all.Rules(), arrival)
	}
	switch w.rule.On {
	case rules.OnSchedule:
		w.rules = all.Only(func(r rules.Rule) bool { return r.Name == name })
	case rules.OnFlags:
		w.rules = all.Only(func(r rules.Rule) bool { return r.On == rules.OnFlags && shareFlag(r.Flags, w.rule.Flags) })
	default:
		w.rules = all.Only(arrival)
	}
	return w
}

// shareFlag compares flags without case (RFC 9051 section 2.3.2).
func shareFlag(a, b []imap.Flag) bool {
	return slices.ContainsFunc(a, func(f imap.Flag) bool {
		return slices.ContainsFunc(b, func(g imap.Flag) bool { return strings.EqualFold(string(f), string(g)) })
	})
}

// asked says what asks the rule that was named, "" for mail that arrives.
func (w walk) asked() string {
	switch w.rule.On {
	case rules.OnSchedule:
		return "by the schedule " + w.rule.Cron + ", without other rules"
	case rules.OnFlags:
		return "when somebody adds " + strings.Join(flagWords(w.rule.Flags), " or ")
	}
	return ""
}

// leftOut says in a line that there are other rules.
func (s *screen) leftOut(w walk) {
	clock, flags := 0, 0
	for _, r := range w.leftOut {
		if r.On == rules.OnSchedule {
			clock++
		} else {
			flags++
		}
	}
	var parts []string
	if clock > 0 {
		parts = append(parts, count(clock, "rule")+" on a schedule")
	}
	if flags > 0 {
		parts = append(parts, count(flags, "rule")+" on flags")
	}
	if len(parts) > 0 {
		if !strings.HasSuffix(s.b.String(), "\n\n") {
			s.gap()
		}
		s.line("Left out: ", plain, strings.Join(parts, ", ")+"; --rule NAME explains one.")
	}
}
