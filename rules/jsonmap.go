package rules

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// mapReader reads a document that is written as one expression that gives a map, as in
// {"title": subject, "labels": ["mail", list.name]}. Only here does the language have
// maps: each becomes an object when the configuration is read, and what stands in it is
// an expression like any other.
type mapReader struct {
	b    *builder
	text Text
	d    *draftAction
	left int // values that it may still have
}

// isMapText reports whether a document is one text without ${expressions}.
func isMapText(doc Document) bool {
	return doc.Text != nil && !strings.Contains(doc.Text.Value, "${")
}

// checkMapWithValues refuses an object that is written as a text around ${expressions}:
// it would be sent as a text.
func (b *builder) checkMapWithValues(doc Document) {
	if doc.Text != nil && !isMapText(doc) && strings.HasPrefix(strings.TrimSpace(doc.Text.Value), "{") {
		b.problem(doc.Text.Pos, Error, "json: is a text with ${}, and would be sent as a text", `an expression that gives a map has no ${} and no quotes around fields: '{"title": subject}'`)
	}
}

func (b *builder) checkMap(text Text, d *draftAction) document {
	e, issues := parse(text.Value, b.parser)
	b.add(text.Pos, 0, issues)
	m := &mapReader{b: b, text: text, d: d, left: maxMembers}
	switch e.node.(type) {
	case nil:
		return document{}
	case *ast.MapNode:
		return m.value(e.node, maxJSONDeep)
	}
	b.problem(text.Pos, Error, "json: is an expression that gives no map", `as in '{"title": subject}', or as YAML: {title: '${subject}'}`)
	return document{}
}

func (m *mapReader) value(n ast.Node, deep int) document {
	if m.left--; deep == 0 || m.left < 0 {
		if m.left == -1 || deep == 0 {
			m.b.problem(m.text.Pos, Error, tooMuchJSON(), "")
		}
		return document{}
	}
	switch n := n.(type) {
	case *ast.MapNode:
		return m.object(n, deep)
	case *ast.ArrayNode:
		out := document{isArray: true}
		for _, item := range n.Nodes {
			out.values = append(out.values, m.value(item, deep-1))
		}
		return out
	case *ast.NilNode:
		return document{}
	}
	m.d.args = append(m.d.args, m.leaf(n))
	return document{arg: len(m.d.args) - 1}
}

func (m *mapReader) object(n *ast.MapNode, deep int) document {
	out, seen := document{names: []string{}}, map[string]bool{}
	for _, pair := range n.Pairs {
		pair := pair.(*ast.PairNode)
		key, ok := pair.Key.(*ast.StringNode)
		switch {
		case !ok:
			m.problem(pair.Key, "the name of a member is no text", `a message cannot choose it: as in {"title": subject}`)
			continue
		case seen[key.Value]:
			m.problem(key, fmt.Sprintf("%q is set twice", key.Value), "keep one of them")
		}
		seen[key.Value] = true
		out.names = append(out.names, key.Value)
		out.values = append(out.values, m.value(pair.Value, deep-1))
	}
	return out
}

func (m *mapReader) problem(n ast.Node, message, hint string) {
	i := issueAt(m.text.Value, n.Location())
	i.message, i.hint = message, hint
	m.b.add(m.text.Pos, 0, []issue{i})
}

// leaf is an expression within a document, as if it stood in ${} alone.
func (m *mapReader) leaf(n ast.Node) draftArgument {
	e := expression{text: m.text.Value, node: n}
	m.b.checkExpression(&e, m.text.Pos, 0)
	if e.node == nil {
		return draftArgument{text: m.text}
	}
	e.text = n.String()
	d := draftArgument{text: Text{Value: "${" + e.text + "}", Pos: m.text.Pos}}
	if hasJSON(e.typ) || m.b.checkPrintable(e, m.text.Pos, issueAt(m.text.Value, n.Location()).offset) {
		d.segments = []segment{{isExpr: true, expression: e}}
	}
	return d
}
