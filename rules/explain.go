package rules

import (
	"fmt"
	"reflect"

	"github.com/expr-lang/expr/ast"

	"imapilot/actions"
)

// Explanation tells why a message has the outcome that it has.
type Explanation struct {
	Decision Decision
	// Rules are all rules of the set, in order.
	Rules []RuleExplanation
}

// RuleExplanation is what one rule had to do with the outcome.
type RuleExplanation struct {
	Rule Rule
	// NotAsked is why the rule was not asked, "" if it was.
	NotAsked string
	// Verdict is the zero Verdict where the rule was not asked.
	Verdict Verdict
	// Condition is how the condition was worked out, also for a rule that was not
	// asked; nil where it does not look at the mailbox.
	Condition *Part
	// Items are the actions that it asks for, in the order of apply, with the
	// rule that supersedes one.
	Items []actions.Item
}

// Part is one part of a condition, with its value.
type Part struct {
	// Text is the part as it is written.
	Text string
	// Operator is "and", "or", "not" or "define" where Parts are its sides, else "".
	Operator string
	Truth    Truth
	Err      error
	// Decisive parts made the condition what it is: another value of theirs
	// could have changed it.
	Decisive bool
	// Missing is what the part waits for where it is Unknown.
	Missing Needs
	// Values are what the part was worked out from.
	Values []Value
	Parts  []*Part
}

// Value is a part of an expression with what it was for the message.
type Value struct{ Text, Value string }

// Explain works out every part of every rule for one message. It evaluates
// what the walk does not need, too, and is as slow as that.
func (rs *Ruleset) Explain(in Input) Explanation {
	in.Every = true
	out := Explanation{Decision: rs.Evaluate(in)}
	x := newExplainer(rs.builder, in)
	for i := range rs.rules {
		out.Rules = append(out.Rules, x.rule(&rs.rules[i], rs.rules[i].draft, out.Decision))
	}
	x.finish()
	return out
}

// explainer evaluates the parts of conditions in a rule set of its own.
type explainer struct {
	in    Input
	scope *ruleScope
	run   *run
	todo  []func()
}

func newExplainer(b *builder, in Input) *explainer {
	own := *b // the rule set's own is shared
	own.problems = nil
	rs := &Ruleset{accounts: b.accounts()}
	l := &linker{b: &own, rs: rs, leafOf: map[string]int{}, factOf: map[string]int{}}
	return &explainer{in: in, scope: &ruleScope{linker: l}}
}

// finish compiles what was gathered and works it out.
func (x *explainer) finish() {
	x.scope.compile()
	x.run = newRun(x.scope.rs)
	x.run.begin(x.in)
	x.run.uncounted = true // it works out more than the walk did
	for _, f := range x.todo {
		f()
	}
}

func (x *explainer) rule(r *compiledRule, d *draft, decision Decision) RuleExplanation {
	out := RuleExplanation{Rule: r.Rule}
	v, asked := verdictOf(decision, r.Name)
	switch {
	case !r.looksAt(x.in.Account, x.in.Mailbox):
		out.NotAsked = "it does not look at this mailbox"
		return out
	case !asked && decision.StoppedBy != "":
		out.NotAsked = fmt.Sprintf("%q before it stopped the walk", decision.StoppedBy)
	case !asked:
		out.NotAsked = "a rule before it stopped the walk, or may still do so"
	}
	out.Verdict = v
	out.Condition = x.part(d.condition.node)
	x.todo = append(x.todo, out.Condition.decide)
	for _, plan := range []actions.Plan{decision.Plan, decision.Dry} {
		for _, item := range plan.Items {
			if item.Rule == r.Name {
				out.Items = append(out.Items, item)
			}
		}
	}
	return out
}

func verdictOf(d Decision, rule string) (Verdict, bool) {
	for _, v := range d.Verdicts {
		if v.Rule == rule {
			return v, true
		}
	}
	return Verdict{}, false
}

// part gathers the skeleton of a condition.
func (x *explainer) part(n ast.Node) *Part {
	p := &Part{Text: n.String()}
	switch n := n.(type) {
	case *ast.UnaryNode:
		if synonym(n.Operator) == "not" {
			return x.sides(p, "not", n.Node)
		}
	case *ast.BinaryNode:
		if op := synonym(n.Operator); op == "and" || op == "or" {
			return x.sides(p, op, chain(n, op)...)
		}
	case *ast.IdentifierNode:
		if d, ok := x.scope.b.lang.defines[n.Value]; ok {
			return x.sides(p, "define", d.node)
		}
	}
	x.leaf(p, n)
	return p
}

// chain flattens a and b and c.
func chain(n ast.Node, op string) []ast.Node {
	if b, ok := n.(*ast.BinaryNode); ok && synonym(b.Operator) == op {
		return append(chain(b.Left, op), chain(b.Right, op)...)
	}
	return []ast.Node{n}
}

