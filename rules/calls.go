package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// calleeName is the name of the function that is called, "" if it is none.
func calleeName(n *ast.CallNode) string {
	if id, ok := n.Callee.(*ast.IdentifierNode); ok {
		return id.Value
	}
	return ""
}

func (c *typeChecker) call(n *ast.CallNode) typ {
	name := calleeName(n)
	if name == "" {
		c.checkArguments(n.Arguments)
		return c.report(n, "methods are not part of the language", c.hintForMethod(n))
	}
	f, ok := c.lang.functions[name]
	if !ok {
		c.checkArguments(n.Arguments)
		return c.unknownFunction(n, name)
	}
	return c.arguments(n, f, n.Arguments)
}

func (c *typeChecker) checkArguments(args []ast.Node) {
	for _, a := range args {
		if _, predicate := a.(*ast.PredicateNode); !predicate {
			c.check(a)
		}
	}
}

func (c *typeChecker) unknownFunction(n ast.Node, name string) typ {
	if _, ok := c.lang.fields[name]; ok || c.isRecord(name) {
		return c.report(n, name+" is a field, not a function", "write it without parentheses")
	}
	hint := cmpOr(c.hintForEach(name), laterFunction(name))
	if hint == "" {
		names := make([]string, 0, len(c.lang.functions))
		for f := range c.lang.functions {
			names = append(names, f)
		}
		slices.Sort(names)
		hint = didYouMean(name, names)
	}
	return c.report(n, fmt.Sprintf("unknown function %q", name), hint)
}

func laterFunction(name string) string {
	switch strings.ToLower(name) {
	case "now":
		return "use age, the time since received"
	case "duration":
		return "use minutes(5), hours(2), days(30) or weeks(2)"
	case "reduce", "repeat", "sum", "sortby", "groupby", "split", "replace", "join", "concat":
		return "it is not part of the language"
	case "first", "last", "find", "get":
		return `use any(cc, .address == "a@example.org")`
	case "between":
		return `use within(received, "22:00", "06:00")`
	case "subdomain", "domain":
		return `use under(from.domain, "example.org")`
	case "hasprefix":
		return "use startsWith"
	case "hassuffix":
		return "use endsWith"
	case "indexof":
		return "use contains"
	case "gb":
		return "use mb(1024)"
	default:
		return ""
	}
}

// arguments checks the number and the types of what a function is given.
func (c *typeChecker) arguments(n ast.Node, f Function, args []ast.Node) typ {
	if len(args) < len(f.params) || len(args) > len(f.params) && !f.variadic {
		c.checkArguments(args)
		c.report(n, fmt.Sprintf("%s takes %s, not %d", f.Name, countOf(f), len(args)), "as in "+f.Example)
		return f.result
	}
	before := len(c.issues)
	for i, a := range args {
		p := f.params[min(i, len(f.params)-1)]
		if s, ok := a.(*ast.StringNode); p.constant && !ok {
			c.mustBeWritten(a, p, f)
		} else if got := c.check(a); !got.fits(p.typ) && f.Name != "len" {
			c.report(a, fmt.Sprintf("%s takes %s here, and this is %s", f.Name, p.typ, got), hintForArgument(f, got, a))
		} else if p.constant && len(s.Value) > maxPattern {
			c.report(a, fmt.Sprintf("the %s of %s is longer than %d octets", p.name, f.Name, maxPattern), "")
		}
	}
	if len(c.issues) == before {
		c.constants(n, f, args)
	}
	return f.result
}

func hintForArgument(f Function, got typ, n ast.Node) string {
	if got.kind == recordKind {
		return hintForRecord(n)
	}
	if got.kind == listKind && f.Name == "has" {
		return `give the parts one by one: has(subject, "a", "b"); for a list of addresses use any()`
	}
	if got.kind == textKind && f.calendar {
		return `write a time as date("2026-01-31")`
	}
	return "as in " + f.Example
}

func countOf(f Function) string {
	n := len(f.params)
	words := fmt.Sprintf("%d arguments", n)
	if n == 1 {
		words = "one argument"
	}
	if f.variadic {
		words = fmt.Sprintf("%d arguments or more", n)
	}
	return words
}

// constants checks what is known at load of the arguments that are written out.
func (c *typeChecker) constants(n ast.Node, f Function, args []ast.Node) {
	text := func(i int) string { return args[i].(*ast.StringNode).Value }
	switch f.Name {
	case "has":
		for _, a := range args[1:] {
			c.checkEmpty(a)
			c.checkPossible("contains", args[0], a)
		}
	case "in_list":
		if _, ok := c.lang.lists[text(1)]; !ok {
			c.report(args[1], fmt.Sprintf("there is no list %q", text(1)), cmpOr(didYouMean(text(1), c.listNames()), "add it under lists:"))
		}
	case "minutes", "hours", "days", "weeks", "kb", "mb":
		c.checkAmount(f, args[0])
	case "under":
		c.checkDomain(args[1].(*ast.StringNode))
	case "capture":
		c.checkCapture(args[1].(*ast.StringNode))
	case "within":
		c.checkSpan(args[1], args[2])
	case "header", "headers":
		if !isHeaderName(text(0)) {
			c.report(args[0], fmt.Sprintf("%q is not the name of a header field", text(0)), `as in header("X-Spam-Flag")`)
		}
	case "date":
		if _, ok := parseTime(text(0), c.lang.clock.location); !ok {
			c.report(args[0], fmt.Sprintf("%q is not a date", text(0)), `write "2026-01-31" or "2026-01-31 18:30"`)
		}
	case "format":
		if err := layout(text(1)).check(); err != nil {
			c.report(args[1], err.Error(), `as in format(received, "%Y-%m")`)
		}
	case "len":
		if t := c.types[args[0]]; t.kind != unknownKind && t.kind != listKind && t.kind != textKind {
			c.report(n, fmt.Sprintf("len counts a list or a text, and this is %s", t), "")
		}
	}
}

