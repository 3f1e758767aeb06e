package engine

import "unicode"

// printable reports whether a character of a message may reach a terminal:
// no control characters (escape sequences) and no format characters (which
// can reorder a line).
func printable(r rune) bool {
	return unicode.IsPrint(r) || r == ' '
}
