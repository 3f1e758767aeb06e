package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// maxPattern is the most octets of a regular expression or glob.
const maxPattern = 1000

func (c *typeChecker) unary(n *ast.UnaryNode) typ {
	switch n.Operator {
	case "not", "!":
		if outer := c.tight[n]; outer != nil {
			return c.tightNot(n, outer)
		}
		c.want(n.Node, typ{kind: boolKind}, `after "`+n.Operator+`"`)
		return typ{kind: boolKind}
	default:
		return c.want(n.Node, typ{kind: numberKind}, `after "`+n.Operator+`"`)
	}
}

func (c *typeChecker) binary(n *ast.BinaryNode) typ {
	c.noteNot(n)
	switch n.Operator {
	case "and", "or", "&&", "||":
		c.want(n.Left, typ{kind: boolKind}, `before "`+n.Operator+`"`)
		c.want(n.Right, typ{kind: boolKind}, `after "`+n.Operator+`"`)
		return typ{kind: boolKind}
	case "==", "!=", "<", "<=", ">", ">=":
		return c.comparison(n)
	case "contains", "startsWith", "endsWith":
		return c.textOperator(n)
	case "matches":
		return c.matches(n)
	case "in":
		return c.in(n)
	case "+", "-", "*", "/":
		return c.arithmetic(n)
	case "..":
		return c.report(n, "ranges are not part of the language", "compare with >= and <=")
	case "??":
		return c.report(n, `"??" is not part of the language: no field is ever missing`, `compare with ""`)
	default:
		return c.report(n, fmt.Sprintf("%q is not part of the language", n.Operator), "")
	}
}

func (c *typeChecker) comparison(n *ast.BinaryNode) typ {
	result := typ{kind: boolKind}
	l, r := c.check(n.Left), c.check(n.Right)
	ordered := n.Operator != "==" && n.Operator != "!="
	switch {
	case l.kind == unknownKind || r.kind == unknownKind:
	case !l.scalar() || !r.scalar():
		bad, node := l, n.Left
		if l.scalar() {
			bad, node = r, n.Right
		}
		c.report(n, fmt.Sprintf("%q cannot compare %s", n.Operator, bad), hintForCompare(bad, node))
	case l.kind != r.kind:
		c.report(n, fmt.Sprintf("%q cannot compare %s with %s", n.Operator, l, r), c.hintForKinds(l, r, n.Left, n.Right))
	case ordered && l.kind == boolKind:
		c.report(n, fmt.Sprintf("%q cannot compare conditions", n.Operator), "")
	default:
		c.checkPossible(n.Operator, n.Left, n.Right)
		c.checkPossible(mirrored(n.Operator), n.Right, n.Left)
	}
	return result
}

func hintForCompare(t typ, n ast.Node) string {
	switch {
	case t.kind == listKind && t.elem.element():
		return "ask about its elements: " + exampleOfElements(t.elem)
	case t.kind == listKind:
		return `look into it with in: "x" in flags`
	case t.kind == addressKind:
		return "compare its .address or .domain"
	case t.kind == attachmentKind:
		return "compare its .name or .type"
	default:
		return hintForRecord(n)
	}
}

// hintForKinds knows what was meant by two nodes of different types.
func (c *typeChecker) hintForKinds(l, r typ, left, right ast.Node) string {
	has := func(a, b kind) bool { return l.kind == a && r.kind == b || l.kind == b && r.kind == a }
	switch {
	case has(durationKind, numberKind), has(durationKind, textKind):
		return "write a duration as days(30), hours(2) or minutes(5)"
	case has(timeKind, textKind), has(timeKind, numberKind):
		return `write a time as date("2026-01-31"), or compare year(), hour() and the like`
	case has(timeKind, durationKind):
		return "compare age with a duration"
	case l.kind == numberKind && r.kind == textKind:
		return c.hintForNumber(left, right)
	case l.kind == textKind && r.kind == numberKind:
		return c.hintForNumber(right, left)
	default:
		return ""
	}
}

func (c *typeChecker) textOperator(n *ast.BinaryNode) typ {
	l, r := c.check(n.Left), c.check(n.Right)
	text := typ{kind: textKind}
	switch {
	case l.kind == listKind && l.elem == textKind:
		c.report(n, fmt.Sprintf("%q looks into a text, not into a list", n.Operator), `look into a list with in: "x" in flags`)
	case l.kind == listKind:
		c.report(n, fmt.Sprintf("%q looks into a text, not into a list", n.Operator), hintForContains(l.elem))
	case !l.fits(text):
		c.report(n, fmt.Sprintf("%q looks into a text, and this is %s", n.Operator, l), hintForCompareRecord(l, n.Left))
	case r.kind == listKind:
		c.report(n, fmt.Sprintf("%q looks for one text, not for a list", n.Operator), `for several: has(subject, "a", "b")`)
	case !r.fits(text):
		c.report(n, fmt.Sprintf("%q looks for a text, and this is %s", n.Operator, r), "")
	default:
		c.checkPossible(n.Operator, n.Left, n.Right)
	}
	c.checkEmpty(n.Right)
	return typ{kind: boolKind}
}

