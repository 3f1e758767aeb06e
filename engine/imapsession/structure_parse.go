package imapsession

import (
	"cmp"
	"strings"

	"github.com/emersion/go-imap/v2"
)

const (
	maxPartDepth  = 64
	maxParts      = 2000
	maxParameters = 100 // of one part
	maxAddresses  = 200 // of one field of an envelope
)

// structureReader reads a body structure. It takes what real servers send: what
// is missing is empty, what is of the wrong kind is passed over. Only what has no
// beginning or no end cannot be read; then bad is set and nothing more is read.
type structureReader struct {
	*scanner
	parts int
	cut   bool
	bad   bool
}

// readStructure reads a value. When it cannot, the scanner stays where it is.
func readStructure(s *scanner) FetchedStructure {
	start := s.i
	r := structureReader{scanner: s}
	root := r.body(0)
	if r.bad {
		s.i = start
		return FetchedStructure{Err: errStructure}
	}
	const overhead = 300 // of a part beside its texts
	return FetchedStructure{Root: root, Cut: r.cut, footprint: 2*(s.i-start) + overhead*r.parts}
}

// more reports whether another value comes before the end of the list.
func (r *structureReader) more() bool {
	r.spaces()
	if r.done() {
		r.bad = true
	}
	return !r.bad && r.b[r.i] != ')'
}

// at reports whether a byte comes next.
func (r *structureReader) at(c byte) bool { return !r.done() && r.b[r.i] == c }

// drop passes over a value.
func (r *structureReader) drop() {
	if !r.skip() {
		r.bad = true
	}
}

// end passes over what is left of a list, and its parenthesis.
func (r *structureReader) end() {
	for r.more() {
		r.drop()
	}
	if !r.special(')') {
		r.bad = true
	}
}

// each reads a list, calling value for its members, at most limit of them. What
// is no list is passed over.
func (r *structureReader) each(limit int, value func()) {
	if !r.more() {
		return
	}
	if !r.special('(') {
		r.drop()
		return
	}
	for n := 0; n < limit && r.more(); n++ {
		value()
	}
	r.end()
}

// text reads a string; NIL, and what is none, are empty.
func (r *structureReader) text() string {
	if !r.more() {
		return ""
	}
	word, ok := r.nstring()
	if !ok {
		r.drop()
	}
	return string(word)
}

// count reads a number, at most most; what is none is 0.
func (r *structureReader) count(most uint64) uint64 {
	if !r.more() {
		return 0
	}
	n, ok := r.number(64)
	if !ok {
		r.drop() // NIL, or -1
	}
	return min(n, most)
}

// body reads a structure of one part or of several.
func (r *structureReader) body(depth int) imap.BodyStructure {
	if depth > maxPartDepth {
		r.cut = true
		r.drop()
		return &imap.BodyStructureSinglePart{}
	}
	if r.parts++; !r.special('(') {
		r.bad = true
		return &imap.BodyStructureSinglePart{}
	}
	if r.more() && r.at('(') {
		return r.multipart(r.children(depth), "")
	}
	first := r.text()
	// A multipart without any parts begins with its subtype.
	if more := r.more(); first != "" && (!more || r.at('(')) {
		return r.multipart(nil, first)
	}
	return r.single(first, depth)
}

func (r *structureReader) children(depth int) []imap.BodyStructure {
	var out []imap.BodyStructure
	for r.more() && r.at('(') {
		if r.parts >= maxParts {
			r.cut = true
			r.drop()
			continue
		}
		out = append(out, r.body(depth+1))
	}
	return out
}

// multipart reads what follows the parts.
func (r *structureReader) multipart(children []imap.BodyStructure, subtype string) *imap.BodyStructureMultiPart {
	bs := &imap.BodyStructureMultiPart{Children: children, Subtype: subtype}
	if subtype == "" {
		bs.Subtype = r.text()
	}
	if r.more() {
		ext := &imap.BodyStructureMultiPartExt{Params: r.parameters()}
		ext.Disposition, ext.Language, ext.Location = r.disposition(), r.language(), r.text()
		bs.Extended = ext
	}
	r.end()
	return bs
}

