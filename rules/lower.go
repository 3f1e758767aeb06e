package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"imapilot/rules/facts"
)

// The errors of an expression that its defines make too large.
var (
	errTooLarge     = fmt.Errorf("with its defines filled in the expression has more than %d parts", maxNodes)
	errTooManyLoops = fmt.Errorf("with its defines filled in loops like any() are nested more than %d deep", maxLoops)
)

// lowering rewrites a checked expression into the one that runs: defines are
// filled in, both sides of a comparison of texts are folded, and each fact is
// one name of a flat map. "~" marks the folded form of a fact; no user can
// write it. The nodes that it is given are never changed.
type lowering struct {
	lang  *language
	types map[ast.Node]typ
	nodes int
	loops int   // around the node
	err   error // the first limit that was exceeded
	// domain is set while texts are folded that are compared with a domain or an
	// address, which are in the form that mail clients show.
	domain bool
	used   uses
}

// uses is what an expression reads.
type uses struct {
	facts    []string // the names of facts, folded or not
	lists    []string
	deleted  bool // it names \Deleted
	calendar bool // it depends on the time zone
	nested   bool // it has a loop inside a loop
}

func (l *lowering) lower(n ast.Node) ast.Node {
	if l.exceeded() {
		return n
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if d, ok := l.lang.defines[n.Value]; ok {
			return l.lower(d.node)
		}
		return l.fact(n.Value)
	case *ast.MemberNode:
		return l.member(n, "")
	case *ast.CallNode:
		return l.call(n)
	case *ast.BinaryNode:
		return l.binary(n)
	case *ast.PredicateNode:
		return l.loop(n)
	case *ast.StringNode:
		l.used.deleted = l.used.deleted || strings.EqualFold(n.Value, `\Deleted`)
	}
	return mapChildren(n, l.lower)
}

// exceeded counts a node. Defines that use each other twice grow without end,
// and the loops in them nest where none of them does.
func (l *lowering) exceeded() bool {
	if l.nodes++; l.nodes > maxNodes && l.err == nil {
		l.err = errTooLarge
	}
	return l.err != nil
}

func (l *lowering) loop(n *ast.PredicateNode) ast.Node {
	l.loops++
	l.used.nested = l.used.nested || l.loops > 1
	if l.loops > maxLoops && l.err == nil {
		l.err = errTooManyLoops
	}
	defer func() { l.loops-- }()
	return mapChildren(n, l.lower)
}

// fact is the name of a fact; its folded form has "~" behind it.
func (l *lowering) fact(name string) ast.Node {
	if !slices.Contains(l.used.facts, name) {
		l.used.facts = append(l.used.facts, name)
	}
	l.used.deleted = l.used.deleted || name == "deleted"
	return &ast.IdentifierNode{Value: name}
}

func (l *lowering) member(n *ast.MemberNode, suffix string) ast.Node {
	name := n.Property.(*ast.StringNode).Value
	if base, ok := n.Node.(*ast.IdentifierNode); ok {
		if _, ok := l.lang.fields[base.Value+"."+name]; ok {
			return l.fact(base.Value + "." + name + suffix)
		}
	}
	return &ast.MemberNode{Node: l.lower(n.Node), Property: &ast.StringNode{Value: name + suffix}}
}

func (l *lowering) isText(n ast.Node) bool { return l.types[n].kind == textKind }

func (l *lowering) binary(n *ast.BinaryNode) ast.Node {
	switch n.Operator {
	case "==", "!=", "<", "<=", ">", ">=", "contains", "startsWith", "endsWith", "in":
		if l.isText(n.Left) && (l.isText(n.Right) || n.Operator == "in") {
			defer l.withDomain(n.Left, n.Right)()
			return &ast.BinaryNode{Operator: n.Operator, Left: l.folded(n.Left), Right: l.folded(n.Right)}
		}
	case "*":
		if isWhole(n.Left, l) && isWhole(n.Right, l) {
			return call("times~", l.lower(n.Left), l.lower(n.Right))
		}
	case "+":
		if l.isText(n.Left) {
			return call("concat~", l.lower(n.Left), l.lower(n.Right))
		}
	}
	return mapChildren(n, l.lower)
}

// isWhole reports whether a number has no fraction as far as its form tells.
func isWhole(n ast.Node, l *lowering) bool {
	switch n := n.(type) {
	case *ast.FloatNode:
		return false
	case *ast.BinaryNode:
		return n.Operator != "/" && isWhole(n.Left, l) && isWhole(n.Right, l)
	case *ast.UnaryNode:
		return isWhole(n.Node, l)
	case *ast.ConditionalNode:
		return isWhole(n.Exp1, l) && isWhole(n.Exp2, l)
	case *ast.IdentifierNode:
		d, ok := l.lang.defines[n.Value]
		return !ok || d.node != nil && isWhole(d.node, l)
	default:
		return true
	}
}