func hintForContains(elem kind) string {
	if elem == attachmentKind {
		return `ask about its elements: any(attachments, .name contains "x")`
	}
	return `ask about its elements: any(to, .address contains "x")`
}

func hintForCompareRecord(t typ, n ast.Node) string {
	if t.kind == recordKind || t.kind.element() {
		return hintForCompare(t, n)
	}
	return ""
}

// checkEmpty warns of a text that is part of every text.
func (c *typeChecker) checkEmpty(n ast.Node) {
	if s, ok := n.(*ast.StringNode); ok && s.Value == "" {
		c.warn(n, "the empty text is part of every text, so this is always true", `to ask for an empty text compare with == ""`)
	}
}

func (c *typeChecker) matches(n *ast.BinaryNode) typ {
	c.want(n.Left, typ{kind: textKind}, `before "matches"`)
	result := typ{kind: boolKind}
	pattern, ok := n.Right.(*ast.StringNode)
	if !ok {
		c.report(n.Right, "the pattern of matches must be written out as one text", "so that it is checked when the rules are loaded")
		return result
	}
	c.checkPattern(pattern)
	return result
}

// checkPattern checks a regular expression.
func (c *typeChecker) checkPattern(pattern *ast.StringNode) {
	if len(pattern.Value) > maxPattern {
		c.report(pattern, fmt.Sprintf("the pattern has %d octets, more than the %d that one may have", len(pattern.Value), maxPattern), "use a list, or several patterns")
		return
	}
	if _, err := regexp.Compile(pattern.Value); err != nil {
		c.report(pattern, "the pattern is not a valid regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), hintForPattern(pattern.Value))
	}
}

func hintForPattern(p string) string {
	switch {
	case strings.Contains(p, "(?=") || strings.Contains(p, "(?!") || strings.Contains(p, "(?<"):
		return "RE2 has no look-around: combine two patterns with and, not"
	case strings.HasPrefix(p, "*"):
		return "for * and ? as in file names use glob(text, pattern)"
	default:
		return "the syntax is RE2"
	}
}

func (c *typeChecker) in(n *ast.BinaryNode) typ {
	l, r := c.check(n.Left), c.check(n.Right)
	switch {
	case l.kind == unknownKind || r.kind == unknownKind:
	case r.kind == textKind:
		c.report(n, `"in" looks into a list, and this is a text`, "use contains, or in_list(text, \"name\") for a list of the configuration")
	case r.kind != listKind:
		c.report(n, fmt.Sprintf(`"in" looks into a list, and this is %s`, r), "")
	case r.elem.element():
		c.report(n, `"in" cannot look for a text among `+plural(r.elem), "ask about the elements: "+exampleOfElements(r.elem))
	case !l.scalar():
		c.report(n, fmt.Sprintf(`"in" cannot look for %s`, l), hintForCompareRecord(l, n.Left))
	case !l.fits(typ{kind: r.elem}):
		c.report(n, fmt.Sprintf(`"in" cannot find %s among %s`, l, plural(r.elem)), c.hintForKinds(l, typ{kind: r.elem}, n.Left, n.Right))
	default:
		c.checkPossible("in", n.Left, n.Right)
		c.checkPossible("in", n.Right, n.Left)
	}
	return typ{kind: boolKind}
}

func (c *typeChecker) arithmetic(n *ast.BinaryNode) typ {
	l, r := c.check(n.Left), c.check(n.Right)
	if l.kind == unknownKind || r.kind == unknownKind {
		return typ{}
	}
	if result, ok := arithmeticType(n.Operator, l.kind, r.kind); ok {
		if zero, isInt := n.Right.(*ast.IntegerNode); n.Operator == "/" && isInt && zero.Value == 0 {
			return c.report(n, "this divides by zero", "")
		}
		return typ{kind: result}
	}
	hint := c.hintForKinds(l, r, n.Left, n.Right)
	if l.kind == textKind || r.kind == textKind {
		hint = hintForTextMath(n)
	}
	return c.report(n, fmt.Sprintf("%q cannot combine %s with %s", n.Operator, l, r), hint)
}

func hintForTextMath(n *ast.BinaryNode) string {
	switch {
	case n.Operator == "+":
		return "put values into a text with ${} in an argument"
	case isNumeral(n.Left) || isNumeral(n.Right):
		return "write the number without quotes"
	default:
		return fmt.Sprintf("%q works with numbers, as in size %s 2", n.Operator, n.Operator)
	}
}

func arithmeticType(op string, l, r kind) (kind, bool) {
	type pair struct{ l, r kind }
	table := map[string]map[pair]kind{
		"+": {{numberKind, numberKind}: numberKind, {textKind, textKind}: textKind, {timeKind, durationKind}: timeKind,
			{durationKind, timeKind}: timeKind, {durationKind, durationKind}: durationKind},
		"-": {{numberKind, numberKind}: numberKind, {timeKind, timeKind}: durationKind, {timeKind, durationKind}: timeKind,
			{durationKind, durationKind}: durationKind},
		"*": {{numberKind, numberKind}: numberKind},
		"/": {{numberKind, numberKind}: numberKind},
	}
	k, ok := table[op][pair{l, r}]
	return k, ok
}