func (x *explainer) sides(p *Part, op string, nodes ...ast.Node) *Part {
	p.Operator = op
	for _, n := range nodes {
		p.Parts = append(p.Parts, x.part(n))
	}
	x.todo = append(x.todo, p.combine)
	return p
}

// combine works out the truth from the sides, once they have theirs.
func (p *Part) combine() {
	p.Truth = p.Parts[0].Truth
	for _, side := range p.Parts[1:] {
		if p.Operator == "and" {
			p.Truth = conjunction(p.Truth, side.Truth)
		} else {
			p.Truth = conjunction(p.Truth.not(), side.Truth.not()).not()
		}
	}
	if p.Operator == "not" {
		p.Truth = p.Truth.not()
	}
}

// decide marks the parts that made the condition what it is.
func (p *Part) decide() {
	p.Decisive = true
	if len(p.Parts) == 0 {
		return
	}
	one := p.Operator == "and" && p.Truth == False || p.Operator == "or" && p.Truth == True
	for _, side := range p.Parts {
		same := side.Truth == p.Truth || p.Operator == "not"
		if same {
			side.decide()
		}
		if same && one {
			return
		}
	}
}

// leaf gathers the programs of a part that has no sides.
func (x *explainer) leaf(p *Part, n ast.Node) {
	whole := x.program(n, reflect.Bool)
	values := map[string]*program{}
	var order []string
	for _, operand := range operands(n, &x.scope.b.lang) {
		text := operand.String()
		if _, known := values[text]; known || operand == n {
			continue
		}
		values[text] = x.program(operand, reflect.Invalid)
		order = append(order, text)
	}
	x.todo = append(x.todo, func() {
		var value any
		value, p.Truth, p.Err = x.eval(whole)
		if b, ok := value.(bool); ok {
			p.Truth = truthOfBool(b)
		}
		if p.Truth == Unknown {
			p.Missing = x.run.programNeeds(whole)
		}
		for _, text := range order {
			p.Values = append(p.Values, Value{Text: text, Value: x.shown(values[text])})
		}
	})
}

func truthOfBool(b bool) Truth {
	if b {
		return True
	}
	return False
}

// program gathers one expression, nil if it cannot be used.
func (x *explainer) program(n ast.Node, want reflect.Kind) *program {
	lowered, p, ok := x.scope.lower(n)
	if !ok {
		return nil
	}
	x.scope.pending = append(x.scope.pending, pendingProgram{node: lowered, program: p, want: want})
	return p
}

func (x *explainer) eval(p *program) (any, Truth, error) {
	if p == nil || p.code == nil {
		return nil, ErrorTruth, errCannotShow
	}
	return x.run.eval(p)
}

// shown prints the value of an expression.
func (x *explainer) shown(p *program) string {
	value, truth, err := x.eval(p)
	switch {
	case err != nil:
		return "error: " + err.Error()
	case truth == Unknown:
		return "not fetched: " + x.run.programNeeds(p).Stage().String()
	default:
		return Show(value, x.scope.b.lang.clock.location)
	}
}

// operands are the parts of an expression whose values tell how it came to
// its own: facts, and what functions make of them. What stands inside any()
// and the like has a value for each element, and is left out.
func operands(n ast.Node, lang *language) []ast.Node {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []ast.Node{n}
	case *ast.MemberNode:
		return []ast.Node{n}
	case *ast.UnaryNode:
		return operands(n.Node, lang)
	case *ast.BinaryNode:
		return append(operands(n.Left, lang), operands(n.Right, lang)...)
	case *ast.ConditionalNode:
		return append(append(operands(n.Cond, lang), operands(n.Exp1, lang)...), operands(n.Exp2, lang)...)
	case *ast.ArrayNode:
		return operandsOf(n.Nodes, lang)
	case *ast.BuiltinNode:
		inner := operands(n.Arguments[0], lang)
		if f := lang.functions[n.Name]; f.result.kind != boolKind {
			inner = append([]ast.Node{n}, inner...)
		}
		return inner
	case *ast.CallNode:
		return operandsOfCall(n, lang)
	default:
		return nil
	}
}

func operandsOfCall(n *ast.CallNode, lang *language) []ast.Node {
	if name := calleeName(n); name == "header" || name == "headers" {
		return []ast.Node{n}
	}
	inner := operandsOf(n.Arguments, lang)
	if len(inner) == 0 || lang.functions[calleeName(n)].result.kind == boolKind {
		return inner // mb(10) needs no showing
	}
	return append([]ast.Node{n}, inner...)
}

func operandsOf(list []ast.Node, lang *language) []ast.Node {
	var out []ast.Node
	for _, n := range list {
		out = append(out, operands(n, lang)...)
	}
	return out
}
