package facts

import (
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Content names the parts of a message that rules read.
type Content uint8

// The contents. Each is at most one part of a message.
const (
	// TextContent is what body.text is read from: the first part of text that a
	// client shows, as text/plain where the sender offers that, else text/html.
	TextContent Content = iota
	// HTMLContent is what body.html is read from: the first text/html part that
	// is no attachment.
	HTMLContent
	// ReportContent is the message/delivery-status part of a multipart/report
	// (RFC 3464), else one that stands elsewhere, as in the bounces of some servers.
	ReportContent
)

// The limits of a structure. Beyond them the facts say that they do not know.
const (
	maxParts = 500 // parts of a message, multiparts included
	maxDepth = 32  // multiparts within each other
)

// ErrTooManyParts is the answer where a message has more parts than are looked
// at, so that its attachments, and parts that were not seen, are not known.
var ErrTooManyParts = errors.New("the message has more than 500 parts, or parts nested more than 32 deep: what is in them is not known")

// Structure is the MIME structure of a message (RFC 9051 section 7.5.2). The
// nil Structure has no parts.
type Structure struct {
	leaves []leaf
	// unseen is why there may be parts that were not seen, nil if there are none.
	unseen error
}

// Part is one part of a message that is no multipart.
type Part struct {
	// Type is the media type in lower case: "text/plain".
	Type string
	// Charset is what the part declares, in lower case, "" if it does not.
	Charset string
	// Encoding is the transfer encoding in lower case: "base64".
	Encoding string
	// Size is the number of octets as they are transferred.
	Size    int64
	section []int
}

// Section returns the section numbers of the part (RFC 9051 section 6.4.5.1). A
// message that is no multipart has the part 1.
func (p Part) Section() []int { return slices.Clone(p.section) }

// NewStructure takes a BODYSTRUCTURE. It never fails; it looks at 500 parts at
// most, multiparts included, nested 32 deep at most. It does not look into
// attached messages.
func NewStructure(root imap.BodyStructure) *Structure {
	w := walker{}
	w.walk(root, place{})
	s := &Structure{leaves: w.leaves}
	if w.cut {
		s.unseen = ErrTooManyParts
	}
	return s
}

// NewPartialStructure is NewStructure where not all of the structure could be
// read, or nothing of it: why is then the answer of whatever the missing parts
// could change.
func NewPartialStructure(root imap.BodyStructure, why error) *Structure {
	s := NewStructure(root)
	s.unseen = why
	return s
}

// Unseen returns why a content that Find does not find may be there all the
// same, nil where it certainly is not, or is found.
func (s *Structure) Unseen(c Content) error {
	if _, found := s.Find(c); found || s == nil {
		return nil
	}
	return s.unseen
}

// Find returns the part that holds the content, false if the message has none.
// Beyond the limits of NewStructure it sees none.
func (s *Structure) Find(c Content) (Part, bool) {
	if s == nil {
		return Part{}, false
	}
	i := -1
	switch c {
	case TextContent:
		i = s.text()
	case HTMLContent:
		i = slices.IndexFunc(s.leaves, func(l leaf) bool { return l.isBody("text/html") })
	case ReportContent:
		i = s.report()
	}
	if i < 0 {
		return Part{}, false
	}
	return s.leaves[i].Part, true
}

// text finds the text that a client shows first. Where that is HTML, only a
// text/plain part of the same multipart/alternative says the same; one that
// merely follows is the footer of a mailing list or a virus scanner.
func (s *Structure) text() int {
	first := slices.IndexFunc(s.leaves, leaf.isText)
	if first < 0 {
		return s.blankText()
	}
	l := s.leaves[first]
	if l.Type == "text/plain" || l.alternative == 0 {
		return first
	}
	plain := slices.IndexFunc(s.leaves, func(other leaf) bool {
		return other.isText() && other.Type == "text/plain" && other.alternative == l.alternative
	})
	return max(first, plain)
}

// blankText finds a text part where all of them are empty.
func (s *Structure) blankText() int {
	return slices.IndexFunc(s.leaves, func(l leaf) bool {
		return l.isBody("text/plain") || l.isBody("text/html")
	})
}

func (s *Structure) report() int {
	inside := slices.IndexFunc(s.leaves, func(l leaf) bool { return l.isReport() && l.inReport })
	if inside >= 0 {
		return inside
	}
	return slices.IndexFunc(s.leaves, leaf.isReport)
}

// leaf is a part that is no multipart, and where it was found.
type leaf struct {
	Part
	place
	disposition string
	name        string
	hasID       bool
}

// isBody reports whether the part is text of that type and no attachment.
func (l leaf) isBody(mediaType string) bool { return l.Type == mediaType && !l.isAttachment() }

// isText reports whether a reader sees text in it. Some senders offer an empty
// text/plain beside the HTML; two octets are a line end.
func (l leaf) isText() bool {
	return l.Size > 2 && (l.isBody("text/plain") || l.isBody("text/html"))
}

// isReport reports whether it is the part for machines of a bounce. RFC 6533
// has a type of its own for addresses in UTF-8.
func (l leaf) isReport() bool {
	return l.Type == "message/delivery-status" || l.Type == "message/global-delivery-status"
}

// place is where a part stands.
type place struct {
	section []int
	depth   int
	// parent is the subtype of the multipart around it, "" at the root.
	parent string
	// aside: it does not stand where the text of the message does, which is
	// first, or one of several forms in first place.
	aside bool
	// alternative numbers the outermost multipart/alternative around it, from 1.
	alternative int
	// inRelated: it is a resource that the root of a multipart/related can show.
	inRelated bool
	// inReport: a multipart/report is around it.
	inReport bool
}

// child returns the place of the i-th part of a multipart here.
func (p place) child(subtype string, i, number int) place {
	c := p
	c.section = append(slices.Clone(p.section), i+1)
	c.depth, c.parent = p.depth+1, subtype
	c.aside = p.aside || i > 0 && subtype != "alternative"
	if subtype == "alternative" && p.alternative == 0 {
		c.alternative = number
	}
	c.inRelated = p.inRelated || subtype == "related" && i > 0
	c.inReport = p.inReport || subtype == "report"
	return c
}

// walker collects the leaves of a structure.
type walker struct {
	leaves []leaf
	count  int
	cut    bool
}

func (w *walker) walk(bs imap.BodyStructure, at place) {
	if w.count >= maxParts || at.depth > maxDepth {
		w.cut = true
		return
	}
	w.count++
	switch bs := bs.(type) {
	case *imap.BodyStructureMultiPart:
		number, subtype := w.count, strings.ToLower(bs.Subtype)
		for i, child := range bs.Children {
			w.walk(child, at.child(subtype, i, number))
		}
	case *imap.BodyStructureSinglePart:
		if at.depth == 0 {
			at.section = []int{1}
		}
		w.leaves = append(w.leaves, newLeaf(bs, at))
	}
}

func newLeaf(bs *imap.BodyStructureSinglePart, at place) leaf {
	l := leaf{place: at, hasID: bs.ID != ""}
	l.Part = Part{
		Type:     cleanToken(bs.Type) + "/" + cleanToken(bs.Subtype),
		Charset:  cleanToken(param(bs.Params, "charset")),
		Encoding: cleanToken(bs.Encoding),
		Size:     int64(bs.Size),
		section:  at.section,
	}
	if l.Type == "/" {
		// What a server says of a type that it cannot read (RFC 2045 section 5.2).
		l.Type = "text/plain"
	}
	var disposition map[string]string
	if d := bs.Disposition(); d != nil {
		l.disposition, disposition = cleanToken(d.Value), d.Params
	}
	l.name = fileName(disposition, bs.Params)
	return l
}

// maxToken is the most octets of a media type, a charset or an encoding.
const maxToken = 100

// cleanToken makes a token of RFC 2045 comparable. What some senders put
// around it (quotes, a comment, a semicolon) is not part of it.
func cleanToken(s string) string {
	s = strings.TrimLeft(s, " \t\r\n\"'")
	if end := strings.IndexAny(s, " \t\r\n;(\"'\x00"); end >= 0 {
		s = s[:end]
	}
	s = s[:min(len(s), maxToken)]
	return strings.ToLower(strings.ToValidUTF8(s, ""))
}
