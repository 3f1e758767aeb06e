package preset

import (
	"strings"
	"unicode"
)

// unmention puts a zero-width space behind each "@" that begins a word, so that
// no service sees the name of a person or a group behind it. That of an address
// stays as it is.
func unmention(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	var out strings.Builder
	last := ' '
	for _, r := range s {
		out.WriteRune(r)
		if r == '@' && !unicode.IsLetter(last) && !unicode.IsDigit(last) {
			out.WriteRune('\u200b')
		}
		last = r
	}
	return out.String()
}

// unmentioned is a note whose words mention nobody.
func (n Note) unmentioned() Note {
	n.Title, n.Body = unmention(n.title()), unmention(n.body())
	return n
}
