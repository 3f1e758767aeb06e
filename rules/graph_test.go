package rules

import (
	"fmt"
	"strings"
	"testing"
)

func TestCircles(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules []RuleSource
		want  string // of the first problem that speaks of a circle
	}{
		{"certain", []RuleSource{rule("out", "seen", "move: A"), rule("back", "seen", "move: INBOX").inside("A")}, `Error the rules move mail in a circle: "out" moves to A, "back" moves to INBOX`},
		{"always", []RuleSource{rule("out", "true", "move: A"), rule("back", "true", "move: inbox").inside("A")}, `Error the rules move mail in a circle: "out" moves to A, "back" moves to inbox`},
		{"not certain", []RuleSource{rule("out", "flagged", "move: A"), rule("back", "seen", "move: INBOX").inside("A")}, `Warning the rules can move mail in a circle: "out" moves to A, "back" moves to INBOX`},
		{"opposite", []RuleSource{rule("out", "seen", "move: A"), rule("back", "not seen", "move: INBOX").inside("A")}, ""},
		{"other values", []RuleSource{rule("out", `from.domain == "a.org"`, "move: A"), rule("back", `from.domain == "b.org"`, "move: INBOX").inside("A")}, ""},
		{"pattern", []RuleSource{rule("out", "seen", "move: Lists/a"), rule("back", "seen", "move: INBOX").inside("Lists/*")}, `Warning the rules can move mail in a circle: "out" moves to Lists/a, "back" moves to INBOX`},
		{"three", []RuleSource{rule("a", "true", "move: A"), rule("b", "true", "move: B").inside("A"), rule("c", "true", "trash").inside("B"), rule("d", "true", "move: INBOX").inside("role:trash")},
			`Error the rules move mail in a circle: "a" moves to A, "b" moves to B, "c" moves to the trash, "d" moves to INBOX`},
		{"role", []RuleSource{rule("a", "true", "archive"), rule("b", "true", "move: INBOX").inside("role:archive")},
			`Error the rules move mail in a circle: "a" moves to role:archive, "b" moves to INBOX`},
		{"role as a target", []RuleSource{rule("a", "true", "move: role:junk"), rule("b", "true", "move: INBOX").inside("role:junk")},
			`Error the rules move mail in a circle: "a" moves to role:junk, "b" moves to INBOX`},
		{"chain", []RuleSource{rule("a", "true", "move: A"), rule("b", "true", "move: B").inside("A")}, ""},
		{"other accounts", []RuleSource{rule("out", "true", "move: A").by("home"), rule("back", "true", "move: INBOX").inside("A").by("work")}, ""},
		{"dry run", []RuleSource{rule("out", "true", "move: A").dry(), rule("back", "true", "move: INBOX").inside("A")}, ""},
	} {
		_, problems := Compile(baseSource(tt.rules...))
		got := ""
		for _, p := range problems {
			if got == "" && strings.Contains(p.Message, "circle") {
				got = map[Severity]string{Error: "Error ", Warning: "Warning "}[p.Severity] + p.Message
			}
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestMoves(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", "seen", "copy: C", "move: L/${list.name}", "add_flags: $x").inside("INBOX", "Work/*"), rule("b", "flagged", "trash"), rule("c", "flagged", "copy: role:junk", "archive")))
	if got := fmt.Sprint(rs.Moves()); got != "[{a INBOX C true} {a Work/* C true} {a INBOX L/${list.name} false} {a Work/* L/${list.name} false} {b INBOX role:trash false} {c INBOX role:junk true} {c INBOX role:archive false}]" {
		t.Error(got)
	}
}

// BenchmarkCompileThousands keeps the analysis of many rules in bounds.
func BenchmarkCompileThousands(b *testing.B) {
	for _, n := range []int{1000, 9000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src := kinds()[0].rules(n, false)
			for b.Loop() {
				if rs, _ := Compile(src); rs == nil {
					b.Fatal("it does not compile")
				}
			}
		})
	}
}
