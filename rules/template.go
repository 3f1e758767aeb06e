package rules

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// segment is a piece of an argument: literal text, or an expression in ${}.
type segment struct {
	literal string
	isExpr  bool
	expression
}

// split cuts an argument at its ${expressions}; "$${" stands for "${". Issues
// and offsets are in runes of the whole text.
func split(text string) (segments []segment, offsets []int, issue *issue) {
	if text != "" && !strings.Contains(text, "${") {
		return []segment{{literal: text}}, []int{0}, nil
	}
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			segments, offsets = append(segments, segment{literal: literal.String()}), append(offsets, 0)
			literal.Reset()
		}
	}
	for at := 0; at < len(text); {
		rest := text[at:]
		switch {
		case strings.HasPrefix(rest, "$${"):
			literal.WriteString("${")
			at += 3
		case strings.HasPrefix(rest, "${"):
			size := expressionSize(rest[2:])
			if size < 0 {
				return nil, nil, issueIn(text, at, "this ${ is never closed", "write $${ for a literal ${")
			}
			flush()
			segments = append(segments, segment{isExpr: true, expression: expression{text: rest[2 : 2+size]}})
			offsets = append(offsets, utf8.RuneCountInString(text[:at+2]))
			at += 2 + size + 1
		default:
			literal.WriteByte(text[at])
			at++
		}
	}
	flush()
	return segments, offsets, nil
}

func issueIn(text string, at int, message, hint string) *issue {
	return &issue{offset: utf8.RuneCountInString(text[:at]), length: 2, message: message, hint: hint}
}

// expressionSize returns the size of an expression up to its closing brace,
// which does not count in quotes; -1 if there is none.
func expressionSize(s string) int {
	depth := 0
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return i
		case c == '}':
			depth--
		}
	}
	return -1
}

// template is a compiled argument.
type template struct{ parts []templatePart }

// templatePart is literal text, or a program where one is set.
type templatePart struct {
	literal string
	program *program
}

func (p templatePart) isExpr() bool { return p.program != nil }

// literal returns the whole text if no part of it is an expression.
func literalOf(segments []segment) (string, bool) {
	if len(segments) == 1 && !segments[0].isExpr {
		return segments[0].literal, true
	}
	var out strings.Builder
	for _, s := range segments {
		if s.isExpr {
			return "", false
		}
		out.WriteString(s.literal)
	}
	return out.String(), true
}

// fill gives the text of the argument. clean is what every value of an
// expression goes through; it is told whether the value stands at the start.
func (t template) fill(r *run, clean func(value string, first bool) (string, error)) (string, error) {
	if len(t.parts) == 1 && t.parts[0].program == nil {
		return t.parts[0].literal, nil
	}
	var out strings.Builder
	for _, p := range t.parts {
		if p.program == nil {
			out.WriteString(p.literal)
			continue
		}
		value, truth, err := r.eval(p.program)
		switch {
		case truth == Unknown:
			return "", fmt.Errorf("${%s} is not known of this message", p.program.text)
		case err != nil:
			return "", fmt.Errorf("${%s}: %w", p.program.text, err)
		}
		text, err := clean(textOf(value), out.Len() == 0)
		if err != nil {
			return "", fmt.Errorf("${%s}: %w", p.program.text, err)
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// textOf prints a text or a number.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}