// folded lowers a text, or a list of texts, to its folded form.
func (l *lowering) folded(n ast.Node) ast.Node {
	if l.exceeded() {
		return n
	}
	switch n := n.(type) {
	case *ast.StringNode:
		l.lower(n)
		return &ast.StringNode{Value: l.foldText(n.Value)}
	case *ast.ArrayNode:
		return mapChildren(n, l.folded)
	case *ast.ConditionalNode:
		return &ast.ConditionalNode{Ternary: true, Cond: l.lower(n.Cond), Exp1: l.folded(n.Exp1), Exp2: l.folded(n.Exp2)}
	case *ast.IdentifierNode:
		if d, ok := l.lang.defines[n.Value]; ok {
			return l.folded(d.node)
		}
		return l.fact(n.Value + "~")
	case *ast.MemberNode:
		return l.member(n, "~")
	case *ast.CallNode:
		if name := calleeName(n); name == "header" || name == "headers" {
			return l.fact(headerFact(n) + "~")
		}
	}
	if l.types[n].kind == listKind {
		return call("foldall~", l.lower(n))
	}
	return call("fold~", l.lower(n))
}

func call(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
}

// headerFact is the name of the fact that header("X") or headers("X") reads.
func headerFact(n *ast.CallNode) string {
	return calleeName(n) + "." + canonicalHeader(n.Arguments[0].(*ast.StringNode).Value)
}

// canonicalHeader spells a field name one way: "List-Id".
func canonicalHeader(name string) string {
	parts := strings.Split(strings.ToLower(name), "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "-")
}

func (l *lowering) call(n *ast.CallNode) ast.Node {
	name := calleeName(n)
	l.used.calendar = l.used.calendar || l.lang.functions[name].calendar
	switch name {
	case "header", "headers":
		return l.fact(headerFact(n))
	case "under":
		return call(name, l.folded(n.Arguments[0]), &ast.StringNode{Value: fold(facts.UnicodeDomain(n.Arguments[1].(*ast.StringNode).Value))})
	case "capture":
		// The pattern was checked when the call was.
		pattern, _ := regexp.Compile(n.Arguments[1].(*ast.StringNode).Value)
		return call(name, l.lower(n.Arguments[0]), &ast.ConstantNode{Value: pattern})
	case "date":
		t, _ := parseTime(n.Arguments[0].(*ast.StringNode).Value, l.lang.clock.location)
		return &ast.ConstantNode{Value: t}
	case "in_list":
		list := n.Arguments[1].(*ast.StringNode).Value
		l.used.lists = append(l.used.lists, list)
		defer l.withDomain(n.Arguments[0])()
		return &ast.BinaryNode{Operator: "in", Left: l.folded(n.Arguments[0]), Right: &ast.ConstantNode{Value: l.setOf(l.lang.lists[list])}}
	case "has", "glob":
		defer l.withDomain(n.Arguments[0])()
		args := make([]ast.Node, len(n.Arguments))
		for i, a := range n.Arguments {
			args[i] = l.folded(a)
		}
		return l.anyPart(name, args)
	}
	return call(name, mapAll(n.Arguments, l.lower)...)
}

// anyPart writes has(text, "a", "b") as the or of two operators, which cost a
// tenth of a call, where the text is a fact that costs nothing to read again.
func (l *lowering) anyPart(name string, args []ast.Node) ast.Node {
	text, isFact := args[0].(*ast.IdentifierNode)
	if name != "has" || !isFact {
		return call(name, args...)
	}
	var out ast.Node
	for _, part := range args[1:] {
		one := &ast.BinaryNode{Operator: "contains", Left: &ast.IdentifierNode{Value: text.Value}, Right: part}
		if out == nil {
			out = one
			continue
		}
		out = &ast.BinaryNode{Operator: "or", Left: out, Right: one}
	}
	return out
}

func (l *lowering) setOf(list []string) map[string]struct{} {
	out := make(map[string]struct{}, len(list))
	for _, s := range list {
		out[l.foldText(s)] = struct{}{}
	}
	return out
}

// withDomain notes whether one of the nodes is a domain or an address, and
// gives back a function that forgets it.
func (l *lowering) withDomain(nodes ...ast.Node) func() {
	before := l.domain
	l.domain = slices.ContainsFunc(nodes, func(n ast.Node) bool {
		m, ok := n.(*ast.MemberNode)
		if !ok {
			return false
		}
		name, _ := m.Property.(*ast.StringNode)
		return name != nil && (name.Value == "domain" || name.Value == "address")
	})
	return func() { l.domain = before }
}

func (l *lowering) foldText(s string) string {
	if l.domain {
		s = facts.UnicodeDomain(s)
	}
	return fold(s)
}

// filled is an expression with its defines filled in. Where it names none it is
// the node itself, which nobody changes, and not a copy.
func (b *builder) filled(n ast.Node) ast.Node {
	if !b.lang.namesDefine(n) {
		return n
	}
	return (&lowering{lang: &b.lang, types: b.types}).expand(n)
}

// namesDefine reports whether a define stands in an expression.
func (lang *language) namesDefine(n ast.Node) bool {
	if len(lang.defines) == 0 {
		return false
	}
	found := false
	walk(n, func(n ast.Node) {
		id, ok := n.(*ast.IdentifierNode)
		found = found || ok && lang.defines[id.Value] != nil
	})
	return found
}

// expand fills the defines in and changes nothing else.
func (l *lowering) expand(n ast.Node) ast.Node {
	if l.exceeded() {
		return n
	}
	if id, ok := n.(*ast.IdentifierNode); ok {
		// A define that is wrong has no node and stays as its name.
		if d, ok := l.lang.defines[id.Value]; ok && d.node != nil {
			return l.expand(d.node)
		}
	}
	return mapChildren(n, l.expand)
}
