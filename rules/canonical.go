package rules

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// canonical prints an expression with a bracket around every part, so that two
// expressions print alike only if they are the same. Hashes and the sharing of
// leaves rest on it, which is why it is ours: it must not change with expr.
func canonical(n ast.Node) string {
	var out strings.Builder
	writeCanonical(&out, n)
	return out.String()
}

func writeCanonical(out *strings.Builder, n ast.Node) {
	switch n := n.(type) {
	case *ast.BoolNode:
		out.WriteString(strconv.FormatBool(n.Value))
	case *ast.IntegerNode:
		out.WriteString(strconv.Itoa(n.Value))
	case *ast.FloatNode:
		out.WriteString("float " + strconv.FormatFloat(n.Value, 'g', -1, 64))
	case *ast.StringNode:
		out.WriteString(strconv.Quote(n.Value))
	case *ast.IdentifierNode:
		out.WriteString(n.Value)
	case *ast.PointerNode:
		out.WriteString("#")
	case *ast.UnaryNode:
		writeParts(out, synonym(n.Operator), n.Node)
	case *ast.BinaryNode:
		writeParts(out, synonym(n.Operator), n.Left, n.Right)
	case *ast.MemberNode:
		writeParts(out, ".", n.Node, n.Property)
	case *ast.CallNode:
		writeParts(out, "call", append([]ast.Node{n.Callee}, n.Arguments...)...)
	case *ast.BuiltinNode:
		writeParts(out, "each "+n.Name, n.Arguments...)
	case *ast.PredicateNode:
		writeParts(out, "do", n.Node)
	case *ast.ConditionalNode:
		writeParts(out, "?", n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		writeParts(out, "list", n.Nodes...)
	default:
		// The checker lets nothing else pass.
		out.WriteString("unknown")
	}
}

func writeParts(out *strings.Builder, head string, parts ...ast.Node) {
	out.WriteString("(" + head)
	for _, p := range parts {
		out.WriteByte(' ')
		writeCanonical(out, p)
	}
	out.WriteByte(')')
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
