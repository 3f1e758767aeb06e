package preset

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf16"
)

// line cleans text and makes it one line.
func line(s string) string {
	return strings.Join(strings.FieldsFunc(lines(s), func(r rune) bool { return r == '\n' || r == '\t' || r == ' ' }), " ")
}

// lines cleans text: what stays are line feeds, tabs and what is not a control
// character. Those that turn the direction of writing go too, for they would
// turn what stands around the text. Bytes that are no UTF-8 become U+FFFD.
func lines(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// visible reports whether text has a character that shows.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.M, r) })
}

// unit counts the size of text as a service does.
type unit func(string) int

func octets(s string) int { return len(s) }

// characters counts the units of UTF-16, as the clients of chats do; where a
// service counts code points, that is never too few.
func characters(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// spelling is how a service wants a character written.
type spelling func(rune) string

func plain(r rune) string { return string(r) }

// clip returns as much of the text as fits into size, each character spelled,
// none in half. What was cut ends in "…".
func clip(s string, size int, count unit, spell spelling) string {
	var out strings.Builder
	used, fits := 0, 0 // fits is how much of out leaves room for the mark
	for _, r := range s {
		piece := spell(r)
		if used += count(piece); used > size {
			return out.String()[:fits] + "…"
		}
		out.WriteString(piece)
		if used+count("…") <= size {
			fits = out.Len()
		}
	}
	return out.String()
}

// style is how a service shows a title, a body and a link as one text.
type style struct {
	size        int // of the whole
	count       unit
	spell       spelling
	open, close string   // around the title
	link        spelling // nil for plain
}

// text puts a note together within the size: up to a quarter for the title, the
// rest for the body, and the link whole or, where it takes half, not at all.
func (s style) text(n Note) string {
	tail := s.tail(n.Link)
	title := s.open + clip(n.title(), s.size/4, s.count, s.spell) + s.close
	body := n.body()
	if body == "" {
		return title + tail
	}
	return title + "\n" + clip(body, s.size-s.count(title+"\n"+tail), s.count, s.spell) + tail
}

func (s style) tail(link string) string {
	spell := s.link
	if spell == nil {
		spell = plain
	}
	var out strings.Builder
	for _, r := range link {
		out.WriteString(spell(r))
	}
	if link == "" || s.count(out.String()) >= s.size/2 {
		return ""
	}
	return "\n" + out.String()
}

// backslash is a spelling of Markdown that escapes these characters.
func backslash(special string) spelling {
	return func(r rune) string {
		if strings.ContainsRune(special, r) {
			return `\` + string(r)
		}
		return string(r)
	}
}

// encode writes JSON without the escapes that only a page of HTML needs: they
// take six bytes for one, and services limit bytes.
func encode(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		// The bodies are structs of strings, numbers and lists of them.
		panic(err)
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
