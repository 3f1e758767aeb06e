package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// maxLoops is how deep any(), all() and the like may be nested.
const maxLoops = 2

// language is everything that an expression can name.
type language struct {
	fields    map[string]Field
	functions map[string]Function
	lists     map[string][]string
	defines   map[string]*define
	accounts  []string
	doubts    map[string]doubt
	spans     map[string]span
	clock     clockwork
	// each is set where it is about one attachment by itself.
	each bool
}

// typeChecker finds the type of every node and every problem of an expression. It
// checks before expr does, because expr stops at its first error and speaks of
// Go types; what it passes, expr accepts.
type typeChecker struct {
	lang   *language
	text   string
	types  map[ast.Node]typ
	scope  []typ                              // the element types of the loops around the node
	tight  map[*ast.UnaryNode]*ast.BinaryNode // the comparison before whose left side a "not" stands
	issues []issue
}

func (c *typeChecker) report(n ast.Node, message, hint string) typ {
	i := issueAt(c.text, n.Location())
	i.message, i.hint = message, hint
	c.issues = append(c.issues, i)
	return typ{}
}

func (c *typeChecker) warn(n ast.Node, message, hint string) {
	c.report(n, message, hint)
	c.issues[len(c.issues)-1].severity = Warning
}

func (c *typeChecker) check(n ast.Node) typ {
	t := c.node(n)
	c.types[n] = t
	return t
}

