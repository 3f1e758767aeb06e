package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// screenWidth is how many columns explanations and tables take: what every
// terminal has.
const screenWidth = 80

// The colours of a screen. What they say, a word beside them says too.
const (
	plain  = 0
	bold   = 1
	faint  = 2
	red    = 31
	green  = 32
	yellow = 33
)

// screen lays out lines of text for a terminal of so many columns.
type screen struct {
	b     strings.Builder
	width int
	color bool
}

func (a *app) screen() *screen { return &screen{width: screenWidth, color: color(a.out)} }

// line prints a text behind a prefix, which takes the colour. What does not fit
// goes on below the beginning of the text. Nothing in either can move the
// cursor.
func (s *screen) line(prefix string, code int, text string) {
	prefix = visible(prefix)
	at := utf8.RuneCountInString(prefix)
	for i, part := range breakLines(visible(text), s.width-at) {
		if i > 0 {
			prefix, code = strings.Repeat(" ", at), plain
		}
		s.b.WriteString(strings.TrimRight(s.paint(code, prefix)+part, " ") + "\n")
	}
}

func (s *screen) paint(code int, text string) string {
	if !s.color || code == plain || strings.TrimSpace(text) == "" {
		return text
	}
	word := strings.TrimRight(text, " ")
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m%s", code, word, text[len(word):])
}

func (s *screen) gap() { s.b.WriteString("\n") }

// breakLines breaks a text at blanks into lines of so many characters. A word
// that is longer has a line to itself.
func breakLines(text string, width int) []string {
	var lines []string
	line, n := "", 0
	for _, word := range strings.Split(text, " ") {
		long := utf8.RuneCountInString(word)
		if n > 0 && n+1+long > width {
			lines = append(lines, line)
			line, n = "", 0
		}
		if n > 0 {
			line += " "
			n++
		}
		line += word
		n += long
	}
	return append(lines, line)
}

// visible shows what cannot be printed as its code.
func visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "<U+%04X>", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }
