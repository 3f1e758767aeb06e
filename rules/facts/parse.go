package facts

import "bytes"

// maxMessage is the most octets of a message that are looked at.
const maxMessage = 64 << 20

// ParseMessage reads a whole message as it stands in a file: lines that end in
// CRLF or LF, a "From " line of an mbox in front or not. The facts are those of
// the same message on a server: the structure is what BODYSTRUCTURE would say,
// Size counts every line end as two octets, and of each part only the first
// limit octets are read, as they are transferred (DefaultLimit if limit is not
// positive).
//
// It never fails, and takes time in proportion to the message, of which it
// looks at 64 MiB. UID, Flags, Received and History, Gmail stay as they are in a new
// Message.
func ParseMessage(raw []byte, limit int) *Message {
	if limit <= 0 {
		limit = DefaultLimit
	}
	raw = cutFromLine(raw)
	m := &Message{Size: wireSize(raw), WholeHeader: true}
	p := mimeParser{raw: raw[:min(len(raw), maxMessage)]}
	root := p.message()
	m.Header = root.fields
	m.Structure = NewStructure(root.structure())
	for _, c := range []Content{TextContent, HTMLContent, ReportContent} {
		m.readContent(c, root, min(limit, maxContent))
	}
	return m
}

// readContent sets a content from the part that holds it.
func (m *Message) readContent(c Content, root *node, limit int) {
	p, found := m.Structure.Find(c)
	if !found {
		m.SetContent(c, nil, false)
		return
	}
	body := root.find(p.section).body
	raw := toWire(body[:min(len(body), limit)])
	m.SetContent(c, raw[:min(len(raw), limit)], p.Size > int64(limit))
}

// cutFromLine takes off the line that an mbox puts before each message
// (RFC 4155). A server would not store it.
func cutFromLine(raw []byte) []byte {
	if !bytes.HasPrefix(raw, []byte("From ")) {
		return raw
	}
	return raw[lineEnd(raw, 0):]
}

// wireSize returns the size of the text once its lines end in CRLF.
func wireSize(raw []byte) int64 {
	return int64(len(raw) + bytes.Count(raw, []byte("\n")) - bytes.Count(raw, []byte("\r\n")))
}

// toWire returns the text with lines that end in CRLF.
func toWire(raw []byte) []byte {
	if int64(len(raw)) == wireSize(raw) {
		return raw
	}
	out := make([]byte, 0, wireSize(raw))
	for i := 0; i < len(raw); {
		line := raw[i:lineEnd(raw, i)]
		i += len(line)
		if text, ok := bytes.CutSuffix(line, []byte("\n")); ok {
			out = append(append(out, bytes.TrimSuffix(text, []byte("\r"))...), '\r', '\n')
		} else {
			out = append(out, line...)
		}
	}
	return out
}
