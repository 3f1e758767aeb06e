package facts

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	htmlcharset "golang.org/x/net/html/charset"
)

// decodeCharset converts the octets of a text to UTF-8. An unknown charset is
// read as rawText guesses. Where the octets are cut, half a character at the
// end is left out.
func decodeCharset(octets []byte, name string, truncated bool) string {
	switch name {
	case "utf-8", "utf8":
		return decodeUTF8(octets, truncated)
	case "", "us-ascii", "ascii", "unknown-8bit", "iso-8859-1", "latin1":
		// Declared by senders that do not know; Windows-1252 is a superset.
		return rawText(cutCharacter(octets, truncated))
	}
	out, ok := convert(octets, name, truncated)
	if whole := cutCharacter(octets, truncated); !ok || strings.Contains(out, "\uFFFD") && utf8.Valid(whole) {
		// Not known, or not true: it is UTF-8 and the charset does not fit it.
		return rawText(whole)
	}
	return out
}

// decodeUTF8 reads text that says that it is UTF-8. Where not one character of
// it is, it is not.
func decodeUTF8(octets []byte, truncated bool) string {
	octets = cutCharacter(octets, truncated)
	if !utf8.Valid(octets) && !hasWideCharacter(octets) {
		return rawText(octets)
	}
	return validText(string(octets))
}

// hasWideCharacter reports whether a character of more than one octet is there.
func hasWideCharacter(octets []byte) bool {
	for len(octets) > 0 {
		_, size := utf8.DecodeRune(octets)
		if size > 1 {
			return true
		}
		octets = octets[size:]
	}
	return false
}

// cutCharacter leaves out the half of a UTF-8 character at the end.
func cutCharacter(octets []byte, truncated bool) []byte {
	if !truncated {
		return octets
	}
	for n := 1; n < utf8.UTFMax && n <= len(octets); n++ {
		tail := octets[len(octets)-n:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return octets[:len(octets)-n]
			}
			break
		}
	}
	return octets
}

// convert converts by a table. A reader that ends in an error instead of EOF
// makes the decoder keep half a character to itself.
func convert(octets []byte, name string, truncated bool) (string, bool) {
	var in io.Reader = bytes.NewReader(octets)
	if truncated {
		in = io.MultiReader(in, cutReader{})
	}
	r, err := charset.Reader(name, in)
	if err != nil {
		return "", false
	}
	var out strings.Builder
	_, err = io.Copy(&out, r)
	if err != nil && !truncated || isReplacement(out.String()) {
		return "", false
	}
	return out.String(), true
}

// isReplacement knows the answer of the decoder that stands for charsets which
// browsers refuse to decode.
func isReplacement(s string) bool { return s == "\uFFFD" }

// cutReader is the end of what was cut.
type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// maxMeta is how far into a document a browser looks for its charset.
const maxMeta = 1024

// metaCharset returns the charset that an HTML document itself declares, "" if
// it declares none. Mail clients look there when the part does not say.
func metaCharset(octets []byte) string {
	head := octets[:min(len(octets), maxMeta)]
	if !bytes.Contains(bytes.ToLower(head), []byte("charset")) {
		return ""
	}
	_, name, _ := htmlcharset.DetermineEncoding(head, "")
	return name
}
