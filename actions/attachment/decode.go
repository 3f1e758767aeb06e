package attachment

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// decoder undoes a transfer encoding (RFC 2045 section 6), line by line, as
// facts does it for what rules read.
type decoder interface {
	// text takes a line without its end, or a part of it; begins is set for the
	// first one.
	text(p []byte, begins bool) error
	lineEnd(p []byte) error
	close() error
}

// encoding returns the transfer encoding of a part. A comment after it, and a
// semicolon, are of senders that do not know better.
func encoding(single *imap.BodyStructureSinglePart) string {
	s := strings.ToLower(strings.TrimLeft(single.Encoding, " \t\"'"))
	if end := strings.IndexAny(s, " \t;(\"'"); end >= 0 {
		s = s[:end]
	}
	return s
}

// newDecoder returns the decoder of an encoding. One that is not known leaves
// the octets as they are.
func newDecoder(encoding string, to io.Writer) decoder {
	switch encoding {
	case "base64":
		return &base64Decoder{to: to}
	case "quoted-printable":
		return &quotedDecoder{to: to}
	}
	return plain{to}
}

// discard decodes nothing.
type discard struct{}

func (discard) text([]byte, bool) error { return nil }
func (discard) lineEnd([]byte) error    { return nil }
func (discard) close() error            { return nil }

// plain is for 7bit, 8bit and binary.
type plain struct{ to io.Writer }

func (d plain) text(p []byte, _ bool) error { return write(d.to, p) }
func (d plain) lineEnd(p []byte) error      { return write(d.to, p) }
func (d plain) close() error                { return nil }

// base64Decoder skips what is not of the alphabet (RFC 2045 section 6.8), and
// goes on after padding, because some senders encode piece by piece. After
// padding a line that is not of the alphabet is the footer of some gateway, and
// ends it.
type base64Decoder struct {
	to            io.Writer
	quantum       []byte
	padded, ended bool
}

func (d *base64Decoder) text(p []byte, begins bool) error {
	d.ended = d.ended || begins && d.padded && !isBase64(p)
	if d.ended {
		return nil
	}
	out := make([]byte, 0, len(p)/4*3+3)
	for _, c := range p {
		if c == '=' {
			out, d.padded = d.decode(out), true
		}
		if !isBase64Char(c) {
			continue
		}
		if d.quantum = append(d.quantum, c); len(d.quantum) == 4 {
			out = d.decode(out)
		}
	}
	return write(d.to, out)
}

func (d *base64Decoder) lineEnd([]byte) error { return nil }
func (d *base64Decoder) close() error         { return write(d.to, d.decode(nil)) }

// decode appends what up to four characters mean. One alone is less than an
// octet.
func (d *base64Decoder) decode(out []byte) []byte {
	decoded, err := base64.RawStdEncoding.AppendDecode(out, d.quantum)
	d.quantum = d.quantum[:0]
	if err != nil {
		return out
	}
	return decoded
}

func isBase64(line []byte) bool {
	for _, c := range bytes.TrimSpace(line) {
		if c != '=' && !isBase64Char(c) {
			return false
		}
	}
	return true
}

func isBase64Char(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// quotedDecoder is for quoted-printable (RFC 2045 section 6.7). An "=" that
// begins no escape stays.
type quotedDecoder struct {
	to   io.Writer
	line []byte
}

// text waits for the end of the line, but not for that of an endless one.
func (d *quotedDecoder) text(p []byte, _ bool) error {
	d.line = append(d.line, p...)
	if len(d.line) <= lineBuffer {
		return nil
	}
	end := len(d.line)
	if at := bytes.LastIndexByte(d.line, '='); at >= end-2 {
		end = at // half an escape
	}
	err := write(d.to, unquote(d.line[:end]))
	d.line = append(d.line[:0], d.line[end:]...)
	return err
}

// lineEnd decodes a line. White space at its end was added on the way and is no
// part of it (rule 3); an "=" there joins it with the next (rule 5).
func (d *quotedDecoder) lineEnd(p []byte) error {
	text := bytes.TrimRight(d.line, " \t\r")
	text, soft := bytes.CutSuffix(text, []byte("="))
	d.line = d.line[:0]
	out := unquote(text)
	if !soft {
		out = append(out, p...)
	}
	return write(d.to, out)
}

func (d *quotedDecoder) close() error { return d.lineEnd(nil) }

// unquote undoes the escapes of a text.
func unquote(text []byte) []byte {
	out := make([]byte, 0, len(text)+2)
	for i := 0; i < len(text); i++ {
		if text[i] == '=' && i+2 < len(text) {
			hi, lo := hexValue(text[i+1]), hexValue(text[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func write(to io.Writer, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, err := to.Write(p)
	return err
}
