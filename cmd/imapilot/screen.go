package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
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

// visible shows what cannot be printed as its code, and octets that are not UTF-8
// as U+FFFD: some terminals obey 0x9B alone.
func visible(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, hidden) < 0 {
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

// visibleLines is visible for a text of several lines.
func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	return strings.Join(lines, "\n")
}

// escaping writes JSON in which characters that cannot be printed stand as
// escapes (RFC 8259 section 7). encoding/json leaves some as they are that move
// the cursor of a terminal or reorder its line. Each write holds whole
// characters.
type escaping struct{ io.Writer }

func (w escaping) Write(p []byte) (int, error) {
	if _, err := w.Writer.Write(escaped(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func escaped(p []byte) []byte {
	strange := func(r rune) bool { return r != '\n' && hidden(r) }
	if bytes.IndexFunc(p, strange) < 0 {
		return p
	}
	var out []byte
	for _, r := range string(p) {
		if !strange(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }
