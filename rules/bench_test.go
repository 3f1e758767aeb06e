package rules

import (
	"fmt"
	"testing"
)

func BenchmarkCompile(b *testing.B) {
	src := senders(100)
	for b.Loop() {
		if rs, _ := Compile(src); rs == nil {
			b.Fatal("it does not compile")
		}
	}
}

func senders(n int) Source {
	var list []RuleSource
	for i := range n {
		list = append(list, rule(fmt.Sprint("r", i), fmt.Sprintf("from.domain == \"d%d.example.org\"", i), fmt.Sprint("move: D", i)))
	}
	return baseSource(list...)
}

// BenchmarkEvaluateSenders is one message against so many sender rules.
func BenchmarkEvaluateSenders(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rs := mustCompile(b, senders(n))
			in := sampleInput()
			in.Every = false
			b.ReportAllocs()
			for b.Loop() {
				rs.Evaluate(in)
			}
		})
	}
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
