package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func (r RuleSource) onClock(cron string) RuleSource { r.On, r.Cron = OnSchedule, cron; return r }

func (r RuleSource) onFlags(flags ...string) RuleSource {
	r.On = OnFlags
	for i, f := range flags {
		r.Flags = append(r.Flags, Text{Value: f, Pos: 50 + i})
	}
	return r
}

func (r RuleSource) repeating(d time.Duration) RuleSource { r.Repeat = d; return r }

func TestTriggerFlags(t *testing.T) {
	many := strings.Split(strings.TrimSpace(strings.Repeat("$A ", maxTriggerFlags+1)), " ")
	for _, tt := range []struct {
		rule RuleSource
		pos  int
		want string
		sev  Severity
	}{
		{rule("r", "seen", "trash").onFlags(`\flagged`, "$Todo"), 0, "", 0},
		{rule("r", "seen", "trash").onFlags("$A", `\Deleted`), 51, "about to be removed", Error},
		{rule("r", "seen", "trash").onFlags(`\RECENT`), 50, "belongs to the server", Error},
		{rule("r", "seen", "trash").onFlags(`\*`), 50, "is no flag", Error},
		{rule("r", "seen", "trash").onFlags(`\Stared`), 50, "is not a system flag", Error},
		{rule("r", "seen", "trash").onFlags("a b"), 50, "cannot be a keyword", Error},
		{rule("r", "seen", "trash").onFlags("x-${from.local}"), 50, "cannot hold ${}", Error},
		{rule("r", "seen", "trash").onFlags(""), 50, "is empty", Error},
		{rule("r", "seen", "trash").onFlags("flagged"), 50, "keyword of its own", Warning},
		{rule("r", "seen", "trash").onFlags(), 1, "names no flag", Error},
		{rule("r", "seen", "trash").onFlags(many...), 50 + maxTriggerFlags, "more than 20 flags", Error},
		{RuleSource{On: "weekly", Name: Text{Value: "r"}, If: Text{Value: "seen"}, Then: rule("", "", "trash").Then}, 1, `no trigger "weekly"`, Error},
		{rule("r", "seen", "trash").repeating(time.Hour), 1, "only a rule on a clock", Error},
		{rule("r", "seen", "trash").onFlags(`\Flagged`).repeating(time.Hour), 1, "only a rule on a clock", Error},
		{rule("r", "seen", "trash").onClock("@daily").repeating(time.Hour), 0, "", 0},
	} {
		rs, problems := Compile(baseSource(tt.rule))
		if tt.want == "" {
			if len(problems) > 0 || rs == nil {
				t.Errorf("%v: %+v", tt.rule.Flags, problems)
			}
			continue
		}
		if len(problems) != 1 || problems[0].Pos != tt.pos || problems[0].Severity != tt.sev || !strings.Contains(problems[0].Message, tt.want) {
			t.Errorf("%v: %+v, want %q at %d", tt.rule.Flags, problems, tt.want, tt.pos)
		}
	}
	rs := mustCompile(t, baseSource(rule("r", "seen", "trash").onFlags(`\flagged`, "$Todo")))
	if got := fmt.Sprint(rs.Rules()[0].Flags); got != `[\Flagged $Todo]` {
		t.Errorf("the flags are %s", got)
	}
}

