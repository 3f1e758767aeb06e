package facts

import "strings"

// DefaultLimit is how many octets of a part are read, as it is transferred,
// where nothing else is said.
const DefaultLimit = 64 << 10

// maxContent is the most octets of a part that are ever looked at.
const maxContent = 16 << 20

// SetContent sets Text, HTML or Report from the octets of the part that
// Structure.Find names, as they were fetched: with their transfer encoding, and
// cut anywhere if truncated is set. Where the message has no such part it sets
// the empty value and does not look at raw. It does nothing while Structure is
// nil.
//
// It never fails: what is malformed is kept as far as it can be read, what is
// cut in half is left out, an unknown charset is read as UTF-8 or else as
// Windows-1252. The text is valid UTF-8 without NUL, and its lines end in LF.
// It looks at 16 MiB at most.
func (m *Message) SetContent(c Content, raw []byte, truncated bool) {
	if m.Structure == nil {
		return
	}
	p, found := m.Structure.Find(c)
	if !found {
		raw, truncated = nil, false
	}
	if len(raw) > maxContent {
		raw, truncated = raw[:maxContent], true
	}
	switch c {
	case TextContent:
		m.Text = &Body{Text: p.readable(raw, truncated), Truncated: truncated}
	case HTMLContent:
		m.HTML = &Body{Text: p.text(raw, truncated), Truncated: truncated}
	case ReportContent:
		r := parseReport(decodeTransfer(raw, p.Encoding, truncated))
		m.Report = &r
	}
}

// Known reports whether the content was set, be it empty.
func (m *Message) Known(c Content) bool {
	switch c {
	case TextContent:
		return m.Text != nil
	case HTMLContent:
		return m.HTML != nil
	case ReportContent:
		return m.Report != nil
	}
	return false
}

// readable returns the text of the part as a reader sees it.
func (p Part) readable(raw []byte, truncated bool) string {
	text := p.text(raw, truncated)
	if p.Type == "text/html" {
		return htmlText(text)
	}
	return text
}

// text returns the text of the part as it was written.
func (p Part) text(raw []byte, truncated bool) string {
	octets := decodeTransfer(raw, p.Encoding, truncated)
	name := p.Charset
	if p.Type == "text/html" && (name == "" || name == "us-ascii") {
		// Servers say us-ascii where the message says nothing.
		name = metaCharset(octets)
	}
	return cleanText(decodeCharset(octets, name, truncated))
}

// cleanText makes text safe to keep: valid UTF-8, no NUL, no byte order mark
// in front, lines that end in LF.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.TrimPrefix(validText(s), "\uFEFF"), "\x00", "")
	if strings.IndexByte(s, '\r') >= 0 {
		s = lineFeeds(s)
	}
	return s
}

// lineFeeds ends lines in LF that end in CRLF or CR alone.
func lineFeeds(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	for {
		end := strings.IndexByte(s, '\r')
		if end < 0 {
			break
		}
		out.WriteString(s[:end])
		out.WriteByte('\n')
		s = strings.TrimPrefix(s[end+1:], "\n")
	}
	out.WriteString(s)
	return out.String()
}
