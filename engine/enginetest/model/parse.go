package model

import (
	"errors"
	"strconv"
	"strings"
)

// value is an atom, a string or a list.
type value struct {
	text string
	list []value
	many bool // a list
}

var errSyntax = errors.New("syntax error")

// parse reads the arguments of a command.
func parse(s string) ([]value, error) {
	p := &parser{in: s}
	out := p.values()
	if p.err == nil && p.in != "" {
		p.err = errSyntax
	}
	return out, p.err
}

type parser struct {
	in  string
	err error
}

// values reads up to the end or a closing parenthesis.
func (p *parser) values() []value {
	var out []value
	for p.err == nil {
		p.in = strings.TrimLeft(p.in, " ")
		if p.in == "" || p.in[0] == ')' {
			return out
		}
		out = append(out, p.value())
	}
	return out
}

func (p *parser) value() value {
	switch p.in[0] {
	case '(':
		p.in = p.in[1:]
		v := value{many: true, list: p.values()}
		if !strings.HasPrefix(p.in, ")") {
			p.err = errSyntax
			return v
		}
		p.in = p.in[1:]
		return v
	case '"':
		return value{text: p.quoted()}
	case '{':
		return value{text: p.literal()}
	}
	return value{text: p.atom()}
}

func (p *parser) quoted() string {
	var b strings.Builder
	for i := 1; i < len(p.in); i++ {
		switch p.in[i] {
		case '\\':
			i++
			if i < len(p.in) {
				b.WriteByte(p.in[i])
			}
		case '"':
			p.in = p.in[i+1:]
			return b.String()
		default:
			b.WriteByte(p.in[i])
		}
	}
	p.err, p.in = errSyntax, ""
	return ""
}

func (p *parser) literal() string {
	head, rest, ok := strings.Cut(p.in, "\r\n")
	n, err := strconv.Atoi(strings.Trim(head, "{+}"))
	if !ok || err != nil || n > len(rest) {
		p.err, p.in = errSyntax, ""
		return ""
	}
	p.in = rest[n:]
	return rest[:n]
}

// atom reads an atom; what stands in brackets belongs to it.
func (p *parser) atom() string {
	depth := 0
	for i := range len(p.in) {
		switch c := p.in[i]; {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0 && (c == ' ' || c == ')' || c == '('):
			out := p.in[:i]
			p.in = p.in[i:]
			return out
		}
	}
	out := p.in
	p.in = ""
	return out
}

// quote writes a mailbox's name.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
