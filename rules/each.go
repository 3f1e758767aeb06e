package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"imapilot/rules/facts"
)

// Each is an expression about one attachment by itself, compiled. It reads the fields
// that an element of attachments has, under their bare names, and nothing else: no
// define, no list, no time zone. So a text that was recorded with a decision means the
// same after every reload. It is for one goroutine at a time.
type Each struct {
	run     *run
	program *program
	typ     typ
}

// CompileEach compiles an expression about an attachment. Its error says what is wrong
// first.
func CompileEach(text string) (*Each, error) {
	b := newEachBuilder()
	e := b.expression(text, 0, 0)
	if b.failed() {
		return nil, problemOf(b)
	}
	rs := &Ruleset{}
	scope := &ruleScope{linker: &linker{b: b, rs: rs, leafOf: map[string]int{}, factOf: map[string]int{}}}
	out := &Each{program: scope.value(e, 0), typ: e.typ}
	scope.compile()
	if b.failed() {
		return nil, problemOf(b)
	}
	out.run = newRun(rs)
	return out, nil
}

func problemOf(b *builder) error { return errors.New(b.sorted()[0].Message) }

// True reports whether the attachment meets the condition.
func (e *Each) True(a facts.Attachment) (bool, error) {
	value, err := e.value(a)
	if err != nil {
		return false, err
	}
	truth, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("it is %s, and no condition", e.typ)
	}
	return truth, nil
}

// Text gives a text or a number of the attachment as ${} does.
func (e *Each) Text(a facts.Attachment) (string, error) {
	value, err := e.value(a)
	if err != nil {
		return "", err
	}
	return textOf(value), nil
}

func (e *Each) value(a facts.Attachment) (any, error) {
	e.run.begin(Input{Message: &facts.Message{}})
	defer e.run.end()
	e.run.snapshot.attachment = recordOf(a)
	value, _, err := e.run.eval(e.program)
	return value, err
}

// newEachBuilder checks such expressions.
func newEachBuilder() *builder {
	lang := language{fields: map[string]Field{}, functions: map[string]Function{}, clock: clockwork{location: time.UTC}, each: true}
	for _, f := range elementFields(attachmentKind) {
		lang.fields[f.Name] = Field{Name: f.Name, typ: f.typ, value: func(s *snapshot) any { return s.attachment[f.Name] }}
	}
	for _, f := range Functions() {
		if !f.calendar && !slices.Contains([]string{"header", "headers", "in_list"}, f.Name) {
			lang.functions[f.Name] = f
		}
	}
	return &builder{parser: parserConfig(), types: map[ast.Node]typ{}, lang: lang}
}

// each parses and checks an expression about an attachment at an offset of a text.
func (b *builder) each(text string, pos, offset int) expression {
	own := newEachBuilder()
	e := own.expression(text, pos, offset)
	for _, p := range own.problems {
		if strings.HasPrefix(p.Message, `"."`) {
			p.Message, p.Hint = "the fields of the attachment stand without a dot here", "it has "+strings.Join(elementNames(attachmentKind), ", ")
		}
		b.problems = append(b.problems, p)
	}
	return e
}

// asksAttachment reports whether an expression names a field of an attachment.
func (b *builder) asksAttachment(text string) bool {
	e, _ := parse(text, b.parser)
	found := false
	walk(e.node, func(n ast.Node) {
		if id, ok := n.(*ast.IdentifierNode); ok {
			_, isField := elementField(attachmentKind, id.Value)
			found = found || isField
		}
	})
	return found
}

// hintForEach tells where to ask for what an attachment does not have.
func (c *typeChecker) hintForEach(name string) string {
	if !c.lang.each {
		return ""
	}
	isFunction := func(f Function) bool { return f.Name == name }
	isField := func(f Field) bool { return f.Name == name || strings.HasPrefix(f.Name, name+".") }
	switch {
	case name == "in_list":
		return `write the values out: type in ["application/pdf", "image/png"]`
	case slices.ContainsFunc(Functions(), isFunction), slices.ContainsFunc(Fields(), isField):
		return "this is about one attachment, which has " + strings.Join(elementNames(attachmentKind), ", ") + "; the if: of the rule asks about the message"
	}
	return ""
}