// What asks a rule is no part of what it does, and part of the whole set.
func TestHashesOfTriggers(t *testing.T) {
	plain := rule("r", "seen", "trash")
	seen := map[string]string{}
	for name, r := range map[string]RuleSource{
		"arrival": plain, "daily": plain.onClock("@daily"), "weekly": plain.onClock("@weekly"),
		"daily again": plain.onClock("@daily").repeating(time.Hour), "flagged": plain.onFlags(`\Flagged`), "todo": plain.onFlags("$Todo"),
	} {
		rs := mustCompile(t, baseSource(r))
		if other := seen[rs.Hash()]; other != "" {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[rs.Hash()] = name
		if got, want := rs.Rules()[0].Hash, mustCompile(t, baseSource(plain)).Rules()[0].Hash; got != want {
			t.Errorf("%s: the rule's hash is %s, want %s", name, got, want)
		}
	}
}

// Rules are compared with those that are asked in the same walk.
func TestAnalysisRespectsTriggers(t *testing.T) {
	const unreachable, overlap, filled, circle = "can never be reached", "the moves overlap", "files mail into", "in a circle"
	in, flagged := `from.domain == "x"`, `\Flagged`
	for _, tt := range []struct {
		name  string
		rules []RuleSource
		want  string
		sev   Severity
	}{
		{"arrival and clock", []RuleSource{rule("a", in, "move: X"), rule("b", in, "move: Y").onClock("@daily")}, "", 0},
		{"clock and clock", []RuleSource{rule("a", in, "move: X").onClock("@daily"), rule("b", in, "move: Y").onClock("@daily")}, "", 0},
		{"flag and arrival", []RuleSource{rule("a", in, "move: X").onFlags(flagged), rule("b", in, "move: Y")}, "", 0},
		{"other flags", []RuleSource{rule("a", in, "move: X").onFlags(flagged), rule("b", in, "move: Y").onFlags("$Todo")}, "", 0},
		{"a flag in common", []RuleSource{rule("a", in, "move: X").onFlags(flagged, "$A"), rule("b", in, "move: Y").onFlags("$B", `\flagged`)}, overlap, Warning},

		{"stop on a clock", []RuleSource{rule("a", "true", "trash").stopping().onClock("@daily"), rule("b", "seen", "move: X").onClock("@daily")}, "", 0},
		{"stop on arrival", []RuleSource{rule("a", "true", "trash").stopping(), rule("b", "seen", "move: X").onClock("@daily")}, "", 0},
		{"stop on another flag", []RuleSource{rule("a", "true", "trash").stopping().onFlags(flagged), rule("b", "seen", "add_flags: $x").onFlags("$Todo", flagged)}, "", 0},
		{"stop on all its flags", []RuleSource{rule("a", "true", "trash").stopping().onFlags(flagged, "$Todo"), rule("b", "seen", "add_flags: $x").onFlags("$todo")}, unreachable, Error},

		{"a clock fills for arrival", []RuleSource{rule("a", "seen", "move: X").onClock("@daily"), rule("b", "flagged", "add_flags: $b").inside("X")}, filled, Warning},
		{"arrival fills for a clock", []RuleSource{rule("a", "seen", "move: X"), rule("b", "flagged", "add_flags: $b").inside("X").onClock("@daily")}, "", 0},
		{"arrival fills for a flag", []RuleSource{rule("a", "seen", "move: X"), rule("b", "flagged", "add_flags: $b").inside("X").onFlags(flagged)}, "", 0},

		{"two clocks in a circle", []RuleSource{rule("a", "seen", "move: X").onClock("@daily"), rule("b", "seen", "move: INBOX").inside("X").onClock("@weekly")}, circle, Error},
		{"put off until the morning", []RuleSource{rule("a", "seen", "move: X"), rule("b", "seen", "move: INBOX").inside("X").onClock("@daily")}, circle, Warning},
		{"back by a flag", []RuleSource{rule("a", "seen", "move: X").onClock("@daily"), rule("b", "seen", "move: INBOX").inside("X").onFlags(flagged)}, "", 0},
	} {
		_, problems := Compile(baseSource(tt.rules...))
		at := -1
		for i, p := range problems {
			if tt.want != "" && strings.Contains(p.Message, tt.want) {
				at = i
			}
		}
		switch {
		case tt.want == "" && len(problems) > 0, tt.want != "" && at < 0:
			t.Errorf("%s: %+v, want %q", tt.name, problems, tt.want)
		case at >= 0 && problems[at].Severity != tt.sev:
			t.Errorf("%s: %+v", tt.name, problems[at])
		}
	}
}
