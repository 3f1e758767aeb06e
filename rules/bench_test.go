package rules

import (
	"fmt"
	"testing"
)

func BenchmarkCompile(b *testing.B) {
	src := kinds()[0].rules(100, false)
	for b.Loop() {
		if rs, _ := Compile(src); rs == nil {
			b.Fatal("it does not compile")
		}
	}
}

// ruleKind is a condition that real rule sets have by the hundred.
type ruleKind struct{ name, condition, matching string }

// kinds are those that the index knows; each matching one is true of the sample.
func kinds() []ruleKind {
	return []ruleKind{
		{"domain", `from.domain == "d%d.example.org"`, `from.domain == "mail.example.org"`},
		{"in", `from.domain in ["d%d.example.org", "e%[1]d.example.org"]`, `from.domain in ["a.example.org", "mail.example.org"]`},
		{"contains", `subject contains "word%d"`, `subject contains "invoice"`},
		{"any", `any(to, .address == "u%d@example.org")`, `any(to, .address == "you@example.com")`},
	}
}

// rules are n of a kind, of which one may be true of the sample.
func (k ruleKind) rules(n int, match bool) Source {
	var list []RuleSource
	for i := range n {
		condition := fmt.Sprintf(k.condition, i)
		if match && i == n/2 {
			condition = k.matching
		}
		list = append(list, rule(fmt.Sprint("r", i), condition, fmt.Sprint("move: D", i)))
	}
	return baseSource(list...)
}

// BenchmarkEvaluateEverything reads a message and asks about every field and
// function of the language.
func BenchmarkEvaluateEverything(b *testing.B) {
	rs := mustCompile(b, everything())
	in := sampleInput()
	in.Every = false
	b.ReportAllocs()
	for b.Loop() {
		in.Message = received([]byte(sampleHeader + sampleBody))
		rs.Evaluate(in)
	}
}