func (c *typeChecker) node(n ast.Node) typ {
	switch n := n.(type) {
	case *ast.BoolNode:
		return typ{kind: boolKind}
	case *ast.IntegerNode:
		return c.number(n, float64(n.Value))
	case *ast.FloatNode:
		return c.number(n, n.Value)
	case *ast.StringNode:
		return typ{kind: textKind}
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.CallNode:
		return c.call(n)
	case *ast.BuiltinNode:
		return c.loop(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	default:
		return c.forbidden(n)
	}
}

func (c *typeChecker) number(n ast.Node, v float64) typ {
	if v > maxNumber {
		c.report(n, "the number is too large", "the largest is 1,000,000,000,000,000")
	}
	return typ{kind: numberKind}
}

// forbidden explains what expr has and rules do not.
func (c *typeChecker) forbidden(n ast.Node) typ {
	switch n.(type) {
	case *ast.NilNode:
		return c.report(n, "there is no nil: a field that a message lacks is an empty text", `compare with ""`)
	case *ast.ChainNode:
		return c.report(n, `"?." is not part of the language: no field is ever missing`, `write "."`)
	case *ast.SliceNode:
		return c.report(n, "parts of a list or text cannot be taken by their place", "use startsWith, contains, or matches")
	case *ast.MapNode:
		return c.report(n, "braces mean nothing here", "lists stand in square brackets")
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		return c.report(n, "an expression has no variables and no \";\"", "name a part of a condition with define")
	default:
		return c.report(n, "this is not part of the language", "")
	}
}

func (c *typeChecker) identifier(n *ast.IdentifierNode) typ {
	if d, ok := c.lang.defines[n.Value]; ok {
		return d.typ
	}
	if f, ok := c.lang.fields[n.Value]; ok {
		return f.typ
	}
	if c.isRecord(n.Value) {
		return typ{kind: recordKind}
	}
	if f, ok := c.lang.functions[n.Value]; ok {
		return c.report(n, n.Value+" is a function", "call it: "+f.Example)
	}
	if n.Value == "$env" {
		return c.report(n, "$env is not part of the language", "name the field itself")
	}
	return c.report(n, fmt.Sprintf("unknown field %q", n.Value), c.hintForField(n.Value))
}

func (c *typeChecker) isRecord(name string) bool {
	for f := range c.lang.fields {
		if strings.HasPrefix(f, name+".") {
			return true
		}
	}
	return false
}

// recordFields are the names that can follow the dot.
func (c *typeChecker) recordFields(name string) []string {
	var out []string
	for f := range c.lang.fields {
		if part, ok := strings.CutPrefix(f, name+"."); ok {
			out = append(out, part)
		}
	}
	slices.Sort(out)
	return out
}

func (c *typeChecker) hintForField(name string) string {
	if _, isField := c.elementField(name); isField {
		return "inside any() and the like, put a dot before it: ." + name
	}
	if hint := cmpOr(c.hintForEach(name), laterField(name)); hint != "" {
		return hint
	}
	hint := didYouMean(name, c.names())
	if hint == "" && strings.TrimSpace(c.text) != name { // which no text could be
		return fmt.Sprintf("if it is a text, write it in quotes: %q", name)
	}
	return hint
}

// names are all names that may stand alone.
func (c *typeChecker) names() []string {
	var out []string
	for f := range c.lang.fields {
		head, _, _ := strings.Cut(f, ".")
		out = append(out, f, head)
	}
	for d := range c.lang.defines {
		out = append(out, d)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// laterField knows what people ask for by another name, and what is to come.
func laterField(name string) string {
	switch strings.ToLower(name) {
	case "date":
		return "use sent (the Date field) or received"
	case "now":
		return "use age, the time since received"
	case "text", "content", "plain":
		return "did you mean body.text?"
	case "attachment", "files":
		return "did you mean attachments?"
	case "spf", "dkim", "dmarc":
		return "did you mean auth." + strings.ToLower(name) + "?"
	case "list_id":
		return "did you mean list.id?"
	case "bcc", "delivered_to":
		return "use recipients"
	case "folder":
		return "did you mean mailbox?"
	case "read", "is_read":
		return "did you mean seen?"
	case "unread", "unseen":
		return "write: not seen"
	case "starred":
		return "did you mean flagged?"
	case "none", "null":
		return `compare with ""`
	case "true", "yes", "on":
		return "write true"
	case "false", "no", "off":
		return "write false"
	default:
		return ""
	}
}

func (c *typeChecker) member(n *ast.MemberNode) typ {
	name, isName := n.Property.(*ast.StringNode)
	if base, ok := n.Node.(*ast.IdentifierNode); ok && isName && c.isRecord(base.Value) && c.lang.defines[base.Value] == nil {
		if f, ok := c.lang.fields[base.Value+"."+name.Value]; ok {
			return f.typ
		}
		parts := c.recordFields(base.Value)
		return c.report(n, fmt.Sprintf("%s has no field %q", base.Value, name.Value), cmpOr(didYouMean(name.Value, parts), "it has "+strings.Join(parts, ", ")))
	}
	base := c.check(n.Node)
	switch {
	case base.kind == unknownKind:
		return typ{}
	case !isName:
		return c.report(n, "elements cannot be taken by their place", `use any(cc, .address == "a@example.org")`)
	case base.kind.element():
		if t, ok := elementField(base.kind, name.Value); ok {
			return t
		}
		names := elementNames(base.kind)
		return c.report(n, fmt.Sprintf("%s has no field %q", base, name.Value), cmpOr(didYouMean(name.Value, names), "it has "+strings.Join(names, ", ")))
	case base.kind == listKind && base.elem.element():
		return c.report(n, fmt.Sprintf("this is %s, not one %s", base, strings.TrimPrefix(typ{kind: base.elem}.String(), "an ")), fmt.Sprintf("ask about its elements: any(%s, .%s == ...)", n.Node, name.Value))
	default:
		return c.report(n, fmt.Sprintf("%s has no fields", base), "")
	}
}

// elementField finds a field of the element that the loop around it is at.
func (c *typeChecker) elementField(name string) (typ, bool) {
	if len(c.scope) == 0 {
		return typ{}, false
	}
	return elementField(c.scope[len(c.scope)-1].kind, name)
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (c *typeChecker) pointer(n *ast.PointerNode) typ {
	if n.Name != "" || len(c.scope) == 0 {
		return c.report(n, fmt.Sprintf("#%s is not part of the language", n.Name), "# stands for the element")
	}
	return c.scope[len(c.scope)-1]
}

func (c *typeChecker) array(n *ast.ArrayNode) typ {
	elem := typ{}
	for _, e := range n.Nodes {
		t := c.check(e)
		switch {
		case t.kind == unknownKind:
		case !t.scalar():
			c.report(e, "a list written out can hold only texts, numbers and the like", "")
		case elem.kind == unknownKind:
			elem = t
		case !t.fits(elem):
			c.report(e, fmt.Sprintf("%s among %s", t, plural(elem.kind)), "the elements of a list are all of one kind")
		}
	}
	return listOf(elem.kind)
}

func (c *typeChecker) conditional(n *ast.ConditionalNode) typ {
	if !n.Ternary {
		return c.report(n, `"if" is not part of the language`, "write condition ? one : other, or two rules")
	}
	c.want(n.Cond, typ{kind: boolKind}, `before the "?"`)
	a, b := c.check(n.Exp1), c.check(n.Exp2)
	if !a.fits(b) {
		return c.report(n, fmt.Sprintf("the two sides of \":\" are %s and %s", a, b), "both must be of one kind")
	}
	if a.kind == unknownKind {
		return b
	}
	return a
}

// want checks a node that must be of one type, and returns the type that the
// nodes around it should go by.
func (c *typeChecker) want(n ast.Node, want typ, where string) typ {
	got := c.check(n)
	if got.fits(want) {
		return want
	}
	hint := ""
	if want.kind == boolKind || got.kind == recordKind {
		hint = hintForCondition(n, got)
	}
	return c.report(n, fmt.Sprintf("%s was expected %s, this is %s", want, where, got), hint)
}

func exampleOf(t typ) string {
	switch t.kind {
	case textKind:
		return `subject contains "invoice"`
	case timeKind:
		return `sent < date("2020-01-01")`
	case durationKind:
		return "age > days(30)"
	case listKind, addressKind:
		if t.elem == attachmentKind {
			return exampleOfElements(attachmentKind)
		}
		return `any(to, .domain == "example.org")`
	case attachmentKind:
		return exampleOfElements(attachmentKind)
	default:
		return "size > mb(1)"
	}
}
