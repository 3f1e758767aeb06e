package rules

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// canonical prints an expression with a bracket around every part, so that two
// expressions print alike only if they are the same. Hashes and the sharing of
// leaves rest on it, which is why it is ours: it must not change with expr.
func canonical(n ast.Node) string {
	return string(appendCanonical(make([]byte, 0, 64), n))
}

func appendCanonical(out []byte, n ast.Node) []byte {
	switch n := n.(type) {
	case *ast.BoolNode:
		return strconv.AppendBool(out, n.Value)
	case *ast.IntegerNode:
		return strconv.AppendInt(out, int64(n.Value), 10)
	case *ast.FloatNode:
		return strconv.AppendFloat(append(out, "float "...), n.Value, 'g', -1, 64)
	case *ast.StringNode:
		return strconv.AppendQuote(out, n.Value)
	case *ast.IdentifierNode:
		return append(out, n.Value...)
	case *ast.PointerNode:
		return append(out, '#')
	case *ast.UnaryNode:
		return appendParts(out, synonym(n.Operator), n.Node)
	case *ast.BinaryNode:
		return appendParts(out, synonym(n.Operator), n.Left, n.Right)
	case *ast.MemberNode:
		return appendParts(out, ".", n.Node, n.Property)
	case *ast.CallNode:
		return appendParts(out, "call", slices.Concat([]ast.Node{n.Callee}, n.Arguments)...)
	case *ast.BuiltinNode:
		return appendParts(out, "each "+n.Name, n.Arguments...)
	case *ast.PredicateNode:
		return appendParts(out, "do", n.Node)
	case *ast.ConditionalNode:
		return appendParts(out, "?", n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		return appendParts(out, "list", n.Nodes...)
	default:
		// The checker lets nothing else pass.
		return append(out, "unknown"...)
	}
}

func appendParts(out []byte, head string, parts ...ast.Node) []byte {
	out = append(append(out, '('), head...)
	for _, p := range parts {
		out = appendCanonical(append(out, ' '), p)
	}
	return append(out, ')')
}

// synonym spells an operator that has two spellings in one way.
func synonym(op string) string {
	switch op {
	case "&&":
		return "and"
	case "||":
		return "or"
	case "!":
		return "not"
	default:
		return op
	}
}
