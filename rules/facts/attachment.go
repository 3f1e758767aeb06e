package facts

import "strings"

// Attachment is one part that clients show as a file.
type Attachment struct {
	// Name is the decoded file name without any directory, "" if there is none.
	Name string
	// Type is the media type in lower case: "application/pdf".
	Type string
	// Size is the number of octets once decoded; estimated from the encoded size.
	Size int64
	// Inline is set when it is meant to be shown within the text: its disposition
	// is inline, or the HTML of a multipart/related can show it by its Content-ID.
	Inline bool
}

// Attachments returns the parts that clients show as files, in order; an
// attached message is one of them, whatever it contains. The error is
// ErrTooManyParts where the message has more parts than are looked at, or what
// NewPartialStructure was given.
func (s *Structure) Attachments() ([]Attachment, error) {
	if s == nil {
		return nil, nil
	}
	if s.unseen != nil {
		return nil, s.unseen
	}
	var out []Attachment
	for _, l := range s.leaves {
		if l.isAttachment() {
			out = append(out, l.attachment())
		}
	}
	return out, nil
}

// HasAttachment reports whether clients show a paperclip: whether there is an
// attachment other than the pictures that the HTML itself shows (RFC 8621
// section 4.1.4), as every signature with a logo has them. One attachment that
// was seen is enough; only where none was does the error of Attachments come.
func (s *Structure) HasAttachment() (bool, error) {
	if s == nil {
		return false, nil
	}
	for _, l := range s.leaves {
		if l.isAttachment() && !l.isEmbedded() {
			return true, nil
		}
	}
	return false, s.unseen
}

func (l leaf) attachment() Attachment {
	return Attachment{
		Name:   l.name,
		Type:   l.Type,
		Size:   l.decodedSize(),
		Inline: l.disposition == "inline" || l.isEmbedded(),
	}
}

// isEmbedded reports whether the HTML can show the part by its Content-ID
// (RFC 2392). Apple Mail puts real files into a multipart/related too, but
// without one. Some senders call their pictures attachments all the same, and
// clients show only the text; of what is no picture the sender is believed.
func (l leaf) isEmbedded() bool {
	return l.inRelated && l.hasID && (l.disposition != "attachment" || strings.HasPrefix(l.Type, "image/"))
}

// isAttachment decides as clients do. First come the parts that serve the
// message itself and that senders nevertheless call attachments ("smime.p7s",
// "encrypted.asc"), then what the sender says, then what is text.
func (l leaf) isAttachment() bool {
	switch {
	case l.isMachinery():
		return false
	case l.disposition == "attachment":
		return true
	case l.isMainText():
		return false
	case l.name != "":
		return true
	case l.parent == "alternative", l.inRelated:
		// Another form of the text (AMP, a calendar invitation), or a resource
		// of it.
		return false
	default:
		// Text without a name is shown: the footer of a mailing list.
		return l.Type != "text/plain" && l.Type != "text/html"
	}
}

// isMachinery reports whether the part is read by programs and not by people:
// a signature, both parts of a multipart/encrypted, a message that is encrypted
// as a whole, and what a report says to machines. The returned message of a
// report is a file like any other.
func (l leaf) isMachinery() bool {
	switch l.Type {
	case "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature":
		// Also outside a multipart/signed, which mailing lists take away.
		return true
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return l.parent == ""
	}
	return l.parent == "encrypted" || l.parent == "report" && isReportType(l.Type)
}

// isReportType knows the parts for machines of RFC 3464, 6533, 8098 and 5965,
// and the header that stands for the returned message (RFC 6522 section 4).
func isReportType(mediaType string) bool {
	switch mediaType {
	case "message/delivery-status", "message/global-delivery-status",
		"message/disposition-notification", "message/global-disposition-notification",
		"message/feedback-report", "text/rfc822-headers", "message/global-headers":
		return true
	}
	return false
}

// isMainText reports whether the part is the text although it has a name: some
// senders name the text itself ("message.html"). It is text in first place, or
// offered as one form of several.
func (l leaf) isMainText() bool {
	return !l.aside && (l.Type == "text/plain" || l.Type == "text/html")
}

// decodedSize estimates the octets after decoding: base64 has 76 characters of
// payload and a line end of two (RFC 2045 section 6.8).
func (l leaf) decodedSize() int64 {
	if l.Encoding != "base64" {
		return l.Size
	}
	return (l.Size - l.Size/78*2) / 4 * 3
}
