package strictyaml

import "unicode/utf8"

// Kind says what a node holds.
type Kind uint8

// The kinds. Of a Bad node a problem was already reported.
const (
	Bad Kind = iota
	Scalar
	Mapping
	Sequence
)

// Type is what YAML makes of a scalar (the core schema); a quoted scalar and a
// block are always strings.
type Type uint8

// The types.
const (
	String Type = iota
	Integer
	Float
	Bool
)

// Style is how a scalar is written.
type Style uint8

// The styles.
const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Block // literal | or folded >
)

// Node is a part of the file.
type Node struct {
	Kind  Kind
	Type  Type  // of a scalar
	Style Style // of a scalar
	// Line and Column are where it starts, from 1.
	Line, Column int

	// Value is a scalar's value; of a number or a boolean, as it is written.
	Value string

	Entries []Entry // of a Mapping, in order of the file
	Items   []*Node // of a Sequence

	src  *source
	last place // of the last rune of Value
}

// Entry is a key of a mapping and its value. Both are never nil; the key is
// always a scalar or Bad.
type Entry struct{ Key, Value *Node }

// Span is a stretch of one line.
type Span struct{ Line, Column, Length int }

// Get returns the value of a key, nil if there is none.
func (n *Node) Get(key string) *Node {
	for _, e := range n.Entries {
		if e.Key.Value == key {
			return e.Value
		}
	}
	return nil
}

// Span returns where length runes of a scalar's value, from offset on, stand
// in the file, whatever quotes, escapes, folds and indentation lie between.
// What goes on over several lines is cut at the end of its first line. Length
// 0 means the whole of the value, and offset may be the end of the value.
func (n *Node) Span(offset, length int) Span {
	if n.Kind != Scalar {
		return Span{n.Line, n.Column, 1}
	}
	switch {
	case length == 0 && offset == 0:
		return n.wholeSpan(n.places())
	case n.Value == "", offset >= utf8.RuneCountInString(n.Value):
		return n.end()
	}
	return stretch(n.places(), max(offset, 0), max(length, 1))
}

// end is the place right behind a scalar's value.
func (n *Node) end() Span {
	if n.Value == "" {
		return Span{n.Line, n.Column, 1}
	}
	return Span{int(n.last.line) + 1, int(n.last.column+n.last.width) + 1, 1}
}

// places finds each rune of a scalar's value anew: nearly no value is ever
// asked where it stands.
func (n *Node) places() []place {
	l := n.locator()
	l.keep, l.places = true, make([]place, 0, len(n.Value))
	l.find(n.Style)
	return l.places
}

func (n *Node) locator() locator {
	return locator{src: n.src, line: n.Line - 1, column: n.Column - 1, rest: n.Value}
}

// wholeSpan covers a value with its quotes, or the first line of a block.
func (n *Node) wholeSpan(places []place) Span {
	if n.Style == Block && len(places) > 0 {
		return stretch(places, 0, len(places))
	}
	return Span{n.Line, n.Column, n.headLength(places)}
}

// headLength is the number of runes that a scalar takes on its first line.
func (n *Node) headLength(places []place) int {
	if len(places) == 0 {
		return max(1, 2*quotes(n.Style))
	}
	span := stretch(places, 0, len(places))
	if span.Line != n.Line {
		return 1
	}
	return span.Column + span.Length + quotes(n.Style) - n.Column
}

func quotes(s Style) int {
	if s == SingleQuoted || s == DoubleQuoted {
		return 1
	}
	return 0
}

func stretch(places []place, offset, length int) Span {
	first := places[offset]
	end := first.column + first.width
	for _, p := range places[offset:min(offset+length, len(places))] {
		if p.line != first.line {
			break
		}
		end = max(end, p.column+p.width)
	}
	return Span{int(first.line) + 1, int(first.column) + 1, int(max(1, end-first.column))}
}

// Comment returns the text after the # that ends a plain scalar, and where the
// # is.
func (n *Node) Comment() (text string, at Span, ok bool) {
	if n.Kind != Scalar || n.Style != Plain {
		return "", Span{}, false
	}
	end := n.end()
	line := n.src.line(end.Line - 1)
	i := end.Column - 1
	for i < len(line) && isBlank(line[i]) {
		i++
	}
	if i >= len(line) || line[i] != '#' || i == end.Column-1 {
		return "", Span{}, false
	}
	return string(line[i+1:]), Span{end.Line, i + 1, len(line) - i}, true
}

// locate finds the value in the file. It reports false when the file says
// something else there: then the value is not what was written.
func (n *Node) locate() bool {
	l := n.locator()
	if l.find(n.Style) {
		n.last = l.last
		return true
	}
	return n.search()
}

// search looks for the value around where the parser says that it is: after
// trailing spaces that is too far to the right, after a tab too far to the
// left, and of some multi-line values it is a later line.
func (n *Node) search() bool {
	tries := 0
	for line := n.Line - 1; line >= max(0, n.Line-1-maxAway); line-- {
		row := n.src.line(line)
		middle := len(row)
		if line == n.Line-1 {
			middle = min(n.Column, len(row))
		}
		for i := range row {
			column := middle - 1 - i
			if column < 0 {
				column = i
			}
			if !n.mayBegin(row[column]) {
				continue
			}
			if tries++; tries > maxTries {
				return false
			}
			if n.isAt(line, column) {
				return true
			}
		}
	}
	return false
}

// isAt takes a place where the value stands for its own.
func (n *Node) isAt(line, column int) bool {
	l := locator{src: n.src, line: line, column: column, rest: n.Value}
	if !l.find(n.Style) {
		return false
	}
	n.Line, n.Column, n.last = line+1, column+1, l.last
	return true
}

// maxAway is how many lines up a value is looked for, maxTries at how many
// places.
const (
	maxAway  = 4
	maxTries = 64
)

// mayBegin reports whether a scalar of this style and value can begin with r.
func (n *Node) mayBegin(r rune) bool {
	switch n.Style {
	case SingleQuoted:
		return r == '\''
	case DoubleQuoted:
		return r == '"'
	case Block:
		return r == '|' || r == '>'
	default:
		first, size := utf8.DecodeRuneInString(n.Value)
		return size > 0 && r == first
	}
}
