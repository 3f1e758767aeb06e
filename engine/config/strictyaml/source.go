package strictyaml

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a file.
const (
	MaxSize  = 8 << 20 // bytes: some 30,000 accounts
	MaxDepth = 32      // levels of collections
	MaxKeys  = 50_000  // of one mapping
)

// filler stands for what was reported and is not looked at again. It is not a
// character (Unicode section 23.7), so no file may hold it.
const filler = '\uFFFF'

// Problem is one thing that is wrong with a file.
type Problem struct {
	Span
	Message string
	// Hint says what to write instead, "" if there is nothing to say.
	Hint string
}

// source is the text of a file, one slice of runes a line. Repairs keep every
// line and column where it is.
type source struct{ lines [][]rune }

func (s *source) line(i int) []rune {
	if i < 0 || i >= len(s.lines) {
		return nil
	}
	return s.lines[i]
}

func (s *source) text() string {
	var b strings.Builder
	b.Grow(s.size())
	for _, line := range s.lines {
		for _, r := range line {
			b.WriteRune(r)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// size is about the number of bytes.
func (s *source) size() int {
	n := 0
	for _, line := range s.lines {
		n += len(line) + 1
	}
	return n
}

// fill replaces columns from up to to of a line.
func (s *source) fill(line, from, to int) {
	row := s.line(line)
	for i := max(from, 0); i < min(to, len(row)); i++ {
		row[i] = filler
	}
}

// Lines splits a file as the columns of a Problem count it: without a byte
// order mark and line ends, each byte that is not UTF-8 one U+FFFD.
func Lines(data []byte) []string {
	text := strings.TrimPrefix(string(data), "\uFEFF")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
		if !utf8.ValidString(line) {
			lines[i] = string([]rune(lines[i]))
		}
	}
	return lines
}

// newSource splits a file, reports what is no text, and fills it. The lines lie
// one behind the other: one piece of memory for all of them.
func newSource(lines []string) (*source, []Problem) {
	size := 0
	for _, line := range lines {
		size += utf8.RuneCountInString(line)
	}
	src, all := &source{lines: make([][]rune, len(lines))}, make([]rune, 0, size)
	var problems []Problem
	for i, line := range lines {
		from := len(all)
		for _, r := range line {
			all = append(all, r)
		}
		src.lines[i] = all[from:len(all):len(all)]
		if p, bad := clean(src.lines[i], i); bad && len(problems) < maxRepairs {
			problems = append(problems, p)
		}
	}
	return src, problems
}

func clean(line []rune, number int) (Problem, bool) {
	var found Problem
	bad := false
	for i, r := range line {
		if printable(r) {
			continue
		}
		if !bad {
			found = Problem{Span: Span{number + 1, i + 1, 1}, Message: unprintable(r)}
			bad = true
		}
		line[i] = filler
	}
	return found, bad
}

func unprintable(r rune) string {
	if r == utf8.RuneError {
		return "the file is not UTF-8 here"
	}
	return fmt.Sprintf("the character U+%04X may not stand in YAML", r)
}

// printable is YAML's c-printable (1.2.2 section 5.1) without the replacement
// character, which stands for broken UTF-8, and without what reorders text on
// a screen.
func printable(r rune) bool {
	switch {
	case r == '\t', ' ' <= r && r <= '~':
		return true
	case r == utf8.RuneError, r == filler, r == '\uFFFE', r == '\uFEFF':
		return false
	case unicode.Is(unicode.Bidi_Control, r):
		return false
	}
	return !unicode.IsControl(r) && r != '\u2028' && r != '\u2029'
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

func indentOf(line []rune) int {
	n := 0
	for n < len(line) && line[n] == ' ' {
		n++
	}
	return n
}

// empty reports whether a line holds nothing or only a comment.
func empty(line []rune) bool {
	text := strings.TrimLeft(string(line), " \t")
	return text == "" || text[0] == '#'
}
