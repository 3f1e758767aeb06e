package smtp

import (
	"bytes"
	"strings"
)

const (
	// maxHeader is how many octets of a header are read.
	maxHeader = 256 << 10
	// maxReferences is how many ids of messages are taken over from each end of
	// a thread.
	maxReferences = 10
	// maxMessageID is the longest id that is taken over.
	maxMessageID = 250
)

// header is the fields of a message that came, top to bottom.
type header []field

type field struct{ name, value string }

// readHeader reads what is there: a line that is no field is skipped with what
// continues it, and the fields below it still count. Hiding the mark of a loop
// takes no more than one bad line otherwise.
func readHeader(raw []byte) (h header, body []byte) {
	var lines []string // of one field
	rest := raw
	for len(rest) > 0 {
		var line []byte
		line, rest = cutLine(rest)
		text := bytes.TrimRight(line, "\r\n")
		switch {
		case len(text) == 0:
			return h.with(lines), rest
		case len(raw)-len(rest) > maxHeader:
		case text[0] == ' ' || text[0] == '\t':
			lines = append(lines, string(text))
		default:
			h = h.with(lines)
			lines = []string{string(text)}
		}
	}
	return h.with(lines), nil
}

// cutLine takes the first line of a text, with its end.
func cutLine(text []byte) (line, rest []byte) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1], text[i+1:]
	}
	return text, nil
}

// with adds a field, unfolded, if that is what the lines are.
func (h header) with(lines []string) header {
	if len(lines) == 0 {
		return h
	}
	name, value, ok := strings.Cut(strings.Join(lines, ""), ":")
	name = strings.TrimRight(name, " \t")
	if !ok || name == "" || strings.ContainsFunc(name, notGraphic) {
		return h
	}
	value = strings.TrimSpace(strings.ReplaceAll(value, "\r", " "))
	return append(h, field{name: name, value: value})
}

// first is the topmost field of a name, "" where there is none.
func (h header) first(name string) string {
	value, _ := h.lookup(name)
	return value
}

func (h header) lookup(name string) (value string, there bool) {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			return f.value, true
		}
	}
	return "", false
}

func (h header) all(names ...string) []string {
	var out []string
	for _, f := range h {
		for _, name := range names {
			if strings.EqualFold(f.name, name) {
				out = append(out, f.value)
			}
		}
	}
	return out
}

// keyword is the first word of a structured field, in lower case, without
// parameters and a comment before or behind it.
func keyword(value string) string {
	for strings.HasPrefix(value, "(") {
		_, rest, ok := strings.Cut(value, ")")
		if !ok {
			return "("
		}
		value = strings.TrimSpace(rest)
	}
	end := strings.IndexAny(value, "; \t(")
	if end < 0 {
		end = len(value)
	}
	return strings.ToLower(value[:end])
}

// addressesIn returns what looks like an address in a field, however sloppy it
// is. It is for comparing and for finding a sender, not for showing.
func addressesIn(value string) []address {
	value = value[:min(len(value), maxHeader)]
	var out []address
	for token := range strings.FieldsFuncSeq(outsideQuotes(value), func(r rune) bool { return strings.ContainsRune(" \t,;:<>()[]\"", r) }) {
		if a, err := parseAddress(token); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// outsideQuotes takes quoted strings and comments out of an address field: a
// name such as "ann@example.org" is no address, though it likes to look like
// one.
func outsideQuotes(value string) string {
	var out strings.Builder
	quoted, depth := false, 0
	for i := 0; i < len(value); i++ {
		switch b := value[i]; {
		case b == '\\' && (quoted || depth > 0):
			i++
		case b == '"' && depth == 0:
			quoted = !quoted
			out.WriteByte(' ')
		case quoted:
		case b == '(':
			depth++
		case b == ')':
			depth = max(0, depth-1)
		case depth == 0:
			out.WriteByte(b)
		}
	}
	return out.String()
}

// messageIDs returns the ids in a field that can be written as they are (RFC
// 5322 section 3.6.4).
func messageIDs(value string) []string {
	var out []string
	for {
		_, rest, ok := strings.Cut(value, "<")
		if !ok {
			return out
		}
		value = rest
		if id, _, ok := strings.Cut(rest[:min(len(rest), maxMessageID+1)], ">"); ok && isMessageID(id) {
			out = append(out, "<"+id+">")
		}
	}
}

func isMessageID(id string) bool {
	left, right, ok := strings.Cut(id, "@")
	return ok && isDotAtom(left) && isDotAtom(right)
}

func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !isAtom(r) }) {
			return false
		}
	}
	return true
}

// references is the thread up to and with this message: its References, or
// else In-Reply-To, and its own id (RFC 5322 section 3.6.4). Of a long one the
// ends are kept.
func (h header) references() []string {
	ids := messageIDs(h.first("References"))
	if len(ids) == 0 {
		ids = messageIDs(h.first("In-Reply-To"))
		ids = ids[:min(len(ids), 1)]
	}
	if n := len(ids); n > 2*maxReferences {
		ids = append(ids[:maxReferences:maxReferences], ids[n-maxReferences:]...)
	}
	return append(ids, h.messageID()...)
}

// messageID is the message's own id, none if it has none that can be used.
func (h header) messageID() []string {
	ids := messageIDs(h.first("Message-ID"))
	return ids[:min(len(ids), 1)]
}
