package strictyaml

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Each syntax error means parsing the whole file again, so there is a limit on
// their number, and for large files one on the bytes parsed.
const (
	maxProblems = 1000 // of a file
	maxRepairs  = 40
	maxWork     = 8 << 20
)

// Parse reads a file. The node is nil when the file holds no document, or when
// it is so broken that nothing of it can be trusted; a problem says so. It
// never fails without a problem.
func Parse(data []byte) (*Node, []Problem) {
	if len(data) > MaxSize {
		return nil, []Problem{{Span: Span{1, 1, 1}, Message: fmt.Sprintf("the file is larger than %d MiB", MaxSize>>20)}}
	}
	src, problems := newSource(Lines(data))
	p := &repairer{src: src, problems: problems}
	doc := p.parse()
	if doc == nil {
		return nil, p.problems
	}
	b := &builder{src: src, problems: p.problems}
	return b.document(doc), b.problems
}

// parse parses until no syntax error is left that can be repaired.
func (p *repairer) parse() *ast.File {
	work := 0
	for range maxRepairs {
		tokens, file, err := p.try()
		if err == nil {
			return file
		}
		if work += p.src.size(); work > maxWork || !p.repair(tokens, err) {
			return nil
		}
	}
	return nil
}

// syntaxError is what the parser said, and where.
type syntaxError struct {
	message string
	at      *token.Token
}

func (e *syntaxError) Error() string { return e.message }

// try parses the text as it stands now. A panic of the parser is a syntax
// error like any other.
func (p *repairer) try() (tokens token.Tokens, file *ast.File, err *syntaxError) {
	defer func() {
		if r := recover(); r != nil {
			err = &syntaxError{message: fmt.Sprintf("the parser gave up: %v", r)}
		}
	}()
	tokens = lexer.Tokenize(p.src.text())
	if p.indicators(tokens) {
		tokens = lexer.Tokenize(p.src.text())
	}
	if deep := tooDeep(tokens); deep != nil {
		return tokens, nil, &syntaxError{tooDeepMessage(), deep}
	}
	if key := complexKeyIn(tokens); key != nil {
		return tokens, nil, &syntaxError{complexKey, key}
	}
	if key := tooMany(tokens); key != nil {
		return tokens, nil, &syntaxError{tooManyMessage(), key}
	}
	file, failed := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if failed == nil {
		return tokens, file, nil
	}
	var positioned yaml.Error
	if errors.As(failed, &positioned) {
		return tokens, nil, &syntaxError{positioned.GetMessage(), positioned.GetToken()}
	}
	return tokens, nil, &syntaxError{message: failed.Error()}
}

func tooDeepMessage() string { return fmt.Sprintf("collections nest more than %d deep", MaxDepth) }

const complexKey = "a key must be a plain word"

func complexKeyIn(tokens token.Tokens) *token.Token {
	for _, t := range tokens {
		if t.Type == token.MappingKeyType {
			return t
		}
	}
	return nil
}

func tooManyMessage() string { return fmt.Sprintf("a mapping of more than %d keys", MaxKeys) }

// tooMany finds a block mapping with too many keys: the parser takes time with
// the square of their number.
func tooMany(tokens token.Tokens) *token.Token {
	type level struct{ column, keys int }
	var open []level
	for _, t := range tokens {
		column := t.Position.Column
		if t.Type == token.MappingValueType && t.Prev != nil {
			column = t.Prev.Position.Column
		} else if t.Type != token.SequenceEntryType {
			continue
		}
		for len(open) > 0 && open[len(open)-1].column > column {
			open = open[:len(open)-1]
		}
		if t.Type == token.SequenceEntryType {
			continue
		}
		if len(open) == 0 || open[len(open)-1].column < column {
			open = append(open, level{column, 0})
		}
		top := &open[len(open)-1]
		if top.keys++; top.keys > MaxKeys {
			return t.Prev
		}
	}
	return nil
}

// tooDeep looks at flow collections, and at block ones that open on one line,
// before the parser, which recurses, sees them. The builder looks at the rest.
func tooDeep(tokens token.Tokens) *token.Token {
	flow, inline, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, inline = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.TagType, token.AnchorType:
			inline++
		}
		if flow > MaxDepth || inline > MaxDepth {
			return t
		}
	}
	return nil
}
