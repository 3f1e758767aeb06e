package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"imapilot/rules"
)

// graph shows the ways between mailboxes, those out of one below each other.
func (s *screen) graph(rs *rules.Ruleset, circles []string) {
	moves, dry := rs.Moves(), map[string]bool{}
	for _, r := range rs.Rules() {
		dry[r.Name] = r.DryRun
	}
	if len(moves) == 0 {
		s.line("", plain, "No rule moves or copies mail.")
	}
	at := map[string]bool{}
	for _, m := range moves {
		if at[m.From] {
			continue
		}
		at[m.From] = true
		s.line("", bold, m.From)
		for _, way := range moves {
			if way.From == m.From {
				s.way(way, dry[way.Rule])
			}
		}
	}
	s.gap()
	if len(circles) == 0 {
		s.line("", plain, "No way leads in a circle.")
	}
	for _, c := range circles {
		s.line("Circle: ", yellow, c)
	}
}

func (s *screen) way(m rules.Move, dry bool) {
	arrow, does := "--> ", "moves"
	if m.Copy {
		arrow, does = "==> ", "copies"
	}
	if dry {
		does += ", in dry run"
	}
	s.line("  "+arrow, plain, fmt.Sprintf("%s  (%q %s)", m.To, m.Rule, does))
}

// dot prints the ways as a graph for graphviz; copies are dashed.
func (s *screen) dot(moves []rules.Move) {
	s.b.WriteString("digraph rules {\n  rankdir=LR\n  node [shape=box]\n")
	for _, m := range moves {
		style := ""
		if m.Copy {
			style = ", style=dashed"
		}
		fmt.Fprintf(&s.b, "  %s -> %s [label=%s%s]\n", dotQuoted(m.From), dotQuoted(m.To), dotQuoted(m.Rule), style)
	}
	s.b.WriteString("}\n")
}

// dotQuoted writes a name so that graphviz shows it as it stands.
func dotQuoted(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(visible(name)) + `"`
}

const (
	// columnGap is what stands between two columns.
	columnGap = 2
	// minColumn is how narrow a column may become.
	minColumn = 8
)

// table prints rows in columns that together fit on the screen; what a cell has
// no room for goes on below it. The first row is a heading.
func (s *screen) table(rows [][]string) {
	widths := fitColumns(rows, s.width)
	for i, row := range rows {
		code := plain
		if i == 0 {
			code = bold
		}
		s.tableRow(row, widths, code)
	}
}

func (s *screen) tableRow(row []string, widths []int, code int) {
	cells := make([][]string, len(row))
	height := 0
	for i, cell := range row {
		cells[i] = breakCell(cell, widths[i])
		height = max(height, len(cells[i]))
	}
	for n := range height {
		line := ""
		for i, cell := range cells {
			text := ""
			if n < len(cell) {
				text = cell[n]
			}
			line += text + strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(text)+columnGap))
		}
		s.b.WriteString(s.paint(code, strings.TrimRight(line, " ")) + "\n")
	}
}

// fitColumns gives each column what its longest cell needs, and takes from the
// widest until all fit.
func fitColumns(rows [][]string, width int) []int {
	widths := make([]int, len(rows[0]))
	total := columnGap * (len(widths) - 1)
	for i := range widths {
		for _, row := range rows {
			for line := range strings.SplitSeq(row[i], "\n") {
				widths[i] = max(widths[i], utf8.RuneCountInString(visible(line)))
			}
		}
		total += widths[i]
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= minColumn {
			break
		}
		widths[widest]--
	}
	return widths
}

// breakCell breaks a text at its line ends and at blanks, and a word that has no
// room behind one of its "/", or else anywhere.
func breakCell(text string, width int) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		for _, line := range breakLines(visible(line), width) {
			r := []rune(line)
			for len(r) > width {
				n := width
				if slash := strings.LastIndexByte(string(r[:width]), '/'); slash > 0 {
					n = utf8.RuneCountInString(string(r[:width])[:slash+1])
				}
				out = append(out, string(r[:n]))
				r = r[n:]
			}
			out = append(out, string(r))
		}
	}
	return out
}
