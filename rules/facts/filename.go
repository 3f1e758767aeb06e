package facts

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName is the most octets of a file name, as on most file systems.
	maxName = 255
	// maxExtension is the most octets of an extension that a cut keeps.
	maxExtension = 16
	// maxParams is the most parameters of a field, and the most pieces of one.
	maxParams = 50
	// maxParam is the most octets of a parameter, all its pieces together.
	maxParam = 8 << 10
)

// fileName returns the name that the part has as a file: of the
// Content-Disposition (RFC 2183 section 2.3), else of the Content-Type, as
// older senders do it.
func fileName(disposition, contentType map[string]string) string {
	if name := cleanName(param(disposition, "filename")); name != "" {
		return name
	}
	return cleanName(param(contentType, "name"))
}

// param returns a parameter, decoded. Servers hand parameters through as they
// stand in the message, so they may be in pieces and %-encoded (RFC 2231), or
// in encoded words (RFC 2047), which is not allowed and yet common.
func param(params map[string]string, name string) string {
	if v, ok := extended(params, name); ok {
		return v
	}
	v := params[name]
	return decodeWords(clean(rawText([]byte(v[:min(len(v), maxParam)]))))
}

// extended reads a parameter in one of the forms of RFC 2231: name*, or the
// pieces name*0, name*1*, ... of which those with an asterisk are %-encoded.
func extended(params map[string]string, name string) (string, bool) {
	if v, ok := params[name+"*"]; ok {
		w := word{}
		w.addEncoded(v, true)
		return w.param(), true
	}
	w, found := word{}, false
	for i := range maxParams {
		key := name + "*" + strconv.Itoa(i)
		if v, ok := params[key+"*"]; ok {
			w.addEncoded(v, i == 0)
		} else if v, ok := params[key]; ok {
			w.octets = append(w.octets, v...)
		} else {
			break
		}
		found = true
	}
	return w.param(), found
}

// addEncoded adds a %-encoded piece. The first one starts with the charset and
// the language: utf-8'en'%e2%82%ac (RFC 2231 section 4).
func (w *word) addEncoded(s string, first bool) {
	if first {
		if parts := strings.SplitN(s, "'", 3); len(parts) == 3 {
			w.charset, s = cleanToken(parts[0]), parts[2]
		}
	}
	w.octets = append(w.octets, percentDecode(s)...)
}

// param returns the text of the octets, guessing where the charset is missing
// or unknown. Some senders put encoded words into the pieces.
func (w *word) param() string {
	octets := w.octets[:min(len(w.octets), maxParam)]
	guess := rawText(octets)
	if w.charset == "" {
		return decodeWords(clean(guess))
	}
	return clean(word{charset: w.charset, octets: octets}.text(guess))
}

// percentDecode undoes %XX; what is no such stays as it is.
func percentDecode(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := hexValue(s[i+1]), hexValue(s[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// cleanName makes a name of mail safe to show and to compare: no directory, no
// control characters, none that turn the direction of writing ("gpj.exe" is no
// picture), at most 255 octets.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || isDirection(r) {
			return -1
		}
		return r
	}, clean(s))
	s = strings.TrimRight(s, `/\ `)
	s = strings.TrimSpace(s[strings.LastIndexAny(s, `/\`)+1:])
	if s == "." || s == ".." {
		return ""
	}
	return cutName(s)
}

// isDirection reports whether r steers the bidirectional algorithm (Unicode
// annex 9), breaks a line or is a byte order mark: it shows nothing itself.
func isDirection(r rune) bool {
	switch r {
	case 0x061C, 0x200E, 0x200F, 0xFEFF:
		return true
	}
	return 0x2028 <= r && r <= 0x202E || 0x2066 <= r && r <= 0x2069
}

// cutName shortens a name in its middle, so that no length of it can hide the
// extension from a rule.
func cutName(s string) string {
	if len(s) <= maxName {
		return s
	}
	extension := s[strings.LastIndexByte(s, '.')+1:]
	if len(extension) == len(s) || len(extension) > maxExtension {
		return strings.TrimSpace(cutText(s, maxName))
	}
	return cutText(s, maxName-len(extension)-1) + "." + extension
}

// cutText returns the first n octets of s, or less, without half a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
