package rules

import (
	"fmt"
	"math"

	"github.com/expr-lang/expr/ast"
)

// span is the numbers that a fact can have, both ends included.
type span struct{ low, high float64 }

// spans are those of the facts and functions that do not have every number, by
// their names as doubts has them.
func spans() map[string]span {
	amount := span{0, math.Inf(1)}
	return map[string]span{
		"month()": {1, 12}, "day()": {1, 31}, "hour()": {0, 23},
		"size": amount, ".size": amount, "len()": amount, "count()": amount,
	}
}

// words say what numbers a fact has: "month() is 1 to 12".
func (s span) words(fact string) string {
	if math.IsInf(s.high, 1) {
		return fmt.Sprintf("%s is %v or more", fact, s.low)
	}
	return fmt.Sprintf("%s is %v to %v", fact, s.low, s.high)
}

// answer tells what a comparison with a number gives for all numbers of the
// span; known is not set where it is not the same for all.
func (s span) answer(operator string, n float64) (truth, known bool) {
	below, above := s.high < n, s.low > n // the whole span is
	switch operator {
	case "==", "in":
		return false, below || above
	case "!=":
		return true, below || above
	case "<":
		return below, below || s.low >= n
	case "<=":
		return s.high <= n, s.high <= n || above
	case ">":
		return above, above || s.high <= n
	case ">=":
		return s.low >= n, s.low >= n || below
	}
	return false, false
}

func (c *typeChecker) checkNumber(node ast.Node, fact, operator string, n float64) {
	s, ok := c.lang.spans[fact]
	if !ok {
		return
	}
	truth, known := s.answer(operator, n)
	switch {
	case !known:
	case truth:
		c.warn(node, "this is always true", s.words(fact))
	case operator == "in":
		c.warn(node, "this is never found", s.words(fact))
	default:
		c.warn(node, "this is never true", s.words(fact))
	}
}
