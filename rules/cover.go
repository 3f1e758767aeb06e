package rules

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// coverOf reads the cover of a leaf from its lowered expression.
func coverOf(n ast.Node) cover { return coverScope{}.of(n) }

// coverScope is where an expression stands: in a loop over the elements of a
// list that is a fact, or in none.
type coverScope struct{ list string }

func (c coverScope) of(n ast.Node) cover {
	switch n := n.(type) {
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.BuiltinNode:
		return c.loop(n)
	default:
		return cover{always: true}
	}
}

// loop is the cover of: any(to, .address == "a@example.org"). It is that of the
// condition, which holds of one element at least.
func (c coverScope) loop(n *ast.BuiltinNode) cover {
	if n.Name != "any" && n.Name != "one" || len(n.Arguments) != 2 {
		return cover{always: true}
	}
	list, isFact := n.Arguments[0].(*ast.IdentifierNode)
	body, isLoop := n.Arguments[1].(*ast.PredicateNode)
	if !isFact || !isLoop {
		return cover{always: true}
	}
	return coverScope{list: list.Value}.of(body.Node)
}

func (c coverScope) binary(b *ast.BinaryNode) cover {
	switch b.Operator {
	case "or", "||":
		return c.of(b.Left).either(c.of(b.Right))
	case "and", "&&":
		return c.of(b.Left).both(c.of(b.Right))
	case "==":
		if k, ok := c.key(b.Left, b.Right, false); ok {
			return k
		}
		if k, ok := c.key(b.Right, b.Left, false); ok {
			return k
		}
	case "in":
		return c.in(b)
	case "contains", "startsWith", "endsWith":
		if k, ok := c.key(b.Left, b.Right, true); ok {
			return k
		}
	}
	return cover{always: true}
}

// in is the cover of: fact in [texts], and of: text in fact.
func (c coverScope) in(b *ast.BinaryNode) cover {
	if k, ok := c.key(b.Right, b.Left, false); ok {
		return k
	}
	var texts []ast.Node
	switch list := b.Right.(type) {
	case *ast.ArrayNode:
		texts = list.Nodes
	case *ast.ConstantNode:
		set, ok := list.Value.(map[string]struct{})
		if !ok || len(set) > maxCover {
			return cover{always: true}
		}
		for text := range set {
			texts = append(texts, &ast.StringNode{Value: text})
		}
	}
	if texts == nil {
		return cover{always: true}
	}
	out := cover{}
	for _, t := range texts {
		k, ok := c.key(b.Left, t, false)
		if !ok {
			return cover{always: true}
		}
		out = out.either(k)
	}
	return out
}

// key is the one key of a fact, or of a part of the elements that a loop is
// about, and a text that is written out.
func (c coverScope) key(fact, text ast.Node, contains bool) (cover, bool) {
	k, ok := c.place(fact)
	s, isText := text.(*ast.StringNode)
	if !ok || !isText || contains && s.Value == "" {
		return cover{}, false
	}
	k.contains, k.text = contains, s.Value
	return cover{keys: []coverKey{k}}, true
}

// place is what a key is about: only what is folded, as the texts are.
func (c coverScope) place(n ast.Node) (coverKey, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return coverKey{fact: n.Value}, strings.HasSuffix(n.Value, "~")
	case *ast.MemberNode:
		part, isName := n.Property.(*ast.StringNode)
		element, ofElement := n.Node.(*ast.PointerNode)
		if c.list == "" || !isName || !ofElement || element.Name != "" {
			return coverKey{}, false
		}
		return coverKey{fact: c.list, part: part.Value}, strings.HasSuffix(part.Value, "~")
	default:
		return coverKey{}, false
	}
}