// single reads what follows the type of a part.
func (r *structureReader) single(mediaType string, depth int) imap.BodyStructure {
	bs := &imap.BodyStructureSinglePart{Type: mediaType, Subtype: r.text(), Params: r.parameters(), ID: r.text(), Description: decodeText(r.text())}
	if !r.more() && (mediaType == "") != (bs.Subtype == "") {
		// A multipart without any parts, of some servers.
		return r.multipart(nil, cmp.Or(bs.Subtype, mediaType))
	}
	bs.Encoding = cmp.Or(r.text(), "7bit") // the default (RFC 2045 section 6.1)
	bs.Size = uint32(r.count(1<<32 - 1))
	if r.more() {
		r.particulars(bs, depth)
	}
	if r.more() {
		r.text() // the MD5
		ext := &imap.BodyStructureSinglePartExt{Disposition: r.disposition()}
		ext.Language, ext.Location = r.language(), r.text()
		bs.Extended = ext
	}
	r.end()
	return bs
}

// particulars reads what only texts and messages have; some servers leave it out.
func (r *structureReader) particulars(bs *imap.BodyStructureSinglePart, depth int) {
	isMessage := strings.EqualFold(bs.Type, "message") && (strings.EqualFold(bs.Subtype, "rfc822") || strings.EqualFold(bs.Subtype, "global"))
	switch {
	case isMessage && r.holdsMessage():
		bs.MessageRFC822 = r.message(depth)
	case strings.EqualFold(bs.Type, "text") && '0' <= r.b[r.i] && r.b[r.i] <= '9':
		bs.Text = &imap.BodyStructureText{NumLines: int64(r.count(1<<63 - 1))}
	}
}

// holdsMessage tells an envelope, a structure and a number of lines from the
// extension data: an MD5 or NIL, and a disposition. The envelope and the
// structure may be NIL. It looks ahead no further than it must, for messages may
// be nested.
func (r *structureReader) holdsMessage() bool {
	if r.at('(') {
		return true
	}
	ahead := scanner{b: r.b, i: r.i, patient: r.patient}
	ahead.nstring()
	ahead.spaces()
	if ahead.special('(') {
		// A structure begins with another one, or with two strings.
		return ahead.special('(') || ahead.twoStrings()
	}
	ahead.nstring()
	ahead.spaces()
	_, ok := ahead.number(64)
	return ok
}

func (s *scanner) twoStrings() bool {
	_, first := s.str()
	s.spaces()
	_, second := s.str()
	return first && second
}

func (r *structureReader) message(depth int) *imap.BodyStructureMessageRFC822 {
	m := &imap.BodyStructureMessageRFC822{Envelope: r.envelope(), BodyStructure: &imap.BodyStructureSinglePart{}}
	switch {
	case !r.more():
	case r.at('('):
		m.BodyStructure = r.body(depth + 1)
	default:
		r.drop()
	}
	m.NumLines = int64(r.count(1<<63 - 1))
	return m
}

// parameters reads names and values; a later one of the same name counts.
func (r *structureReader) parameters() map[string]string {
	var out map[string]string
	r.each(maxParameters, func() {
		name := strings.ToLower(r.text())
		if value := decodeText(r.text()); name != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = value
		}
	})
	return out
}

func (r *structureReader) disposition() *imap.BodyStructureDisposition {
	if !r.more() {
		return nil
	}
	if !r.at('(') {
		if value := r.text(); value != "" {
			return &imap.BodyStructureDisposition{Value: value}
		}
		return nil
	}
	r.special('(')
	d := &imap.BodyStructureDisposition{Value: r.text(), Params: r.parameters()}
	r.end()
	return d
}

// language reads one language or a list of them.
func (r *structureReader) language() []string {
	var out []string
	if r.more() && !r.at('(') {
		if word := r.text(); word != "" {
			out = []string{word}
		}
		return out
	}
	r.each(maxParameters, func() { out = append(out, r.text()) })
	return out
}
