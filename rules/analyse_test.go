package rules

import (
	"strings"
	"testing"
)

func TestAnalysis(t *testing.T) {
	const unreachable = "the rule can never be reached"
	const overlap = "the moves overlap"
	const filled = "files mail into"
	for _, tt := range []struct {
		name  string
		rules []RuleSource
		pos   int
		want  string // "" for no problem
		sev   Severity
	}{
		{"after always", []RuleSource{rule("a", "true", "trash").stopping(), rule("b", "seen", "move: X")}, 101, unreachable, Error},
		{"after always by a define", []RuleSource{rule("a", "always", "trash").stopping(), rule("b", "seen", "move: X")}, 101, unreachable, Error},
		{"after the same", []RuleSource{rule("a", "seen and flagged", "add_flags: $a").stopping(), rule("b", "flagged and seen and draft", "move: X")}, 101, unreachable, Error},
		{"after a wider place", []RuleSource{rule("a", "true", "trash").inside("*").stopping(), rule("b", "seen", "move: X").inside("Lists/*")}, 101, unreachable, Error},
		{"after another place", []RuleSource{rule("a", "true", "trash").stopping(), rule("b", "seen", "move: X").inside("Junk")}, 0, "", 0},
		{"after half of the places", []RuleSource{rule("a", "true", "trash").stopping(), rule("b", "seen", "move: X").inside("INBOX", "Junk")}, 0, "", 0},
		{"after another account", []RuleSource{rule("a", "true", "trash").by("home").stopping(), rule("b", "seen", "move: X")}, 0, "", 0},
		{"after all accounts", []RuleSource{rule("a", "true", "trash").by("home", "work").stopping(), rule("b", "seen", "move: X")}, 101, unreachable, Error},
		{"after a dry one", []RuleSource{rule("a", "true", "add_flags: $a").stopping().dry(), rule("b", "seen", "move: X")}, 0, "", 0},
		{"names deleted", []RuleSource{rule("a", "true", "add_flags: $a").stopping(), rule("b", "deleted", "move: X")}, 0, "", 0},
		{"without stop", []RuleSource{rule("a", "true", "add_flags: $a"), rule("b", "seen", "move: X")}, 0, "", 0},

		{"same condition, two places", []RuleSource{rule("a", `from.domain == "x"`, "move: X"), rule("b", `from.domain == "x"`, "move: Y")}, 101, overlap, Warning},
		{"one implies the other", []RuleSource{rule("a", `from.domain == "x" and seen`, "move: X"), rule("b", `seen`, "trash")}, 101, overlap, Warning},
		{"one is always", []RuleSource{rule("a", `from.domain == "x"`, "move: X"), rule("b", `true`, "trash")}, 101, overlap, Warning},
		{"something in common", []RuleSource{rule("a", `list.id == "x" and seen`, "move: X"), rule("b", `list.id == "x" and has(subject, "y")`, "move: Y")}, 101, overlap, Warning},
		{"a flag in common", []RuleSource{rule("a", `seen and has(subject, "x")`, "move: X"), rule("b", `seen and has(subject, "y")`, "move: Y")}, 0, "", 0},
		{"exclude each other", []RuleSource{rule("a", `list.id == "x" and seen`, "move: X"), rule("b", `list.id == "x" and not seen`, "move: Y")}, 0, "", 0},
		{"other values", []RuleSource{rule("a", `not seen and from.domain == "x"`, "move: X"), rule("b", `not seen and from.domain == "y"`, "move: Y")}, 0, "", 0},
		{"one place", []RuleSource{rule("a", `seen`, "move: X"), rule("b", `seen and flagged`, "move: X")}, 0, "", 0},
		{"stopped", []RuleSource{rule("a", `from.domain == "x"`, "move: X").stopping(), rule("b", `true`, "move: Y")}, 0, "", 0},
		{"move and copy", []RuleSource{rule("a", `seen`, "move: X"), rule("b", `seen`, "copy: Y")}, 0, "", 0},
		{"other mailboxes", []RuleSource{rule("a", `seen`, "move: X"), rule("b", `seen`, "move: Y").inside("Z")}, 0, "", 0},
		{"unrelated", []RuleSource{rule("a", `from.domain == "x"`, "move: X"), rule("b", `has(subject, "y")`, "move: Y")}, 0, "", 0},

		{"filled by a move", []RuleSource{rule("a", `seen`, "move: Lists/go"), rule("b", `flagged`, "add_flags: $b").inside("Lists/*")}, 110, filled, Warning},
		{"filled by trash", []RuleSource{rule("a", `seen`, "trash"), rule("b", `flagged`, "add_flags: $b").inside("role:trash")}, 110, filled, Warning},
		{"filled inbox", []RuleSource{rule("a", `seen`, "copy: INBOX").inside("Junk"), rule("b", `flagged`, "add_flags: $b")}, 101, filled, Warning},
		{"seen on its way", []RuleSource{rule("a", `seen`, "move: Lists/go"), rule("b", `flagged`, "add_flags: $b").inside("*")}, 0, "", 0},
		{"filled in another account", []RuleSource{rule("a", `seen`, "move: X").by("home"), rule("b", `flagged`, "add_flags: $b").inside("X").by("work")}, 0, "", 0},
	} {
		src := baseSource(tt.rules...)
		src.Define = []DefineSource{{Text{Value: "always"}, Text{Value: "true"}}}
		rs, problems := Compile(src)
		if tt.want == "" {
			if len(problems) > 0 || rs == nil {
				t.Errorf("%s: %+v", tt.name, problems)
			}
			continue
		}
		if len(problems) != 1 || problems[0].Pos != tt.pos || problems[0].Severity != tt.sev || !strings.Contains(problems[0].Message, tt.want) || problems[0].Hint == "" {
			t.Errorf("%s: %+v, want %d %q", tt.name, problems, tt.pos, tt.want)
		}
		if (rs == nil) != (tt.sev == Error) {
			t.Errorf("%s: rule set is nil: %v", tt.name, rs == nil)
		}
	}
}
