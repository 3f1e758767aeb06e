package strictyaml

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// place is where one rune of a value is written: line and column from 0, and
// how many runes of the line it takes; a line end takes none.
// A file has fewer of them than 32 bits can count.
type place struct{ line, column, width int32 }

// locator walks over the written form of a scalar beside its value.
type locator struct {
	src          *source
	line, column int
	rest         string // what of the value is not found yet
	last         place  // of the rune before it
	// places are those of all runes. Only who reports something asks for them.
	places []place
	keep   bool
}

// find looks for every rune of the value. It reports false when what is written
// there is not this value.
func (l *locator) find(style Style) bool {
	switch style {
	case Block:
		return l.block() && l.complete()
	case SingleQuoted, DoubleQuoted:
		l.column++
	}
	for l.rest != "" {
		if !l.step(style) {
			return false
		}
	}
	return true
}

// complete gives line ends at the end of a block the place where the file says
// nothing more.
func (l *locator) complete() bool {
	for l.rest != "" {
		if !l.emit('\n', l.here(0)) {
			return false
		}
	}
	return true
}

// emit notes that the next rune of the value is r.
func (l *locator) emit(r rune, at place) bool {
	next, size := utf8.DecodeRuneInString(l.rest)
	if size == 0 || next != r {
		return false
	}
	l.rest, l.last = l.rest[size:], at
	if l.keep {
		l.places = append(l.places, at)
	}
	return true
}

// step consumes one unit of a flow scalar: a fold, an escape or a rune.
func (l *locator) step(style Style) bool {
	row := l.src.line(l.line)
	if l.column > len(row) || l.line >= len(l.src.lines) {
		return false
	}
	if l.restBlank(row) {
		return l.fold()
	}
	r := row[l.column]
	switch {
	case style == DoubleQuoted && r == '\\':
		return l.escape(row)
	case style == SingleQuoted && r == '\'':
		if l.column+1 >= len(row) || row[l.column+1] != '\'' {
			return false
		}
		return l.take(r, 2)
	default:
		return l.take(r, 1)
	}
}

func (l *locator) take(r rune, width int) bool {
	at := l.here(width)
	l.column += width
	return l.emit(r, at)
}

// here is the place of a rune that takes so many runes where the locator is.
func (l *locator) here(width int) place {
	return place{int32(l.line), int32(l.column), int32(width)}
}

func (l *locator) restBlank(row []rune) bool {
	for _, r := range row[l.column:] {
		if !isBlank(r) {
			return false
		}
	}
	return true
}

// fold is line folding (YAML 1.2.2 section 6.5): one line end is a space, each
// further one a line end.
func (l *locator) fold() bool {
	at := l.here(0)
	newlines := l.nextText()
	if newlines == 0 {
		return false
	}
	if newlines == 1 {
		return l.emit(' ', at)
	}
	for range newlines - 1 {
		if !l.emit('\n', at) {
			return false
		}
	}
	return true
}

// nextText goes to the first text after the line, and counts line ends.
func (l *locator) nextText() int {
	newlines := 0
	for l.line+1 < len(l.src.lines) {
		l.line++
		l.column = 0
		newlines++
		row := l.src.line(l.line)
		for l.column < len(row) && isBlank(row[l.column]) {
			l.column++
		}
		if l.column < len(row) {
			return newlines
		}
	}
	return 0
}

// escape is one escape of a double-quoted scalar (YAML 1.2.2 section 5.7).
func (l *locator) escape(row []rune) bool {
	if l.column+1 >= len(row) {
		return l.nextText() > 0 // an escaped line end
	}
	c := row[l.column+1]
	if digits := hexDigits(c); digits > 0 {
		return l.hexEscape(row, digits)
	}
	r, known := simpleEscapes()[c]
	return known && l.take(r, 2)
}

func hexDigits(c rune) int {
	switch c {
	case 'x':
		return 2
	case 'u':
		return 4
	case 'U':
		return 8
	}
	return 0
}

func (l *locator) hexEscape(row []rune, digits int) bool {
	r, ok := hexAt(row, l.column+2, digits)
	if !ok {
		return false
	}
	width := 2 + digits
	if utf16.IsSurrogate(r) {
		low, ok := hexAt(row, l.column+width+2, digits)
		if !ok {
			return false
		}
		r, width = utf16.DecodeRune(r, low), 2*width
	}
	return l.take(r, width)
}

func hexAt(row []rune, from, digits int) (rune, bool) {
	if from+digits > len(row) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(row[from:from+digits]), 16, 32)
	return rune(n), err == nil
}

func simpleEscapes() map[rune]rune {
	return map[rune]rune{
		'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r',
		'e': 0x1b, ' ': ' ', '"': '"', '/': '/', '\\': '\\',
		'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029,
	}
}

// block walks over a literal or folded scalar (YAML 1.2.2 section 8.1). The
// locator starts at its header.
func (l *locator) block() bool {
	header := l.src.line(l.line)
	parent := indentOf(header)
	indent := l.blockIndent(header, parent)
	for l.line+1 < len(l.src.lines) && l.rest != "" {
		l.line++
		row := l.src.line(l.line)
		l.column = min(indent, len(row))
		if !l.blockLine(row) {
			return false
		}
	}
	return true
}

// blockIndent is the indentation of the content: the first line that has text
// decides, or a longer blank line before it does not, or the header's digit.
func (l *locator) blockIndent(header []rune, parent int) int {
	for _, r := range header[l.column:] {
		if r >= '1' && r <= '9' {
			return parent + l.dashes(header, parent) + int(r-'0')
		}
		if isBlank(r) {
			break
		}
	}
	for i := l.line + 1; i < len(l.src.lines); i++ {
		if row := l.src.line(i); indentOf(row) < len(row) {
			return indentOf(row)
		}
	}
	return 0
}

// dashes is how much deeper than its line the mapping stands that holds the
// block, when sequences begin on the same line.
func (l *locator) dashes(header []rune, parent int) int {
	n := parent
	for n+1 < l.column && header[n] == '-' && isBlank(header[n+1]) {
		next := n + 1
		for next < l.column && isBlank(header[next]) {
			next++
		}
		if next >= l.column {
			break // the block is the entry itself
		}
		n = next
	}
	return n - parent
}

// blockLine matches the text of one line, then what its line end became: a
// line end, or a space, or nothing.
func (l *locator) blockLine(row []rune) bool {
	for l.column < len(row) && l.rest != "" {
		if !l.take(row[l.column], 1) {
			return false
		}
	}
	switch {
	case strings.HasPrefix(l.rest, "\n"), strings.HasPrefix(l.rest, " "):
		// In a folded scalar the first of several line ends became nothing,
		// but which of them it was does not matter to anyone.
		l.emit(rune(l.rest[0]), l.here(0))
	}
	return true
}
