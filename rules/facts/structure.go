package facts

import "github.com/emersion/go-imap/v2"

// Content names the parts of a message that rules read.
type Content uint8

// The contents. Each is at most one part of a message.
const (
	// TextContent is what body.text is read from: the first text/plain part
	// that is no attachment, else the first text/html part.
	TextContent Content = iota
	// HTMLContent is what body.html is read from.
	HTMLContent
	// ReportContent is a message/delivery-status part (RFC 3464).
	ReportContent
)

// Structure is the MIME structure of a message (RFC 9051 section 7.5.2).
type Structure struct {
	root imap.BodyStructure
}

// NewStructure takes a BODYSTRUCTURE. It never fails.
func NewStructure(root imap.BodyStructure) *Structure { return &Structure{root: root} }

// Attachment is one part that clients show as a file.
type Attachment struct {
	// Name is the decoded file name without any directory, "" if there is none.
	Name string
	// Type is the media type in lower case: "application/pdf".
	Type string
	// Size is the number of octets once decoded; estimated from the encoded size.
	Size int64
	// Inline is set when it is meant to be shown within the text.
	Inline bool
}

// Known reports whether a content was fetched, or is known not to be there.
func (m *Message) Known(c Content) bool {
	switch c {
	case TextContent:
		return m.Text != nil
	case HTMLContent:
		return m.HTML != nil
	default:
		return m.Report != nil
	}
}
