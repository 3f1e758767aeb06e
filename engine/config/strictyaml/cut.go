package strictyaml

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// generic reports an error that no trap knows and cuts the entry out in which
// it lies.
func (p *repairer) generic(f fault, tokens token.Tokens) bool {
	at, message, hint := p.describe(f, tokens)
	if !p.said {
		p.report(at, message, hint)
		p.said = true
	}
	again := p.last == at
	p.last = at
	return p.cut(at.Line-1, again)
}

// describe finds the place to which an error belongs: the parser often sees
// it only later.
func (p *repairer) describe(f fault, tokens token.Tokens) (Span, string, string) {
	here := Span{f.line + 1, f.column + 1, 1}
	switch {
	case strings.Contains(f.message, "could not find end character"):
		return here, "this quote is not closed", "close it on the same line, or quote the value with the other kind"
	case strings.Contains(f.message, "cannot start any token") && strings.ContainsRune(string(f.row), '\t'):
		return tabAt(f), "YAML cannot be indented with a tab", "use spaces"
	case f.message == tooDeepMessage(), f.message == complexKey, f.message == tooManyMessage():
		return here, f.message, ""
	}
	if open := unclosed(f, tokens); open != nil {
		char := strings.TrimSpace(open.Value)
		return Span{open.Position.Line, open.Position.Column, 1}, fmt.Sprintf("this %s is not closed", char), ""
	}
	if deeper := strings.Count(strings.TrimRight(f.at.Origin, "\n"), "\n"); deeper > 0 && f.line+deeper < len(p.src.lines) {
		line := f.line + deeper
		return Span{line + 1, indentOf(p.src.line(line)) + 1, 1}, "this line does not fit the indentation of the lines above",
			"begin it in the same column as the keys it belongs to"
	}
	return here, "this is not valid YAML: " + f.message, "look at the indentation, the colons and the quotes around it"
}

func tabAt(f fault) Span {
	column := 0
	for column < len(f.row) && f.row[column] != '\t' {
		column++
	}
	return Span{f.line + 1, column + 1, 1}
}

// unclosed is the innermost flow collection that is open where the error is,
// if it was opened on an earlier line or the file ended.
func unclosed(f fault, tokens token.Tokens) *token.Token {
	if strings.Contains(f.message, "end token") {
		return f.at
	}
	if !strings.Contains(f.message, "must be specified") {
		return nil
	}
	var open []*token.Token
	for _, t := range tokens {
		if t == f.at || t.Position.Offset >= f.at.Position.Offset {
			break
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, t)
		case token.SequenceEndType, token.MappingEndType:
			open = open[:max(0, len(open)-1)]
		}
	}
	if len(open) == 0 || open[len(open)-1].Position.Line-1 == f.line {
		return nil
	}
	return open[len(open)-1]
}

// cut replaces the entry that holds a line: one rule, one account, one
// definition. If that was not enough, or if there is no such entry, it
// replaces everything under the top-level key.
func (p *repairer) cut(line int, again bool) bool {
	top := p.topOf(line)
	if top < 0 {
		return false
	}
	last := p.endOfTop(top)
	child := p.firstChild(top, last)
	if child < 0 || line < child || again {
		return p.blank(top, last)
	}
	indent := indentOf(p.src.line(child))
	start := line
	for start > child && (p.within(start, indent) || !p.begins(start, child)) {
		start--
	}
	end := start + 1
	for end < last && (p.within(end, indent) || !p.begins(end, child)) {
		end++
	}
	return p.blank(start, end)
}

// topOf finds the line at or above that begins a top-level key.
func (p *repairer) topOf(line int) int {
	for line >= 0 && !p.isTop(line) {
		line--
	}
	return line
}

func (p *repairer) isTop(line int) bool {
	row := p.src.line(line)
	return !empty(row) && !isBlank(row[0]) && row[0] != '-' && row[0] != ']' && row[0] != '}' && row[0] != ':' &&
		(row[0] == '?' || strings.ContainsRune(string(row), ':'))
}

func (p *repairer) endOfTop(top int) int {
	end := top + 1
	for end < len(p.src.lines) && !p.isTop(end) {
		end++
	}
	return end
}

func (p *repairer) firstChild(top, end int) int {
	for i := top + 1; i < end; i++ {
		if !empty(p.src.line(i)) {
			return i
		}
	}
	return -1
}

// within reports whether a line can only be the inside of an entry. A tab
// means that it is indented, whatever its column.
func (p *repairer) within(line, indent int) bool {
	row := p.src.line(line)
	n := indentOf(row)
	return empty(row) || n > indent || row[n] == '\t'
}

// begins reports whether a line begins an entry like the first child does.
func (p *repairer) begins(line, child int) bool {
	a, b := p.src.line(line), p.src.line(child)
	if indentOf(a) != indentOf(b) {
		return indentOf(a) < indentOf(b)
	}
	return (a[indentOf(a)] == '-') == (b[indentOf(b)] == '-')
}

// blank makes lines from start up to end one entry that is filled. It reports
// false when they were so already.
func (p *repairer) blank(start, end int) bool {
	row := p.src.line(start)
	indent := indentOf(row)
	changed := !strings.ContainsRune(string(row), filler) || end > start+1
	switch colon := strings.IndexRune(string(row), ':'); {
	case indent < len(row) && row[indent] == '-':
		p.src.lines[start] = append(append([]rune{}, row[:indent+1]...), ' ', filler)
	case colon > 0:
		key := []rune(string(row)[:colon])
		p.src.lines[start] = append(append([]rune{}, key...), ':', ' ', filler)
	default:
		p.src.lines[start] = nil
	}
	for i := start + 1; i < end; i++ {
		p.src.lines[i] = nil
	}
	return changed
}
