package imapsession

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Mailbox names travel in modified UTF-7 (RFC 9051 appendix A.1, RFC 3501
// section 5.1.3): printable ASCII as it is, "&" as "&-", everything else as
// UTF-16 in base64 between "&" and "-".

// modifiedBase64 is base64 with "," for "/" and without padding; the unused bits
// must be 0.
func modifiedBase64() *base64.Encoding {
	return base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding).Strict()
}

// encodeUTF7 is the wire's spelling of a name, as imapclient writes it too.
func encodeUTF7(name string) string {
	var out strings.Builder
	for len(name) > 0 {
		n := strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r > '~' || r == '&' })
		if n < 0 {
			n = len(name)
		}
		out.WriteString(name[:n])
		name = name[n:]
		if strings.HasPrefix(name, "&") {
			out.WriteString("&-")
			name = name[1:]
			continue
		}
		n = strings.IndexFunc(name, func(r rune) bool { return r >= ' ' && r <= '~' })
		if n < 0 {
			n = len(name)
		}
		if n > 0 {
			out.WriteString("&" + modifiedBase64().EncodeToString(utf16Bytes(name[:n])) + "-")
		}
		name = name[n:]
	}
	return out.String()
}

func utf16Bytes(s string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		out = append(out, byte(unit>>8), byte(unit))
	}
	return out
}

// decodeMailbox reads a name from the wire. ok is false when the name could not
// be sent back to the server as it came: it is then no name to work with.
// Servers that send UTF-8 as it is are understood.
func decodeMailbox(wire []byte) (name string, ok bool) {
	if len(wire) == 0 || len(wire) > maxMailboxName || !utf8.Valid(wire) {
		return "", false
	}
	if strings.EqualFold(string(wire), "INBOX") {
		return "INBOX", true
	}
	name = string(wire)
	if isPrintableASCII(name) {
		if name, ok = decodeUTF7(name); !ok || encodeUTF7(name) != string(wire) {
			return "", false
		}
	}
	return name, checkMailbox(name) == nil
}

func isPrintableASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func decodeUTF7(s string) (string, bool) {
	var out strings.Builder
	for {
		plain, rest, shifted := strings.Cut(s, "&")
		out.WriteString(plain)
		if !shifted {
			return out.String(), true
		}
		coded, rest, closed := strings.Cut(rest, "-")
		if !closed {
			return "", false
		}
		if coded == "" {
			out.WriteByte('&')
		} else if !decodeShifted(&out, coded) {
			return "", false
		}
		s = rest
	}
}

func decodeShifted(out *strings.Builder, coded string) bool {
	b, err := modifiedBase64().DecodeString(coded)
	if err != nil || len(b)%2 != 0 {
		return false
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i < len(b); i += 2 {
		units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
	}
	for _, r := range utf16.Decode(units) {
		if r == utf8.RuneError {
			return false
		}
		out.WriteRune(r)
	}
	return true
}
