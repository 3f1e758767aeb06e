package facts

import (
	"bytes"
	"encoding/base64"
)

// decodeTransfer undoes a transfer encoding (RFC 2045 section 6). An encoding
// that is not known leaves the octets as they are. Where they are cut, half a
// quantum or escape at the end is left out.
func decodeTransfer(raw []byte, encoding string, truncated bool) []byte {
	switch encoding {
	case "base64":
		return decodeBase64(raw)
	case "quoted-printable":
		return decodeQuoted(raw, truncated)
	default:
		return raw
	}
}

// decodeBase64 skips what is not of the alphabet (RFC 2045 section 6.8), and
// goes on after padding, because some senders encode piece by piece. After
// padding a line that is not of the alphabet is the footer of some gateway,
// and ends it.
func decodeBase64(raw []byte) []byte {
	out := make([]byte, 0, len(raw)/4*3+3)
	quantum := make([]byte, 0, 4)
	padded := false
	for i := 0; i < len(raw); {
		line := raw[i:lineEnd(raw, i)]
		i += len(line)
		if padded && !isBase64(line) {
			break
		}
		for _, c := range line {
			if c == '=' {
				out, quantum, padded = appendQuantum(out, quantum), quantum[:0], true
			}
			if !isBase64Char(c) {
				continue
			}
			if quantum = append(quantum, c); len(quantum) == 4 {
				out, quantum = appendQuantum(out, quantum), quantum[:0]
			}
		}
	}
	return appendQuantum(out, quantum)
}

// appendQuantum decodes up to four characters. One alone is less than an octet.
func appendQuantum(out, quantum []byte) []byte {
	if len(quantum) < 2 {
		return out
	}
	var b [3]byte
	n, err := base64.RawStdEncoding.Decode(b[:], quantum)
	if err != nil {
		return out
	}
	return append(out, b[:n]...)
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

// decodeQuoted undoes quoted-printable (RFC 2045 section 6.7), line by line. An
// "=" that begins no escape stays.
func decodeQuoted(raw []byte, truncated bool) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		line := raw[i:lineEnd(raw, i)]
		i += len(line)
		out = appendQuoted(out, line, truncated && i == len(raw))
	}
	return out
}

// appendQuoted decodes one line. White space at its end was added on the way
// and is no part of it (rule 3); an "=" there joins it with the next (rule 5).
func appendQuoted(out, line []byte, cut bool) []byte {
	text := bytes.TrimRight(line, " \t\r\n")
	end := line[len(bytes.TrimRight(line, "\r\n")):]
	if cut && len(end) == 0 {
		// Nobody knows what was to follow: not white space that was added.
		text = cutEscape(line)
	} else if bytes.HasSuffix(text, []byte("=")) {
		text, end = text[:len(text)-1], nil
	}
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
	return append(out, end...)
}

// cutEscape leaves out the half of an escape at the end of a line.
func cutEscape(line []byte) []byte {
	if at := bytes.LastIndexByte(line, '='); at >= 0 && at+3 > len(line) {
		return line[:at]
	}
	return line
}

// lineEnd returns where the line that starts at i ends, its line end included.
func lineEnd(raw []byte, i int) int {
	if n := bytes.IndexByte(raw[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(raw)
}
