package facts

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"
)

// The limits of a header. What is beyond them is left out.
const (
	maxHeader    = 256 << 10 // octets of a header
	maxFields    = 2000      // fields of a header
	maxValue     = 64 << 10  // octets of one field
	maxMessageID = 512       // octets of a Message-ID
)

// usualFields is how many fields most headers have at most, and usualHeader how many
// octets. Room for them is made at once.
const (
	usualFields = 32
	usualHeader = 4 << 10
)

// Header is the header of a message, or those fields of it that were fetched.
// The nil Header has no fields.
type Header struct {
	fields []field
	// remembers is set where what was read is to be kept: the addresses of a
	// field, and the first value of one, decoded.
	remembers bool
	addresses []readField
	decoded   []field
	// cut is set where fields were left out, long where one of them was cut.
	cut, long bool
}

// readField is the addresses of all fields of a name.
type readField struct {
	name string
	list []Address
}

// field is one field, unfolded: clean UTF-8 text, encoded words still encoded.
type field struct {
	name  string
	value string
	cut   bool // the value goes on
}

// is compares names without case. Both are ASCII, so their sizes tell most apart.
func (f field) is(name string) bool {
	return len(f.name) == len(name) && strings.EqualFold(f.name, name)
}

// ParseHeader reads a header, or a whole message up to its first empty line.
// It never fails: a line that is no field is skipped together with its
// continuation lines, whatever is wrong with it (an mbox "From " line, text
// without a colon, NUL, 8-bit text in a name, a missing end). It keeps at most
// 256 KiB, 2,000 fields, and 64 KiB of one field.
func ParseHeader(raw []byte) *Header {
	h := &Header{}
	h.Parse(raw)
	return h
}

// Parse is ParseHeader for one header after the other, in the same memory: the header
// that h was is gone, and so is what was made of it with RememberIn. What was read of
// it stays good.
func (h *Header) Parse(raw []byte) {
	*h = Header{fields: slices.Grow(h.fields[:0], roomFor(raw))}
	longer := len(raw) > maxHeader
	if longer {
		raw = raw[:maxHeader]
	}
	for len(raw) > 0 && len(h.fields) < maxFields {
		var lines []byte
		lines, raw = nextField(raw)
		if len(lines) == 0 {
			break
		}
		if f, ok := parseField(lines); ok {
			h.fields = append(h.fields, f)
			h.long = h.long || f.cut
		}
	}
	// Where the empty line came, nothing is left, not even an empty rest.
	h.cut = raw != nil && (longer || len(raw) > 0)
}

// roomFor is how many fields room is made for.
func roomFor(raw []byte) int {
	return min(bytes.Count(raw[:min(len(raw), usualHeader)], []byte("\n"))+1, usualFields)
}

// ErrLongHeader is the answer where a header is longer than what is looked at.
var ErrLongHeader = errors.New("the header is longer than 256 KiB, has more than 2,000 fields, or one field of more than 64 KiB: what is beyond that is not known")

// Cut returns ErrLongHeader where fields of these names, or the ends of some,
// may have been left out, nil otherwise.
func (h *Header) Cut(names ...string) error {
	if h == nil || !h.cut && !h.long {
		return nil
	}
	if h.cut || slices.ContainsFunc(h.fields, func(f field) bool { return f.cut && slices.ContainsFunc(names, f.is) }) {
		return ErrLongHeader
	}
	return nil
}

// CutFirst is Cut for what reads only the first field of a name: whatever comes
// after it does not matter.
func (h *Header) CutFirst(name string) error {
	if h == nil || !h.cut && !h.long {
		return nil
	}
	i := slices.IndexFunc(h.fields, func(f field) bool { return f.is(name) })
	if i < 0 && h.cut || i >= 0 && h.fields[i].cut {
		return ErrLongHeader
	}
	return nil
}

// OnlyField returns the lines of the first field of a name in a header, however
// far from its beginning, nil if there is none.
func OnlyField(raw []byte, name string) []byte {
	for len(raw) > 0 {
		var lines []byte
		lines, raw = nextField(raw)
		if f, ok := parseField(lines); ok && f.is(name) {
			return lines
		}
	}
	return nil
}

// ErrManyAddresses is the answer where a field has more addresses than are
// looked at.
var ErrManyAddresses = errors.New("the message has a field with 1,000 addresses or more: what is beyond that is not known")