// checkAmount refuses amounts that no message can have: they are mistakes, and
// larger ones than can be reckoned with.
func (c *typeChecker) checkAmount(f Function, n ast.Node) {
	v, ok := signedNumber(n)
	most, unit := map[string]float64{
		"minutes": 100 * 365 * 24 * 60, "hours": 100 * 365 * 24, "days": 100 * 365, "weeks": 100 * 52, "kb": 1 << 30, "mb": 1 << 20,
	}[f.Name], map[string]string{"kb": "1 TiB", "mb": "1 TiB"}[f.Name]
	switch {
	case !ok:
	case v < 0:
		c.report(n, f.Name+" of less than nothing", "subtract instead: date(\"2026-02-01\") - days(1)")
	case v > most:
		c.report(n, fmt.Sprintf("this is more than %s", cmpOr(unit, "100 years")), "as in "+f.Example)
	}
}

// signedNumber is the value of a number that is written out, with its sign.
func signedNumber(n ast.Node) (float64, bool) {
	if u, ok := n.(*ast.UnaryNode); ok && (u.Operator == "-" || u.Operator == "+") {
		v, ok := numberOf(u.Node)
		if u.Operator == "-" {
			v = -v
		}
		return v, ok
	}
	return numberOf(n)
}

func (c *typeChecker) checkDomain(n *ast.StringNode) {
	switch {
	case n.Value == "":
		c.report(n, "the domain is empty", `as in under(from.domain, "example.org")`)
	case strings.ContainsAny(n.Value, "@*/ ") || strings.HasPrefix(n.Value, "."):
		c.report(n, fmt.Sprintf("%q is not a domain", n.Value), `write it as "example.org", without @, * or a dot in front`)
	}
}

func (c *typeChecker) checkCapture(n *ast.StringNode) {
	before := len(c.issues)
	if c.checkPattern(n); len(c.issues) > before {
		return
	}
	if re := regexp.MustCompile(n.Value); re.NumSubexp() == 0 {
		c.report(n, "the pattern has no group", `put parentheses around what you want: capture(subject, "#([0-9]+)")`)
	}
}

func (c *typeChecker) checkSpan(from, to ast.Node) {
	a, okA := clockTime(from.(*ast.StringNode).Value)
	b, okB := clockTime(to.(*ast.StringNode).Value)
	for _, n := range []ast.Node{from, to} {
		if s := n.(*ast.StringNode).Value; !isClockTime(s) {
			c.report(n, fmt.Sprintf("%q is no time of day", s), `write it as "22:00"`)
		}
	}
	if okA && okB && a == b {
		c.report(to, "the two times are the same, so nothing lies between them", "")
	}
}

func (c *typeChecker) listNames() []string {
	out := make([]string, 0, len(c.lang.lists))
	for name := range c.lang.lists {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// isHeaderName is RFC 5322 section 2.2, and short enough to ask a server for.
func isHeaderName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`:"\(){`, s[i]) >= 0 {
			return false
		}
	}
	return s != "" && len(s) <= 76
}

// loop checks expr's own functions: those over a list, and len and the like.
func (c *typeChecker) loop(n *ast.BuiltinNode) typ {
	f, ok := c.lang.functions[n.Name]
	if !ok {
		c.checkArguments(n.Arguments)
		return c.unknownFunction(n, n.Name)
	}
	if !f.lazy {
		return c.arguments(n, f, n.Arguments)
	}
	if len(n.Arguments) != 2 {
		c.checkArguments(n.Arguments)
		c.report(n, fmt.Sprintf("%s takes a list and a condition", n.Name), "as in "+f.Example)
		return f.result
	}
	list := c.check(n.Arguments[0])
	if list.kind != listKind && list.kind != unknownKind {
		c.report(n.Arguments[0], fmt.Sprintf("%s takes a list here, and this is %s", n.Name, list), "as in "+f.Example)
		return f.result
	}
	return c.eachElement(n, f, list)
}

func (c *typeChecker) eachElement(n *ast.BuiltinNode, f Function, list typ) typ {
	if len(c.scope) >= maxLoops {
		return c.report(n, fmt.Sprintf("loops like %s cannot be nested more than %d deep", n.Name, maxLoops), "")
	}
	body, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return c.report(n, fmt.Sprintf("%s takes a condition about each element", n.Name), "as in "+f.Example)
	}
	c.scope = append(c.scope, typ{kind: list.elem})
	defer func() { c.scope = c.scope[:len(c.scope)-1] }()
	if n.Name == "map" {
		result := c.check(body.Node)
		if result.kind != unknownKind && !result.scalar() {
			return c.report(n, fmt.Sprintf("map cannot make a list of %s", plural(result.kind)), "as in "+f.Example)
		}
		return listOf(result.kind)
	}
	c.want(body.Node, typ{kind: boolKind}, "about each element")
	if n.Name == "filter" {
		return list
	}
	return f.result
}
