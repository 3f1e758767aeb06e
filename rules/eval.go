package rules

import "reflect"

// Evaluated is what an expression by itself is for a message.
type Evaluated struct {
	// Type is the type in words: "a text".
	Type string
	// Value is nil where it could not be worked out; Shown prints it.
	Value any
	Shown string
	Err   error
	// Missing is what would have to be fetched.
	Missing Needs
	// Condition is how it was worked out, nil if it is no condition.
	Condition *Part
	// Values are what it was worked out from, where it is no condition.
	Values []Value
}

// Eval evaluates one expression with the defines, lists, accounts and time
// zone of a source. Problems are about the expression; a source with rules
// that are wrong does no harm. The position of the expression is pos.
func Eval(src Source, text Text, in Input) (Evaluated, []Problem) {
	b := newBuilder(src)
	b.defines(src.Define)
	b.problems = nil
	e := b.expression(text.Value, text.Pos, 0)
	if e.typ.kind == recordKind {
		b.problem(text.Pos, Error, "this is a group of fields, not one value", "name one of them, as in from.address")
	}
	if b.failed() {
		return Evaluated{}, b.sorted()
	}
	return b.evaluate(e, in), b.sorted()
}

func (b *builder) evaluate(e expression, in Input) Evaluated {
	x := newExplainer(b, in)
	out := Evaluated{Type: e.typ.String()}
	whole := x.program(e.node, reflect.Invalid)
	values := &Part{}
	if e.typ.kind == boolKind {
		out.Condition = x.part(e.node)
		x.todo = append(x.todo, out.Condition.decide)
	} else {
		x.leaf(values, e.node)
	}
	x.finish()
	var truth Truth
	out.Value, truth, out.Err = x.eval(whole)
	if out.Condition != nil {
		// The skeleton can decide what the program as a whole cannot.
		truth = out.Condition.Truth
		out.Value = nil
		if truth == True || truth == False {
			out.Value, out.Err = truth == True, nil
		}
	}
	if truth == Unknown {
		out.Missing = x.run.programNeeds(whole)
	}
	if out.Value != nil {
		out.Shown = Show(out.Value, b.lang.clock.location)
	}
	out.Values = values.Values
	return out
}
