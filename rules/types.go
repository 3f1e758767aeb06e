package rules

import "github.com/expr-lang/expr/ast"

// kind is a type of the rule language as a user knows it.
type kind int

const (
	// unknownKind is the type of what was already reported: it fits everywhere,
	// so that one mistake is reported once.
	unknownKind kind = iota
	boolKind
	textKind
	numberKind
	timeKind
	durationKind
	addressKind
	recordKind // from, list: usable only with a dot
	listKind
)

// typ is a type; elem is the type of a list's elements.
type typ struct{ kind, elem kind }

func listOf(elem kind) typ { return typ{kind: listKind, elem: elem} }

// String is the type in the words of a problem: "a time".
func (t typ) String() string {
	switch t.kind {
	case boolKind:
		return "a condition"
	case textKind:
		return "a text"
	case numberKind:
		return "a number"
	case timeKind:
		return "a time"
	case durationKind:
		return "a duration"
	case addressKind:
		return "an address"
	case recordKind:
		return "a group of fields"
	case listKind:
		return "a list of " + plural(t.elem)
	default:
		return "unknown"
	}
}

func plural(k kind) string {
	switch k {
	case boolKind:
		return "conditions"
	case textKind:
		return "texts"
	case numberKind:
		return "numbers"
	case timeKind:
		return "times"
	case durationKind:
		return "durations"
	case addressKind:
		return "addresses"
	default:
		return "things"
	}
}

// scalar reports whether values of the type can be compared with ==.
func (t typ) scalar() bool {
	switch t.kind {
	case boolKind, textKind, numberKind, timeKind, durationKind:
		return true
	default:
		return false
	}
}

// fits reports whether a value of type t may stand where want is expected.
func (t typ) fits(want typ) bool {
	if t.kind == unknownKind || want.kind == unknownKind {
		return true
	}
	if t.kind != want.kind {
		return false
	}
	return t.kind != listKind || t.elem == want.elem || t.elem == unknownKind || want.elem == unknownKind
}

// mapChildren returns a copy of a node with each child replaced by what f makes
// of it. Nodes that are not part of the rule language are returned as they are.
func mapChildren(n ast.Node, f func(ast.Node) ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		c := *n
		return &c
	case *ast.IntegerNode:
		c := *n
		return &c
	case *ast.FloatNode:
		c := *n
		return &c
	case *ast.BoolNode:
		c := *n
		return &c
	case *ast.StringNode:
		c := *n
		return &c
	case *ast.PointerNode:
		c := *n
		return &c
	default:
		return mapInner(n, f)
	}
}

func mapInner(n ast.Node, f func(ast.Node) ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		c := *n
		c.Node = f(n.Node)
		return &c
	case *ast.BinaryNode:
		c := *n
		c.Left, c.Right = f(n.Left), f(n.Right)
		return &c
	case *ast.MemberNode:
		c := *n
		c.Node, c.Property = f(n.Node), f(n.Property)
		return &c
	case *ast.CallNode:
		c := *n
		c.Arguments = mapAll(n.Arguments, f)
		return &c
	case *ast.BuiltinNode:
		c := *n
		c.Arguments = mapAll(n.Arguments, f)
		return &c
	case *ast.PredicateNode:
		c := *n
		c.Node = f(n.Node)
		return &c
	case *ast.ConditionalNode:
		c := *n
		c.Cond, c.Exp1, c.Exp2 = f(n.Cond), f(n.Exp1), f(n.Exp2)
		return &c
	case *ast.ArrayNode:
		c := *n
		c.Nodes = mapAll(n.Nodes, f)
		return &c
	default:
		return n
	}
}

func mapAll(nodes []ast.Node, f func(ast.Node) ast.Node) []ast.Node {
	out := make([]ast.Node, len(nodes))
	for i, n := range nodes {
		out[i] = f(n)
	}
	return out
}
