//go:build unix

package rules

import (
	"fmt"
	"testing"
	"time"
)

// maxGrowth is how many times as long a thousand rules may take as ten.
const maxGrowth = 3

// BenchmarkEvaluateMany is one message against so many rules of one kind, none
// of which is true of it, or one. It fails where a thousand cost more than
// maxGrowth times what ten cost.
func BenchmarkEvaluateMany(b *testing.B) {
	for _, kind := range kinds() {
		for _, match := range []bool{false, true} {
			cost := map[int]time.Duration{}
			for _, n := range []int{10, 100, 1000} {
				name := fmt.Sprintf("%s/match=%v/%d", kind.name, match, n)
				b.Run(name, func(b *testing.B) { cost[n] = evaluateMany(b, kind.rules(n, match)) })
			}
			if cost[10] > 0 && cost[1000] > maxGrowth*cost[10] {
				b.Errorf("%s, match=%v: 1000 rules take %v, 10 take %v", kind.name, match, cost[1000], cost[10])
			}
		}
	}
}

// evaluateMany returns the processor time of one evaluation.
func evaluateMany(b *testing.B, src Source) time.Duration {
	rs := mustCompile(b, src)
	in := sampleInput()
	in.Every = false
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		rs.Evaluate(in)
	}
	cost := (processorTime(b) - before) / time.Duration(b.N)
	b.ReportMetric(float64(cost), "cpu-ns/op")
	return cost
}
