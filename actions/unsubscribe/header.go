package unsubscribe

import (
	"bytes"
	"errors"
	"strings"
)

// maxHeader is the most octets of a header that are looked at.
const maxHeader = 256 << 10

var (
	errLong      = errors.New("the header is longer than 256 KiB")
	errMalformed = errors.New("the header has a line that is no field")
)

// field is one field of a header, its value unfolded.
type field struct{ name, value string }

// splitHeader splits a header, up to its empty line or its end. It is strict
// where others forgive: a line that is no field, white space before a colon, a
// bare CR or a NUL fail it. Of the two parsers that follow, the one of DKIM also
// takes "List-Unsubscribe\v:" for that field, and so would verify another one
// than that which is called.
func splitHeader(raw []byte) ([]field, error) {
	var out []field
	for start := len(raw); len(raw) > 0; {
		var octets []byte
		octets, raw, _ = bytes.Cut(raw, []byte("\n"))
		line := string(bytes.TrimSuffix(octets, []byte("\r")))
		switch {
		case start-len(raw) > maxHeader:
			return nil, errLong
		case line == "":
			return out, nil
		case strings.ContainsAny(line, "\r\x00"):
			return nil, errMalformed
		case line[0] != ' ' && line[0] != '\t':
			name, value, ok := strings.Cut(line, ":")
			if !ok || !isName(name) {
				return nil, errMalformed
			}
			out = append(out, field{name, strings.Trim(value, " \t")})
		case len(out) == 0:
			return nil, errMalformed
		default:
			last := &out[len(out)-1]
			last.value = strings.Trim(last.value+" "+strings.Trim(line, " \t"), " ")
		}
	}
	return out, nil
}

// isName reports whether s is the name of a field (RFC 5322 section 2.2).
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// values returns the values of the fields of a name.
func values(fields []field, name string) []string {
	var out []string
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			out = append(out, f.value)
		}
	}
	return out
}
