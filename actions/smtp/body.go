package smtp

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
)

// MaxMessage is how many octets a message may have that is forwarded: more than
// the large providers take.
const MaxMessage = 64 << 20

// canonical returns a text with CRLF at its line ends, and whether it can be
// sent as it is then, without an encoding: a bare CR (which some servers take
// for a line end), a NUL or a line over 998 octets cannot (RFC 5321 sections
// 2.3.8 and 4.5.3.1.6, RFC 2045 section 2.8).
func canonical(raw []byte) (text []byte, ok bool) {
	text = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	if bytes.ContainsAny(text, "\r\x00") {
		return nil, false
	}
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	return text, longest(text) <= maxLine
}

// longest is the length of the longest line without its CRLF.
func longest(text []byte) int {
	most := 0
	for line := range bytes.Lines(text) {
		most = max(most, len(bytes.TrimRight(line, "\r\n")))
	}
	return most
}

func eightBit(text []byte) bool { return !isASCII(string(text)) }

// transferEncoding is the honest one of a text that goes as it is.
func transferEncoding(text []byte) string {
	if eightBit(text) {
		return "8bit"
	}
	return "7bit"
}

// plainText writes a part, or a message, of text: the two fields, the end of
// the header and the body.
func (c *composer) plainText(text string) {
	c.field("Content-Type", "text/plain;", "charset=utf-8")
	c.field("Content-Transfer-Encoding", "quoted-printable")
	c.end()
	w := quotedprintable.NewWriter(&c.buf)
	if _, err := w.Write([]byte(text)); err != nil {
		c.fail(err)
	}
	if err := w.Close(); err != nil {
		c.fail(err)
	}
	c.end()
}

// base64Lines encodes octets in lines of 76 characters (RFC 2045 section 6.8).
func base64Lines(raw []byte) []byte {
	const octets = 57
	out := make([]byte, 0, len(raw)/octets*78+80)
	for len(raw) > 0 {
		n := min(octets, len(raw))
		out = base64.StdEncoding.AppendEncode(out, raw[:n])
		out = append(out, '\r', '\n')
		raw = raw[n:]
	}
	return out
}
