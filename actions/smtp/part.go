package smtp

import (
	"mime"
	"strings"
)

// part is the message that is forwarded, as a part of the new one.
type part struct {
	// contentType and disposition are the words of the two fields.
	contentType, disposition []string
	encoding                 string
	content                  []byte
	// eightBit says that the content has octets over 127 and goes as it is.
	eightBit bool
}

// part chooses the form: inline if that is asked for and can be, else a
// message/rfc822, which must not be encoded (RFC 2046 section 5.2.1), else a
// file. A header with raw 8-bit text makes it no file: strictly it would have to
// be message/global (RFC 6532 section 3.7), which few programs open.
func (f Forwarding) part(raw []byte, h header, body []byte) part {
	if f.Inline {
		if p, ok := inlinePart(h, body); ok && (!f.SevenBit || !p.eightBit) {
			return p
		}
	}
	text, ok := canonical(raw)
	if !ok || f.SevenBit && eightBit(text) {
		return part{
			contentType: []string{"application/octet-stream"}, disposition: []string{"attachment;", `filename="forwarded.eml"`},
			encoding: "base64", content: base64Lines(raw),
		}
	}
	return part{
		contentType: []string{"message/rfc822"}, disposition: []string{"attachment;", `filename="forwarded.eml"`},
		encoding: transferEncoding(text), content: text, eightBit: eightBit(text),
	}
}

// inlinePart is the body of the message with the fields that say what it is.
// Nothing of a multipart is touched, so that its signature holds; anything else
// is encoded anew if it cannot go as it is. It is not ok where the fields cannot
// be written again.
func inlinePart(h header, body []byte) (part, bool) {
	kind, contentType, ok := structured(h.first("Content-Type"), "text/plain")
	if !ok {
		return part{}, false
	}
	p := part{contentType: contentType, encoding: keyword(h.first("Content-Transfer-Encoding"))}
	if value := h.first("Content-Disposition"); value != "" {
		if _, p.disposition, ok = structured(value, ""); !ok {
			return part{}, false
		}
	}
	text, fits := canonical(body)
	composite := strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/")
	switch p.encoding {
	case "", "7bit", "8bit", "binary":
		if composite {
			p.encoding = transferEncoding(text)
			break
		}
		if fits {
			body = text
		}
		if !fits || eightBit(text) {
			p.encoding, p.content = "base64", base64Lines(body)
			return p, true
		}
		p.encoding = "7bit"
	case "quoted-printable", "base64":
		fits = fits && !composite && !eightBit(text)
	default:
		return part{}, false
	}
	p.content, p.eightBit = text, eightBit(text)
	return p, fits
}

// structured returns the words of Content-Type or Content-Disposition, written
// anew of what could be read, or not ok. Parameters that are unknown are left
// out, one that cannot be written makes it not ok.
func structured(value, otherwise string) (kind string, words []string, ok bool) {
	if value == "" {
		return otherwise, []string{otherwise}, true
	}
	kind, params, err := mime.ParseMediaType(value)
	if err != nil || len(value) > maxRawText {
		return "", nil, false
	}
	kept := map[string]string{}
	for _, name := range []string{"boundary", "charset", "filename", "format", "delsp", "micalg", "name", "protocol", "report-type", "start", "type"} {
		if v, there := params[name]; there {
			kept[name] = v
		}
	}
	// Folding makes one space of several, which would be another boundary.
	boundary, there := kept["boundary"]
	if strings.HasPrefix(kind, "multipart/") && (!there || boundary == "") || strings.ContainsAny(boundary, " \t") || len(boundary) > 70 {
		return "", nil, false
	}
	words = strings.Fields(mime.FormatMediaType(kind, kept))
	for _, word := range words {
		if len(word) > maxLine-len("Content-Disposition: ") || strings.ContainsFunc(word, notGraphic) {
			return "", nil, false
		}
	}
	return kind, words, len(words) > 0
}

// mixed writes a message of a text and a part (RFC 2046 section 5.1.3), from
// its Content-Type on.
func (c *composer) mixed(boundary, text string, p part) {
	c.field("Content-Type", "multipart/mixed;", `boundary="`+boundary+`"`)
	if p.eightBit {
		c.field("Content-Transfer-Encoding", "8bit")
	}
	c.end()
	c.buf.WriteString("--" + boundary + "\r\n")
	c.plainText(text)
	c.buf.WriteString("--" + boundary + "\r\n")
	c.field("Content-Type", p.contentType...)
	c.field("Content-Transfer-Encoding", p.encoding)
	if len(p.disposition) > 0 {
		c.field("Content-Disposition", p.disposition...)
	}
	c.end()
	c.buf.Write(p.content)
	c.buf.WriteString("\r\n--" + boundary + "--\r\n")
}
