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
	attachmentKind
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
	case attachmentKind:
		return "an attachment"
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
	case attachmentKind:
		return "attachments"
	default:
		return "things"
	}
}

// element reports whether values of the kind are the elements of lists that a
// condition asks about with any() and the like.
func (k kind) element() bool { return k == addressKind || k == attachmentKind }

// exampleOfElements shows how to ask about such elements.
func exampleOfElements(k kind) string {
	if k == attachmentKind {
		return `any(attachments, .type == "application/pdf")`
	}
	return `any(to, .address == "a@example.org")`
}

// ElementField is a fact of an element of a list, written with a dot inside
// any() and the like.
type ElementField struct {
	Name, Type, Doc string

	typ typ
}

// elementFields are the fields of an element, none for other kinds.
func elementFields(k kind) []ElementField {
	text := typ{kind: textKind}
	var out []ElementField
	switch k {
	case addressKind:
		out = []ElementField{
			{Name: "address", typ: text, Doc: "The whole address."},
			{Name: "domain", typ: text, Doc: `Its part after the "@", as mail clients show it: bücher.example.`},
			{Name: "ascii", typ: text, Doc: "The domain as it is sent: xn--bcher-kva.example."},
			{Name: "local", typ: text, Doc: `Its part before the "@".`},
			{Name: "name", typ: text, Doc: "The name that stands with it, decoded."},
		}
	case attachmentKind:
		out = []ElementField{
			{Name: "name", typ: text, Doc: `Its file name, decoded, without directories, "" if it has none.`},
			{Name: "type", typ: text, Doc: "Its media type: application/pdf."},
			{Name: "size", typ: typ{kind: numberKind}, Doc: "Its size in octets once decoded, estimated."},
			{Name: "inline", typ: typ{kind: boolKind}, Doc: "Whether it is meant to be shown within the text."},
		}
	}
	for i := range out {
		out[i].Type = out[i].typ.String()
	}
	return out
}

// elementField finds one of them.
func elementField(k kind, name string) (typ, bool) {
	for _, f := range elementFields(k) {
		if f.Name == name {
			return f.typ, true
		}
	}
	return typ{}, false
}

func elementNames(k kind) []string {
	var out []string
	for _, f := range elementFields(k) {
		out = append(out, f.Name)
	}
	return out
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

// walk shows f a node and all nodes below it that mapChildren replaces.
func walk(n ast.Node, f func(ast.Node)) {
	f(n)
	switch n := n.(type) {
	case *ast.UnaryNode:
		walk(n.Node, f)
	case *ast.BinaryNode:
		walk(n.Left, f)
		walk(n.Right, f)
	case *ast.MemberNode:
		walk(n.Node, f)
		walk(n.Property, f)
	case *ast.CallNode:
		walkAll(n.Arguments, f)
	case *ast.BuiltinNode:
		walkAll(n.Arguments, f)
	case *ast.PredicateNode:
		walk(n.Node, f)
	case *ast.ConditionalNode:
		walkAll([]ast.Node{n.Cond, n.Exp1, n.Exp2}, f)
	case *ast.ArrayNode:
		walkAll(n.Nodes, f)
	}
}

func walkAll(nodes []ast.Node, f func(ast.Node)) {
	for _, n := range nodes {
		walk(n, f)
	}
}

func mapAll(nodes []ast.Node, f func(ast.Node) ast.Node) []ast.Node {
	out := make([]ast.Node, len(nodes))
	for i, n := range nodes {
		out[i] = f(n)
	}
	return out
}
