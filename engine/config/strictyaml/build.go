package strictyaml

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// builder turns the parser's tree into ours and refuses what a configuration
// does not need.
type builder struct {
	src      *source
	problems []Problem
	spare    []Node // made, and not in use yet
}

func (b *builder) problem(at Span, message, hint string) {
	if len(b.problems) >= maxProblems {
		return
	}
	b.problems = append(b.problems, Problem{Span: at, Message: message, Hint: hint})
}

// document returns the root of the only document, nil if it holds nothing.
func (b *builder) document(file *ast.File) *Node {
	var root *Node
	documents := 0
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		switch documents++; documents {
		case 1:
			root = b.node(doc.Body, 0)
		case 2:
			b.problem(b.spanOf(doc.Body.GetToken()), "a second YAML document begins here",
				"remove the --- above, or put this part into a file of its own and include it")
		}
	}
	return root
}

func (b *builder) at(kind Kind, t *token.Token) *Node {
	return b.place(kind, t.Position.Line, t.Position.Column)
}

// place makes a node. They are made by the dozen, which costs less than one by one.
func (b *builder) place(kind Kind, line, column int) *Node {
	if len(b.spare) == 0 {
		b.spare = make([]Node, 72)
	}
	n := &b.spare[0]
	b.spare = b.spare[1:]
	n.Kind, n.Line, n.Column, n.src = kind, line, column, b.src
	return n
}

func (b *builder) spanOf(t *token.Token) Span {
	width := len([]rune(strings.SplitN(strings.TrimSpace(t.Origin), "\n", 2)[0]))
	return Span{t.Position.Line, t.Position.Column, max(1, width)}
}

func (b *builder) node(n ast.Node, depth int) *Node {
	if depth > MaxDepth {
		b.problem(b.spanOf(n.GetToken()), tooDeepMessage(), "")
		return b.at(Bad, n.GetToken())
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.mapping(n.Values, n, depth)
	case *ast.MappingValueNode:
		return b.mapping([]*ast.MappingValueNode{n}, n, depth)
	case *ast.SequenceNode:
		return b.sequence(n, depth)
	case *ast.LiteralNode:
		return b.block(n)
	case *ast.StringNode:
		return b.scalar(n.Token, n.Value, String)
	case *ast.IntegerNode:
		return b.scalar(n.Token, n.Token.Value, Integer)
	case *ast.FloatNode:
		return b.scalar(n.Token, n.Token.Value, Float)
	case *ast.InfinityNode:
		return b.scalar(n.Token, n.Token.Value, Float)
	case *ast.NanNode:
		return b.scalar(n.Token, n.Token.Value, Float)
	case *ast.BoolNode:
		return b.scalar(n.Token, n.Token.Value, Bool)
	case *ast.NullNode:
		return b.null(n.Token)
	default:
		return b.refused(n)
	}
}

func (b *builder) mapping(values []*ast.MappingValueNode, n ast.Node, depth int) *Node {
	out := b.at(Mapping, n.GetToken())
	out.Entries = make([]Entry, 0, len(values))
	for i, v := range values {
		key := b.key(v.Key)
		if i == 0 {
			out.Line, out.Column = key.Line, key.Column
		}
		out.Entries = append(out.Entries, Entry{Key: key, Value: b.value(key, v.Value, depth+1)})
	}
	if m, ok := n.(*ast.MappingNode); ok && m.IsFlowStyle && m.Start != nil {
		out.Line, out.Column = m.Start.Position.Line, m.Start.Position.Column
	}
	return out
}

// key is always a plain name here: YAML allows anything.
func (b *builder) key(n ast.MapKeyNode) *Node {
	t := n.GetToken()
	switch n := n.(type) {
	case *ast.StringNode:
		return b.scalar(n.Token, n.Value, String)
	case *ast.MergeKeyNode:
		b.problem(Span{t.Position.Line, t.Position.Column, 2}, "merge keys (<<) are not supported",
			"write the values out")
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return b.scalar(t, t.Value, String)
	default:
		b.problem(b.spanOf(t), complexKey, "")
	}
	return b.at(Bad, t)
}

// value is the value of a key. One that is missing is the key's problem.
func (b *builder) value(key *Node, n ast.Node, depth int) *Node {
	null, isNull := n.(*ast.NullNode)
	if n != nil && !isNull {
		return b.node(n, depth)
	}
	at, message := key.Span(0, 0), fmt.Sprintf("%q has no value", key.Value)
	if isNull && null.Token.Type == token.NullType {
		at, message = b.spanOf(null.Token), fmt.Sprintf("%q is null, which says nothing", key.Value)
	}
	if key.Kind != Bad {
		b.problem(at, message, "write a value, or remove the key")
	}
	return b.place(Bad, at.Line, at.Column)
}

func (b *builder) null(t *token.Token) *Node {
	b.problem(Span{t.Position.Line, max(1, t.Position.Column), 1}, "an empty entry", "write a value, or remove the entry")
	return b.at(Bad, t)
}

func (b *builder) sequence(n *ast.SequenceNode, depth int) *Node {
	out := b.at(Sequence, n.Start)
	out.Items = make([]*Node, 0, len(n.Values))
	for i, v := range n.Values {
		null, isNull := v.(*ast.NullNode)
		if isNull && null.Token.Type == token.ImplicitNullType && i < len(n.Entries) && n.Entries[i].Start != nil {
			out.Items = append(out.Items, b.null(n.Entries[i].Start))
			continue
		}
		out.Items = append(out.Items, b.node(v, depth+1))
	}
	return out
}

func (b *builder) scalar(t *token.Token, value string, typ Type) *Node {
	out := b.at(Scalar, t)
	out.Value, out.Type = value, typ
	switch t.Type {
	case token.SingleQuoteType:
		out.Style = SingleQuoted
	case token.DoubleQuoteType:
		out.Style = DoubleQuoted
	}
	return b.located(out)
}

// located refuses a value that is not what stands in the file: the parser
// drops a tab inside a plain value, and may do worse that nobody saw yet.
func (b *builder) located(n *Node) *Node {
	if strings.ContainsRune(n.Value, filler) {
		n.Kind = Bad
		return n
	}
	if n.locate() {
		return n
	}
	n.Kind = Bad
	if len(b.problems) >= maxProblems {
		return n
	}
	row := b.src.line(n.Line - 1)
	end := max(n.Column, valueEnd(row, min(n.Column-1, len(row)), false))
	b.problem(Span{n.Line, n.Column, end - n.Column + 1}, "this value would not be read as it is written",
		"write it in single quotes, without tabs")
	return n
}

func (b *builder) block(n *ast.LiteralNode) *Node {
	out := b.at(Scalar, n.Start)
	out.Value, out.Style = n.Value.Value, Block
	return b.located(out)
}

// refused is a node that YAML knows and a configuration does not need. Tags,
// anchors and aliases were taken out before.
func (b *builder) refused(n ast.Node) *Node {
	b.problem(b.spanOf(n.GetToken()), "this kind of YAML value is not supported", "")
	return b.at(Bad, n.GetToken())
}
