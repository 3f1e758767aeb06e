package rules

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// maxHint is the most characters of what a hint repeats of an expression.
const maxHint = 60

// hintForRecord names a field of a group that stands alone.
func hintForRecord(n ast.Node) string {
	example := "from.address"
	if id, ok := n.(*ast.IdentifierNode); ok {
		for _, f := range Fields() {
			if strings.HasPrefix(f.Name, id.Value+".") {
				example = f.Name
				break
			}
		}
	}
	return "use one of its fields, as in " + example
}

// hintForCondition says how to make a condition of something else.
func hintForCondition(n ast.Node, t typ) string {
	if t.kind == recordKind {
		return hintForRecord(n)
	}
	return "compare it with something, as in " + exampleOf(t)
}

// hintForNumber tells which of the two is written wrongly: the text, which
// should be a number, or the number, which should be a text.
func (c *typeChecker) hintForNumber(number, text ast.Node) string {
	fact := c.factName(number)
	s, limited := c.lang.spans[fact]
	for _, t := range literals(text) {
		_, ok := t.(*ast.StringNode)
		switch {
		case !ok:
		case isNumeral(t):
			return "write the number without quotes"
		case limited && !math.IsInf(s.high, 1):
			return s.words(fact)
		default:
			return "write a number; sizes are written as kb(10) or mb(10)"
		}
	}
	for _, n := range literals(number) {
		if _, ok := signedNumber(n); ok {
			return fmt.Sprintf("write it in quotes: %q", n.String())
		}
	}
	return ""
}

// isNumeral reports whether a node is a number in quotes.
func isNumeral(n ast.Node) bool {
	s, ok := n.(*ast.StringNode)
	if !ok {
		return false
	}
	_, err := strconv.ParseFloat(s.Value, 64)
	return err == nil
}

// noteNot remembers a "not" that stands before a comparison: it binds tighter,
// so that it takes the left side alone.
func (c *typeChecker) noteNot(n *ast.BinaryNode) {
	if !slices.Contains([]string{"==", "!=", "<", "<=", ">", ">=", "contains", "startsWith", "endsWith", "matches", "in"}, n.Operator) {
		return
	}
	inner := n.Left
	for {
		not, ok := inner.(*ast.UnaryNode)
		if !ok || not.Operator != "not" && not.Operator != "!" {
			return
		}
		if c.tight == nil {
			c.tight = map[*ast.UnaryNode]*ast.BinaryNode{}
		}
		c.tight[not] = n
		inner = not.Node
	}
}

// tightNot reports such a "not" once, unless it takes a condition, which can be
// compared.
func (c *typeChecker) tightNot(n *ast.UnaryNode, outer *ast.BinaryNode) typ {
	got := c.check(n.Node)
	if got.kind == unknownKind || got.kind == boolKind {
		return got
	}
	left, right := n.Node.String(), outer.Right.String()
	if utf8.RuneCountInString(left+right) > maxHint {
		return c.report(n, fmt.Sprintf("%q takes only what comes right after it, which is %s", n.Operator, got), "put what it negates in parentheses: not (...)")
	}
	hint := fmt.Sprintf("not (%s %s %s)", left, outer.Operator, right)
	switch outer.Operator {
	case "contains", "startsWith", "endsWith", "matches", "in":
		hint = fmt.Sprintf("%s not %s %s, or %s", left, outer.Operator, right, hint)
	case "==":
		hint = fmt.Sprintf("%s != %s, or %s", left, right, hint)
	}
	return c.report(n, fmt.Sprintf("%q takes only %s, which is %s", n.Operator, left, got), "write "+hint)
}

// hintForMethod writes the call of a method as the language has it.
func (c *typeChecker) hintForMethod(n *ast.CallNode) string {
	const other = "call functions, as in year(received)"
	m, ok := n.Callee.(*ast.MemberNode)
	if !ok {
		return other
	}
	method, ok := m.Property.(*ast.StringNode)
	if !ok {
		return other
	}
	args := []string{m.Node.String()}
	for _, a := range n.Arguments {
		args = append(args, a.String())
	}
	name := ownName(strings.ToLower(method.Value))
	all := strings.Join(args, ", ")
	_, isFunction := c.lang.functions[name]
	switch {
	case utf8.RuneCountInString(all) > maxHint:
		return other
	case isFunction:
		return fmt.Sprintf("write %s(%s)", name, all)
	case isWord(name) && len(args) == 2:
		return fmt.Sprintf("write %s %s %s", args[0], name, args[1])
	default:
		return other
	}
}

// ownName is what a method of other languages is called here, in lower case
// where it is called the same.
func ownName(method string) string {
	return cmpOr(map[string]string{
		"tolower": "lower", "tolowercase": "lower", "toupper": "upper", "touppercase": "upper", "strip": "trim", "length": "len",
		"includes": "contains", "startswith": "startsWith", "hasprefix": "startsWith", "endswith": "endsWith", "hassuffix": "endsWith",
	}[method], method)
}

// mustBeWritten reports an argument that is no text in quotes, and nothing else
// of it: what is wrong inside is the same mistake.
func (c *typeChecker) mustBeWritten(a ast.Node, p param, f Function) {
	before := len(c.issues)
	c.check(a)
	c.issues = c.issues[:before]
	hint := "as in " + f.Example
	if word := bareWord(a); word != "" {
		hint = fmt.Sprintf("write it in quotes: %q", word)
	}
	for {
		b, ok := a.(*ast.BinaryNode)
		if !ok {
			break
		}
		a = b.Left
	}
	c.report(a, fmt.Sprintf("the %s of %s must be written out as one text", p.name, f.Name), hint)
}

// bareWord is a name without quotes, such as X-Spam-Flag, "" for anything else.
func bareWord(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.BinaryNode:
		left, right := bareWord(n.Left), bareWord(n.Right)
		if n.Operator == "-" && left != "" && right != "" {
			return left + "-" + right
		}
	}
	return ""
}
