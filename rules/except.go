package rules

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// except is a condition that is true where the first is, and the second is not.
// The two are put together as trees: in texts, a bracket too many or a comment
// in one would change the other.
func (b *builder) except(condition, unless expression) expression {
	out := condition
	if condition.node == nil || unless.node == nil {
		out.node = nil
		return out
	}
	not := &ast.UnaryNode{Operator: "not", Node: unless.node}
	out.node = &ast.BinaryNode{Operator: "and", Left: condition.node, Right: not}
	b.types[not], b.types[out.node] = typ{kind: boolKind}, typ{kind: boolKind}
	return out
}

// written is the condition as the user wrote it; where it was put together, it is
// an expression that means the same.
func (d *draft) written() string {
	condition, unless := d.src.If.Value, strings.TrimSpace(d.src.Unless.Value)
	if d.src.Unless == (Text{}) {
		return condition
	}
	both, ok := d.condition.node.(*ast.BinaryNode)
	if ok && (strings.Contains(condition+unless, "\n") || strings.Contains(condition+unless, "//") || strings.Contains(condition+unless, "/*")) {
		return d.condition.node.String() // comments could swallow what follows
	}
	if ok && isLoose(both.Left) {
		condition = "(" + condition + ")"
	}
	return condition + " and not (" + unless + ")"
}

// isLoose reports whether an expression binds less than "and" does.
func isLoose(n ast.Node) bool {
	if _, ok := n.(*ast.ConditionalNode); ok {
		return true
	}
	b, ok := n.(*ast.BinaryNode)
	return ok && synonym(b.Operator) == "or"
}
