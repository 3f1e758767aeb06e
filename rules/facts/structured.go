package facts

import "strings"

const (
	// maxSegments is the most parts between semicolons that are read of a field.
	maxSegments = 100
	// maxPairs is the most name=value pairs that are read of one part.
	maxPairs = 30
)

// segments splits a structured field at its semicolons, those in quoted strings
// left alone, and takes the comments out (RFC 5322 section 3.2.2). There is
// always a first one. A quote or comment that is never closed is text, so that
// it cannot hide what follows.
func segments(s string) []string {
	s, _ = comments(s)
	var out []string
	var e enclosure
	start := 0
	for i := 0; i < len(s) && len(out) < maxSegments; i++ {
		switch s[i] {
		case '"':
			i += max(e.size(s[i:]), 1) - 1
		case ';':
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if len(out) < maxSegments {
		out = append(out, strings.TrimSpace(s[start:]))
	}
	return out
}

// pair is one name=value, the name in lower case.
type pair struct{ name, value string }

// pairs reads the name=value pairs of a segment. Space around "=" and around
// the dot in a name is allowed (RFC 8601 section 2.2).
func pairs(s string) []pair {
	var out []pair
	for len(out) < maxPairs {
		before, after, ok := strings.Cut(s, "=")
		if !ok {
			break
		}
		after = strings.TrimLeft(after, " ")
		n := valueSize(after)
		out = append(out, pair{name: pairName(before), value: unquote(after[:n])})
		s = after[n:]
	}
	return out
}

// pairName takes the last word, with its dots put together: other words belong
// to no pair.
func pairName(s string) string {
	words := strings.Fields(s)
	if len(words) > 1 {
		s = strings.Join(words, " ")
		s = strings.ReplaceAll(strings.ReplaceAll(s, " .", "."), ". ", ".")
		words = strings.Fields(s)
	}
	if len(words) == 0 {
		return ""
	}
	return strings.ToLower(words[len(words)-1])
}

// valueSize measures a value: up to the next space that is not in a quoted
// string at its start, for a quoted local part goes on with its domain.
func valueSize(s string) int {
	n := 0
	if strings.HasPrefix(s, `"`) {
		n = quotedSize(s)
	}
	if end := strings.IndexByte(s[n:], ' '); end >= 0 {
		return n + end
	}
	return len(s)
}
