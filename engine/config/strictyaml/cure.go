package strictyaml

import "strings"

// quoteHint is the one cure for a value that YAML reads as something else.
func quoteHint(written string) string {
	written = strings.TrimSpace(written)
	if strings.ContainsRune(written, '\'') || strings.ContainsRune(written, filler) || written == "" {
		return `write it as a block: "|" after the colon, the value on the next line, indented deeper`
	}
	return "write it in single quotes: '" + written + "'"
}

// valueEnd is the column after the value that begins at a column: in a block
// up to a comment or the end of the line; in a flow collection up to the
// character that ends it, where ${...} and quoted words are one piece.
func valueEnd(line []rune, from int, flow bool) int {
	end := blockEnd(line, from)
	if flow {
		end = flowEnd(line, from)
	}
	for end > from && isBlank(line[end-1]) {
		end--
	}
	return end
}

func blockEnd(line []rune, from int) int {
	for i := from; i < len(line); i++ {
		if line[i] == '#' && i > from && isBlank(line[i-1]) {
			return i
		}
	}
	return len(line)
}

func flowEnd(line []rune, from int) int {
	depth := 0
	quote := rune(0)
	for i := from; i < len(line); i++ {
		r := line[i]
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '{' || r == '[' || r == '(':
			depth++
		case depth > 0 && (r == '}' || r == ']' || r == ')'):
			depth--
		case depth == 0 && strings.ContainsRune(",]}", r):
			return i
		}
	}
	return len(line)
}

// inFlow reports whether a column of a line lies in a flow collection that was
// opened on that line, which is all that a value on one line can need.
func inFlow(line []rune, column int) bool {
	depth := 0
	quote := rune(0)
	for i := 0; i < min(column, len(line)); i++ {
		r := line[i]
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		}
	}
	return depth > 0
}
