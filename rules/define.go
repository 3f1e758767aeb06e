package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// define is a named expression, which stands wherever its name does.
type define struct {
	name Text
	pos  int // of the expression
	expression
	uses []string // the defines that it names
}

// defines parses and checks them, the ones that others use first. A define
// that cannot be used has the unknown type, so that its users are not blamed.
func (b *builder) defines(sources []DefineSource) {
	var order []*define
	for _, src := range sources {
		d := &define{name: src.Name, pos: src.Expr.Pos}
		if !b.defineName(src.Name) {
			continue
		}
		var issues []issue
		d.expression, issues = parse(src.Expr.Value, b.parser)
		b.add(d.pos, 0, issues)
		b.lang.defines[src.Name.Value] = d
		order = append(order, d)
	}
	for _, d := range order {
		d.uses = b.definesIn(d.node)
	}
	for _, d := range b.sortDefines(order) {
		b.checkExpression(&d.expression, d.pos, 0)
		b.refuseGroup(d)
	}
}

// refuseGroup refuses a define that is no value, where it stands and not at
// each of its uses.
func (b *builder) refuseGroup(d *define) {
	if d.typ.kind != recordKind {
		return
	}
	i := issueAt(d.text, d.node.Location())
	i.message, i.hint = "the define is a group of fields", hintForRecord(d.node)
	b.add(d.pos, 0, []issue{i})
	d.node, d.typ = nil, typ{}
}

// defineName refuses a name that already means something, because a rule that
// was written before would then silently mean something else.
func (b *builder) defineName(name Text) bool {
	message, hint := "", ""
	switch _, isField := b.lang.fields[name.Value]; {
	case !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`).MatchString(name.Value):
		message, hint = fmt.Sprintf("%q cannot be a name", name.Value), "use letters, digits and _"
	case isField || (&typeChecker{lang: &b.lang}).isRecord(name.Value):
		message = fmt.Sprintf("the define %q would hide the field of that name", name.Value)
	case b.lang.functions[name.Value].Name != "" || isBuiltin(name.Value):
		message = fmt.Sprintf("the define %q would hide the function of that name", name.Value)
	case isWord(name.Value):
		message = fmt.Sprintf("%q is a word of the language", name.Value)
	case b.lang.defines[name.Value] != nil:
		message = fmt.Sprintf("%q is defined twice", name.Value)
	default:
		return true
	}
	b.problem(name.Pos, Error, message, cmpOr(hint, "choose another name"))
	return false
}

func isBuiltin(name string) bool {
	_, ok := builtin.Index[name]
	return ok || name == "reduce"
}

func isWord(name string) bool {
	return slices.Contains([]string{"true", "false", "nil", "and", "or", "not", "in", "contains", "matches", "startsWith", "endsWith", "let", "if", "else"}, name)
}

// definesIn returns the names of the defines that stand in n.
func (b *builder) definesIn(n ast.Node) []string {
	var out []string
	walk(n, func(n ast.Node) {
		if id, ok := n.(*ast.IdentifierNode); ok && b.lang.defines[id.Value] != nil {
			out = append(out, id.Value)
		}
	})
	return out
}

// sortDefines puts every define after those that it uses and reports the ones
// that use themselves.
func (b *builder) sortDefines(defines []*define) []*define {
	const visiting, done = 1, 2
	state := map[*define]int{}
	var order, path []*define
	var visit func(d *define)
	visit = func(d *define) {
		switch state[d] {
		case done:
			return
		case visiting:
			b.cycle(path[slices.Index(path, d):])
			return
		}
		state[d] = visiting
		path = append(path, d)
		for _, name := range d.uses {
			visit(b.lang.defines[name])
		}
		path = path[:len(path)-1]
		state[d] = done
		order = append(order, d)
	}
	for _, d := range defines {
		visit(d)
	}
	return order
}

// cycle reports the defines of a circle once and makes them unusable.
func (b *builder) cycle(circle []*define) {
	names := make([]string, 0, len(circle)+1)
	for _, d := range circle {
		names = append(names, d.name.Value)
	}
	names = append(names, circle[0].name.Value)
	b.problem(circle[0].name.Pos, Error, "the define uses itself: "+strings.Join(names, " -> "), "take one of the names out")
	for _, d := range circle {
		d.node = nil
	}
}

// checkExpression finds the type of a parsed expression.
func (b *builder) checkExpression(e *expression, pos, offset int) {
	if e.node == nil {
		return
	}
	c := &typeChecker{lang: &b.lang, text: e.text, types: b.types}
	e.typ = c.check(e.node)
	b.add(pos, offset, c.issues)
	if hasError(c.issues) {
		e.node, e.typ = nil, typ{}
	}
}

func hasError(issues []issue) bool {
	return slices.ContainsFunc(issues, func(i issue) bool { return i.severity == Error })
}

// expression parses and checks an expression at an offset of a text.
func (b *builder) expression(text string, pos, offset int) expression {
	e, issues := parse(text, b.parser)
	b.add(pos, offset, issues)
	b.checkExpression(&e, pos, offset)
	return e
}
