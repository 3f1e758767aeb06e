package facts

import (
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

// maxWord is the most octets of one encoded word. RFC 2047 section 2 allows
// 75, but some senders put a whole subject into one.
const maxWord = 4096

// rawText reads octets that name no charset: as UTF-8 where they are that
// (RFC 6532), else as Windows-1252, which is what clients guess.
func rawText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// validText puts U+FFFD for what is no UTF-8. Nearly all text is, and to see
// that costs a tenth of looking for what is not.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// clean makes text safe to print on one line and to put into a document: valid
// UTF-8, no NUL, a space for CR, LF and tab, no space around it.
func clean(s string) string {
	s = validText(s)
	if strings.ContainsAny(s, "\x00\r\n\t") {
		s = strings.Map(func(r rune) rune {
			switch r {
			case 0:
				return -1
			case '\r', '\n', '\t':
				return ' '
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}

// word is an encoded word (RFC 2047 section 2): =?charset?encoding?text?=.
type word struct {
	charset string
	octets  []byte
}

// decodeWords decodes the encoded words of a value. A word that is malformed
// or of an unknown charset stays as it is. Words that follow each other in one
// charset are joined before they are converted, because many senders split a
// character between two words.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	for s != "" {
		start := strings.Index(s, "=?")
		if start < 0 {
			break
		}
		out.WriteString(s[:start])
		text, rest := decodeRun(s[start:])
		out.WriteString(text)
		s = rest
	}
	out.WriteString(s)
	return clean(out.String())
}

// decodeRun decodes the encoded words at the start of s, of which white space
// between two is not part of the text (RFC 2047 section 6.2).
func decodeRun(s string) (text, rest string) {
	w, end := parseWord(s)
	if end == 0 {
		return s[:2], s[2:]
	}
	var out strings.Builder
	start := 0
	for {
		next := end + len(s[end:]) - len(strings.TrimLeft(s[end:], " "))
		following, size := parseWord(s[next:])
		if size == 0 {
			out.WriteString(w.text(s[start:end]))
			return out.String(), s[end:]
		}
		if strings.EqualFold(following.charset, w.charset) {
			w.octets = append(w.octets, following.octets...)
		} else {
			out.WriteString(w.text(s[start:end]))
			w, start = following, next
		}
		end = next + size
	}
}

// parseWord reads one encoded word at the start of s and tells its size, 0 if
// there is none.
func parseWord(s string) (word, int) {
	if !strings.HasPrefix(s, "=?") {
		return word{}, 0
	}
	if len(s) > maxWord {
		s = s[:maxWord]
	}
	name, rest, ok := strings.Cut(s[2:], "?")
	if !ok || name == "" || len(rest) < 2 || rest[1] != '?' || strings.ContainsAny(name, " =") {
		return word{}, 0
	}
	encoding, rest := rest[0], rest[2:]
	text, _, ok := strings.Cut(rest, "?=")
	if !ok {
		return word{}, 0
	}
	octets, ok := decodeText(encoding, text)
	if !ok {
		return word{}, 0
	}
	name, _, _ = strings.Cut(name, "*") // RFC 2231 section 5: a language
	return word{charset: name, octets: octets}, len(s[2:]) - len(rest) + 2 + len(text) + 2
}

func decodeText(encoding byte, text string) ([]byte, bool) {
	switch encoding {
	case 'B', 'b':
		// Padding is often wrong and says nothing that the length does not.
		text = strings.TrimRight(strings.ReplaceAll(text, " ", ""), "=")
		out, err := base64.RawStdEncoding.DecodeString(text)
		return out, err == nil
	case 'Q', 'q':
		return decodeQ(text)
	default:
		return nil, false
	}
}

// decodeQ is the "Q" encoding of RFC 2047 section 4.2.
func decodeQ(text string) ([]byte, bool) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '_':
			out = append(out, ' ')
		case '=':
			if i+2 >= len(text) {
				return nil, false
			}
			hi, lo := hexValue(text[i+1]), hexValue(text[i+2])
			if hi < 0 || lo < 0 {
				return nil, false
			}
			out = append(out, byte(hi<<4|lo))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out, true
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// text converts the octets to UTF-8, or returns source, the words as they
// stand, when their charset is unknown.
func (w word) text(source string) string {
	switch strings.ToLower(w.charset) {
	case "utf-8", "utf8":
		return strings.ToValidUTF8(string(w.octets), "\uFFFD")
	case "us-ascii", "ascii", "unknown-8bit", "iso-8859-1", "latin1":
		// Declared by senders that do not know; Windows-1252 is a superset.
		return rawText(w.octets)
	}
	r, err := charset.Reader(w.charset, strings.NewReader(string(w.octets)))
	if err != nil {
		return source
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return source
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}