// Crowded returns ErrManyAddresses where the fields of one of these names may
// have more addresses than Addresses gives, nil otherwise.
func (h *Header) Crowded(names ...string) error {
	if slices.ContainsFunc(names, func(name string) bool { return len(h.Addresses(name)) >= maxAddresses }) {
		return ErrManyAddresses
	}
	return nil
}

// RememberIn returns a header with the same fields that decodes each first
// value, and reads the addresses of each field, once, however many questions are
// about them. Unlike the other one it is for one goroutine at a time. It lies in the
// memory of what was returned before, which is gone then.
func (h *Header) RememberIn(before *Header) *Header {
	if h == nil {
		return nil
	}
	*before = Header{
		fields: h.fields, remembers: true, cut: h.cut, long: h.long,
		addresses: before.addresses[:0], decoded: before.decoded[:0],
	}
	return before
}

// Forget lets go of what a remembering header remembers, and keeps its memory.
func (h *Header) Forget() {
	clear(h.addresses)
	clear(h.decoded)
	h.fields = nil
}

// nextField takes one line with its continuation lines (RFC 5322 section
// 2.2.3). It takes none at the empty line that ends a header.
func nextField(raw []byte) (lines, rest []byte) {
	end := 0
	for end < len(raw) {
		if end > 0 && raw[end] != ' ' && raw[end] != '\t' {
			break
		}
		next := lineEnd(raw, end)
		if isEmptyLine(raw[end:next]) {
			return raw[:end], nil
		}
		end = next
	}
	return raw[:end], raw[end:]
}

func isEmptyLine(line []byte) bool {
	return line[0] == '\n' || line[0] == '\r' && (len(line) == 1 || line[1] == '\n')
}

// parseField unfolds the lines. White space before the colon is obsolete and
// still read (RFC 5322 section 4.5).
func parseField(lines []byte) (field, bool) {
	first, more, _ := bytes.Cut(lines, []byte("\n"))
	name, text, ok := bytes.Cut(first, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	if !ok || !isFieldName(name) {
		return field{}, false
	}
	text = bytes.TrimSpace(text)
	if len(more) > 0 {
		text = unfold(text, more)
	}
	return field{name: string(name), value: clean(rawText(text[:min(len(text), maxValue)])), cut: len(text) >= maxValue}, true
}

// unfold puts the lines of a value together.
func unfold(text, more []byte) []byte {
	out := append(make([]byte, 0, min(len(text)+len(more), 2*maxValue)), text...)
	for len(more) > 0 && len(out) < maxValue {
		var line []byte
		line, more, _ = bytes.Cut(more, []byte("\n"))
		out = append(append(out, ' '), bytes.TrimSpace(line)...)
	}
	return out
}

// isFieldName reports whether name is one (RFC 5322 section 2.2).
func isFieldName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(name) > 0
}

// raw returns the values of a field, unfolded and not decoded, in order.
func (h *Header) raw(name string) []string {
	if h == nil {
		return nil
	}
	var out []string
	for _, f := range h.fields {
		if f.is(name) {
			out = append(out, f.value)
		}
	}
	return out
}

// Values returns the values of every field of that name, in order, decoded
// (RFC 2047) and unfolded. Names compare without case.
func (h *Header) Values(name string) []string {
	out := h.raw(name)
	for i, v := range out {
		out[i] = decodeWords(v)
	}
	return out
}

// All returns the names and the values of every field, in order, decoded (RFC 2047)
// and unfolded.
func (h *Header) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		if h == nil {
			return
		}
		for _, f := range h.fields {
			if !yield(f.name, decodeWords(f.value)) {
				return
			}
		}
	}
}

// First returns the first value of a field, decoded, or "".
func (h *Header) First(name string) string {
	if h == nil || !h.remembers {
		return decodeWords(h.first(name))
	}
	for _, f := range h.decoded {
		if f.is(name) {
			return f.value
		}
	}
	value := decodeWords(h.first(name))
	h.decoded = append(h.decoded, field{name: name, value: value})
	return value
}

// Subject returns the decoded subject, "" if there is none. It reads Subject.
func (h *Header) Subject() string { return h.First("Subject") }

// MessageID returns the message identifier with its angle brackets, "" if there
// is none. It is the text of the field as it stands, for comparing: at most 512
// octets, not validated. It reads Message-ID.
func (h *Header) MessageID() string { return capID(h.first("Message-ID")) }

// Sent returns when the message says that it was sent, the zero Time if it says
// nothing that can be understood. It reads Date.
func (h *Header) Sent() time.Time {
	for _, v := range h.raw("Date") {
		if t, ok := parseDate(v); ok {
			return t
		}
	}
	return time.Time{}
}
