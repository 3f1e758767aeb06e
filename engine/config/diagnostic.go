package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"imapilot/rules"
)

// Diagnostic is one problem of a configuration, at its place.
type Diagnostic struct {
	File string `json:"file"`
	// Line and Column count from 1, in runes; Length is 0 for a place.
	Line     int            `json:"line"`
	Column   int            `json:"column"`
	Length   int            `json:"length,omitempty"`
	Severity rules.Severity `json:"-"`
	Message  string         `json:"message"`
	Hint     string         `json:"hint,omitempty"`
	// Source is the line of the file.
	Source string `json:"source,omitempty"`
}

// Level is "error" or "warning".
func (d Diagnostic) Level() string {
	if d.Severity == rules.Warning {
		return "warning"
	}
	return "error"
}

const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	reset  = "\x1b[0m"
)

// maxShown is how much of a line is shown around a caret.
const maxShown = 66

// Format prints the diagnostic as compilers do: place and message, the line,
// a caret below the part that is meant, and the hint.
func (d Diagnostic) Format(color bool) string {
	paint := func(code, s string) string {
		if !color {
			return s
		}
		return code + s + reset
	}
	level := paint(red, "error:")
	if d.Severity == rules.Warning {
		level = paint(yellow, "warning:")
	}
	var b strings.Builder
	place := d.File
	if d.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
	}
	fmt.Fprintf(&b, "%s %s %s\n", paint(bold, place+":"), level, printable(d.Message))
	if d.Line > 0 {
		text, caret := d.window()
		fmt.Fprintf(&b, "%s %s\n", paint(dim, fmt.Sprintf("%5d |", d.Line)), text)
		fmt.Fprintf(&b, "%s %s\n", paint(dim, "      |"), paint(red, caret))
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "  hint: %s\n", printable(d.Hint))
	}
	return b.String()
}

// window cuts the line around the column and makes the caret line for it.
func (d Diagnostic) window() (text, caret string) {
	row := []rune(d.Source)
	at := min(max(0, d.Column-1), len(row))
	from := 0
	if len(row) > maxShown && at > maxShown*2/3 {
		from = at - maxShown*2/3
	}
	to := min(len(row), from+maxShown)
	var shown, below strings.Builder
	if from > 0 {
		shown.WriteString("...")
		below.WriteString("   ")
	}
	for i := from; i < to; i++ {
		s := visible(row[i])
		shown.WriteString(s)
		mark := " "
		if i >= at && i < at+max(1, d.Length) {
			mark = "^"
		}
		if i < at+max(1, d.Length) {
			below.WriteString(strings.Repeat(mark, columns(s)))
		}
	}
	if to < len(row) {
		shown.WriteString("...")
	}
	if at >= to {
		below.WriteString("^")
	}
	return shown.String(), strings.TrimRight(below.String(), " ")
}

// visible is how a rune is shown: tabs as two spaces, what cannot be printed
// as its code.
func visible(r rune) string {
	switch {
	case r == '\t':
		return "  "
	case unicode.IsPrint(r):
		return string(r)
	default:
		return fmt.Sprintf("<U+%04X>", r)
	}
}

func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(visible(r))
	}
	return b.String()
}

// columns is how many columns of a terminal a string takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// Summary counts diagnostics: "8 errors, 1 warning".
func Summary(all []Diagnostic) string {
	errors, warnings := 0, 0
	for _, d := range all {
		if d.Severity == rules.Warning {
			warnings++
		} else {
			errors++
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{errors, "error"}, {warnings, "warning"}} {
		if p.n == 1 {
			parts = append(parts, "1 "+p.word)
		} else if p.n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", p.n, p.word))
		}
	}
	if len(parts) == 0 {
		return "no problems"
	}
	return strings.Join(parts, ", ")
}

// HasErrors reports whether one of the diagnostics prevents loading.
func HasErrors(all []Diagnostic) bool {
	return slices.ContainsFunc(all, func(d Diagnostic) bool { return d.Severity == rules.Error })
}

// sortDiagnostics brings them into the order of the files, each once.
func sortDiagnostics(all []Diagnostic, files []string) []Diagnostic {
	slices.SortStableFunc(all, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
		)
	})
	return slices.Compact(all)
}
