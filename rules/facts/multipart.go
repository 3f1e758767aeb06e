package facts

import "bytes"

// maxBoundary is the most octets of a boundary. RFC 2046 section 5.1.1 allows
// 70, and some senders take more.
const maxBoundary = 200

// maxPartHeader is the most octets of the header of a part. That of the whole
// message has its own limit.
const maxPartHeader = 64 << 10

// node is one part of a message text.
type node struct {
	// header is the header of the part with its empty line, body what follows.
	header, body []byte
	content      contentType
	fields       *Header
	children     []*node
}

// mimeParser reads the parts of a message in one pass. All boundaries that are
// open are looked for at once, as servers do it: a part whose own end is
// missing ends with the part around it.
type mimeParser struct {
	raw        []byte
	at         int
	count      int
	boundaries [][]byte
}

// delimiter is a boundary line: of the multipart with that number in
// mimeParser.boundaries, from 1, or 0 for the end of the message.
type delimiter struct {
	level int
	last  bool
}

func (p *mimeParser) message() *node {
	n, _ := p.part("")
	return n
}

// part reads a part up to the delimiter that ends it. The parent is the subtype
// of the multipart around it.
func (p *mimeParser) part(parent string) (*node, delimiter) {
	p.count++
	n := &node{}
	end, ended := p.header(n)
	n.content = partType(n.fields, parent)
	switch {
	case ended:
	case !n.content.isMultipart():
		n.body, end = p.skip(p.at)
	case p.looksInto(n):
		end = p.multipart(n)
	default:
		_, end = p.skip(p.at)
	}
	return n, end
}

// looksInto reports whether the parts of a multipart are read. One level beyond
// the limit of a structure is, and one part, so that it says that it is cut.
func (p *mimeParser) looksInto(n *node) bool {
	b := n.content.boundary()
	return b != "" && len(b) <= maxBoundary && len(p.boundaries) <= maxDepth
}

// header reads to the empty line, or to a delimiter where that is missing.
func (p *mimeParser) header(n *node) (end delimiter, ended bool) {
	start := p.at
	for p.at < len(p.raw) && !ended {
		line := p.raw[p.at:lineEnd(p.raw, p.at)]
		if end, ended = p.delimiter(line); ended {
			n.header = p.raw[start:p.at]
			p.at += len(line)
			break
		}
		p.at += len(line)
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
	}
	if !ended {
		n.header = p.raw[start:p.at]
	}
	limit := maxPartHeader
	if p.count == 1 {
		limit = maxHeader + 1 // one more tells that it is longer
	}
	n.fields = ParseHeader(n.header[:min(len(n.header), limit)])
	return end, ended
}

// multipart reads the parts up to the delimiter of a multipart around it.
func (p *mimeParser) multipart(n *node) delimiter {
	p.boundaries = append(p.boundaries, []byte(n.content.boundary()))
	level := len(p.boundaries)
	_, end := p.skip(p.at)
	for end.level == level && !end.last && p.count <= maxParts {
		var child *node
		child, end = p.part(n.content.subtype)
		n.children = append(n.children, child)
	}
	p.boundaries = p.boundaries[:level-1]
	if end.level == level {
		// The epilogue, or parts beyond the limit.
		_, end = p.skip(p.at)
	}
	return end
}

// skip goes behind the next delimiter and returns what is before it. The line
// end before a delimiter belongs to it (RFC 2046 section 5.1.1).
func (p *mimeParser) skip(start int) ([]byte, delimiter) {
	for p.at < len(p.raw) {
		next := p.nextDashes()
		if next < 0 {
			break
		}
		p.at = lineEnd(p.raw, next)
		if end, ok := p.delimiter(p.raw[next:p.at]); ok {
			body := p.raw[start:max(start, next)]
			return bytes.TrimSuffix(bytes.TrimSuffix(body, []byte("\n")), []byte("\r")), end
		}
	}
	p.at = len(p.raw)
	return p.raw[start:], delimiter{}
}

// nextDashes returns where the next line begins that could be a delimiter.
// The parser stands at the start of a line.
func (p *mimeParser) nextDashes() int {
	if len(p.boundaries) == 0 {
		return -1
	}
	if bytes.HasPrefix(p.raw[p.at:], []byte("--")) {
		return p.at
	}
	i := bytes.Index(p.raw[p.at:], []byte("\n--"))
	if i < 0 {
		return -1
	}
	return p.at + i + 1
}

// delimiter reads a line. The innermost multipart comes first, so that one
// within another of the same boundary does not end it. White space after a
// boundary was added on the way.
func (p *mimeParser) delimiter(line []byte) (delimiter, bool) {
	if len(p.boundaries) == 0 || !bytes.HasPrefix(line, []byte("--")) {
		return delimiter{}, false
	}
	text := bytes.TrimRight(line[2:], " \t\r\n")
	for i := len(p.boundaries) - 1; i >= 0; i-- {
		after, ok := bytes.CutPrefix(text, p.boundaries[i])
		if last := string(after) == "--"; ok && (last || len(after) == 0) {
			return delimiter{level: i + 1, last: last}, true
		}
	}
	return delimiter{}, false
}

// find returns the part with those section numbers, or the nearest around it.
func (n *node) find(section []int) *node {
	for _, i := range section {
		if i > len(n.children) {
			break
		}
		n = n.children[i-1]
	}
	return n
}
