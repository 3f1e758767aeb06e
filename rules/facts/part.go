package facts

import "github.com/emersion/go-imap/v2"

// PartHeader is what the header of one part says, for who reads a message part
// by part and keeps none of it.
type PartHeader struct {
	// Structure is what a server says of the part: a BodyStructureMultiPart
	// without children, or a BodyStructureSinglePart of size 0.
	Structure imap.BodyStructure
	// Boundary is between the parts of a multipart, "" where they cannot be
	// found, and the multipart has an empty text instead.
	Boundary string
}

// ReadPartHeader reads the header of a part within a multipart of a subtype, ""
// where it is the whole message. It never fails, as ParseHeader does not.
func ReadPartHeader(raw []byte, parent string) PartHeader {
	fields := ParseHeader(raw)
	n := node{fields: fields, content: partType(fields, parent)}
	out := PartHeader{Structure: n.structure()}
	if multi, ok := out.Structure.(*imap.BodyStructureMultiPart); ok {
		multi.Children = nil
		if b := n.content.boundary(); len(b) <= maxBoundary {
			out.Boundary = b
		}
	}
	return out
}
