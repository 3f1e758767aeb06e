package strictyaml

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// repairer reports syntax errors and takes them out of the text, so that the
// rest of the file can be read. Every column stays where it is.
type repairer struct {
	src      *source
	problems []Problem
	// said is set once an error was reported that has no known cause: what
	// follows from it is not worth saying.
	said bool
	last Span
}

// fault is one syntax error with its surroundings.
type fault struct {
	message string
	line    int // from 0
	column  int // from 0
	at      *token.Token
	before  *token.Token // the token before, if any
	row     []rune
	flow    bool
}

// repair reports the error and removes its cause. It reports false when it can
// do nothing.
func (p *repairer) repair(tokens token.Tokens, err *syntaxError) bool {
	if err.at == nil || err.at.Position == nil {
		p.report(Span{1, 1, 1}, "this is not valid YAML: "+err.message, "")
		return false
	}
	f := p.fault(err)
	for _, trap := range p.traps() {
		if trap(f) {
			return true
		}
	}
	return p.generic(f, tokens)
}

func (p *repairer) fault(err *syntaxError) fault {
	f := fault{
		message: err.message,
		line:    err.at.Position.Line - 1,
		column:  max(0, err.at.Position.Column-1),
		at:      err.at,
		before:  err.at.Prev,
	}
	f.row = p.src.line(f.line)
	f.column = min(f.column, len(f.row))
	f.flow = inFlow(f.row, f.column)
	return f
}

func (p *repairer) report(at Span, message, hint string) {
	p.problems = append(p.problems, Problem{Span: at, Message: message, Hint: hint})
}

// traps are the errors whose cause is known, each with its cure.
func (p *repairer) traps() []func(fault) bool {
	return []func(fault) bool{
		p.badEscape, p.reserved, p.textAfterQuote, p.bracesInFlow, p.colonInValue,
	}
}

// badEscape: "\Seen" is an escape that YAML does not know.
func (p *repairer) badEscape(f fault) bool {
	if !strings.Contains(f.message, "escape") && !strings.Contains(f.message, "unicode") {
		return false
	}
	slash := min(f.column, len(f.row)-1)
	for slash >= 0 && f.row[slash] != '\\' {
		slash--
	}
	if slash < 0 {
		return false
	}
	open, end := quotedAround(f.row, slash)
	shown := string(f.row[slash:min(slash+2, len(f.row))])
	message := fmt.Sprintf(`%s is no escape in a double-quoted YAML string`, shown)
	if open < 0 || end < 0 {
		p.report(Span{f.line + 1, slash + 1, 2}, message, `double the backslash: \\`)
		f.row[slash] = ' '
		return true
	}
	content := string(f.row[open+1 : end])
	if strings.ContainsRune(content, '\'') {
		p.report(Span{f.line + 1, slash + 1, 2}, message, `double the backslash: \\`)
		p.src.fill(f.line, open+1, end)
		return true
	}
	p.report(Span{f.line + 1, slash + 1, 2}, message, "write it in single quotes: '"+content+"'")
	f.row[open], f.row[end] = '\'', '\''
	return true
}

// quotedAround finds the double quotes around a column, -1 where there is none.
func quotedAround(row []rune, column int) (open, end int) {
	open = column
	for open >= 0 && (row[open] != '"' || escaped(row, open)) {
		open--
	}
	end = column
	for end < len(row) && (row[end] != '"' || escaped(row, end)) {
		end++
	}
	if end == len(row) {
		end = -1
	}
	return open, end
}

func escaped(row []rune, i int) bool {
	n := 0
	for i > 0 && row[i-1] == '\\' {
		i--
		n++
	}
	return n%2 == 1
}

// reserved: @daily and `x` begin with a character that YAML keeps to itself.
func (p *repairer) reserved(f fault) bool {
	if !strings.Contains(f.message, "reserved character") {
		return false
	}
	for f.column < len(f.row) && isBlank(f.row[f.column]) {
		f.column++
	}
	if f.column >= len(f.row) {
		return false
	}
	return p.unquoted(f.line, f.column, fmt.Sprintf("no plain YAML value can begin with %c", f.row[f.column]))
}

// unquoted reports a value that needs quotes, and fills it.
func (p *repairer) unquoted(line, column int, message string) bool {
	row := p.src.line(line)
	end := valueEnd(row, column, inFlow(row, column))
	if end <= column {
		return false
	}
	p.report(Span{line + 1, column + 1, end - column}, message, quoteHint(string(row[column:end])))
	p.src.fill(line, column, end)
	return true
}

// textAfterQuote: in `if: "x" in flags` the value ends at the second quote.
func (p *repairer) textAfterQuote(f fault) bool {
	if f.before == nil || f.before.Position.Line-1 != f.line {
		return false
	}
	if f.before.Type != token.SingleQuoteType && f.before.Type != token.DoubleQuoteType {
		return false
	}
	return p.unquoted(f.line, f.before.Position.Column-1,
		"the value begins with a quote, so YAML ends it at the next one, and more follows")
}

// bracesInFlow: in [{move: Lists/${list.name}}] the braces are YAML's own.
func (p *repairer) bracesInFlow(f fault) bool {
	if f.at.Type != token.MappingStartType || f.before == nil || f.column == 0 || f.row[f.column-1] != '$' {
		return false
	}
	return p.unquoted(f.line, f.before.Position.Column-1, "inside [ ] or { } the braces of ${ } are YAML's own")
}

// indicators takes out every value that begins with !, & or *: a tag makes
// `if: !is_bulk` an empty condition without a word, and what the parser does
// with thousands of them takes all memory. It reports whether there were any.
func (p *repairer) indicators(tokens token.Tokens) bool {
	found := false
	for _, t := range tokens {
		message, is := indicator(t.Type)
		line, column := t.Position.Line-1, t.Position.Column-1
		row := p.src.line(line)
		if !is || column < 0 || column >= len(row) || !strings.ContainsRune("!&*", row[column]) {
			continue
		}
		found = true
		if len(p.problems) < maxRepairs {
			p.unquoted(line, column, message)
		} else {
			p.src.fill(line, column, valueEnd(row, column, inFlow(row, column)))
		}
	}
	return found
}

func indicator(t token.Type) (message string, is bool) {
	switch t {
	case token.TagType:
		return "! begins a YAML tag, so what you wrote would be read as no value or as another one", true
	case token.AnchorType:
		return "& begins a YAML anchor, which is not supported", true
	case token.AliasType:
		return "* begins a YAML alias, which is not supported", true
	}
	return "", false
}

// colonInValue: in `if: a ? b : c` the second colon looks like a key.
func (p *repairer) colonInValue(f fault) bool {
	if !strings.Contains(f.message, "mapping value is not allowed") || f.column == 0 || strings.Contains(strings.TrimSpace(f.at.Origin), "\n") {
		return false
	}
	if !strings.Contains(string(f.row[f.column:]), ":") || !strings.Contains(string(f.row[:f.column]), ":") {
		return false
	}
	return p.unquoted(f.line, f.column, "the value holds a colon and a space, which YAML reads as another key")
}
