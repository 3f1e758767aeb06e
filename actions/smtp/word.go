package smtp

import (
	"encoding/base64"
	"io"
	"mime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

const (
	// maxRawText is how many octets of a header's text are decoded.
	maxRawText = 4 << 10
	// maxShownText is how many characters of it are used.
	maxShownText = 250
	// maxPlainWord is the longest word that goes unencoded, so that a line
	// can be folded near the 78 characters of RFC 5322 section 2.1.1.
	maxPlainWord = 60
)

// decodeText decodes the text of a header (RFC 2047) and makes one clean line
// of it. What cannot be decoded stays as it is; raw 8-bit text is UTF-8, or
// else Windows-1252.
func decodeText(raw string) string {
	raw = raw[:min(len(raw), maxRawText)]
	if !utf8.ValidString(raw) {
		raw, _ = charmap.Windows1252.NewDecoder().String(raw)
	}
	words := mime.WordDecoder{CharsetReader: charsetReader}
	if text, err := words.DecodeHeader(raw); err == nil {
		raw = text
	}
	return clean(raw)
}

func charsetReader(charset string, in io.Reader) (io.Reader, error) {
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return e.NewDecoder().Reader(in), nil
}

// clean is oneLine, at most 250 characters.
func clean(s string) string {
	s = oneLine(s)
	if runes := []rune(s); len(runes) > maxShownText {
		return string(runes[:maxShownText-1]) + "…"
	}
	return s
}

// oneLine makes one line of a text: valid UTF-8, without control characters
// and those that turn the direction of writing.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// encodeText returns the words of a header that decode to a clean text. What
// only looks like an encoded word is encoded, too: mime.QEncoding lets it pass,
// and a reader would decode it once more.
func encodeText(s string) []string {
	words := strings.Fields(s)
	plain := isASCII(s) && !strings.Contains(s, "=?")
	for _, word := range words {
		plain = plain && len(word) <= maxPlainWord && !strings.ContainsFunc(word, notGraphic)
	}
	if plain {
		return words
	}
	return encodedWords(s)
}

// encodedWords encodes with B, 45 octets a word, so that it has at most 75
// (RFC 2047 section 2) and none ends inside a character (section 5).
func encodedWords(s string) []string {
	var words []string
	for len(s) > 0 {
		n := min(45, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return words
}

// encodePhrase is encodeText for the name before an address, where a bare
// comma or bracket would mean something (RFC 5322 section 3.2.5).
func encodePhrase(s string) []string {
	for _, r := range s {
		if r != ' ' && !isAtom(r) {
			return encodedWords(s)
		}
	}
	return encodeText(s)
}

// shown quotes a text for an error.
func shown(s string) string { return strconv.Quote(clean(s)) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isText reports whether a rune beyond ASCII can be seen.
func isText(r rune) bool {
	return r >= utf8.RuneSelf && r != utf8.RuneError && unicode.IsGraphic(r) && !unicode.IsSpace(r)
}

// notGraphic reports whether a rune is no visible character of ASCII.
func notGraphic(r rune) bool { return r <= ' ' || r > '~' }
