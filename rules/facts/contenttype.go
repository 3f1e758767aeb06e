package facts

import (
	"math"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// contentType is a Content-Type field (RFC 2045 section 5.1), or another of
// the same form. Parameters are kept as they stand, as servers show them.
type contentType struct {
	primary, subtype string
	params           map[string]string
}

// partType returns the type of a part. Without one that can be read it is text,
// or a message in a multipart/digest (RFC 2046 section 5.1.5).
func partType(h *Header, parent string) contentType {
	for _, value := range h.raw("Content-Type") {
		media, params := parseParams(value)
		primary, subtype, ok := strings.Cut(media, "/")
		t := contentType{cleanToken(primary), cleanToken(strings.TrimSpace(subtype)), params}
		if ok && t.primary != "" && t.subtype != "" {
			return t.withCharset()
		}
	}
	if parent == "digest" {
		return contentType{primary: "message", subtype: "rfc822"}
	}
	return contentType{"text", "plain", map[string]string{}}.withCharset()
}

// withCharset adds the charset that text has by default, as servers do (RFC
// 2046 section 4.1.2).
func (t contentType) withCharset() contentType {
	if _, ok := extended(t.params, "charset"); t.primary == "text" && t.params["charset"] == "" && !ok {
		t.params["charset"] = "us-ascii"
	}
	return t
}

func (t contentType) isMultipart() bool { return t.primary == "multipart" }

// boundary returns the boundary. White space cannot end it, since it is taken
// off the lines it is compared with. An encoded word in it is none.
func (t contentType) boundary() string {
	b, ok := t.params["boundary"]
	if !ok {
		b, _ = extended(t.params, "boundary")
	}
	return strings.TrimRight(b, " ")
}

// structure returns what a server says of the part. A multipart without any
// part, or without a boundary to find them by, has an empty text, since IMAP has
// no way to say that it has none.
func (n *node) structure() imap.BodyStructure {
	if !n.content.isMultipart() {
		return n.singlePart()
	}
	bs := &imap.BodyStructureMultiPart{
		Subtype:  n.content.subtype,
		Extended: &imap.BodyStructureMultiPartExt{Params: n.content.params, Disposition: n.disposition()},
	}
	for _, child := range n.children {
		bs.Children = append(bs.Children, child.structure())
	}
	if len(bs.Children) == 0 {
		empty := node{content: partType(nil, "")}
		bs.Children = append(bs.Children, empty.singlePart())
	}
	return bs
}

func (n *node) singlePart() imap.BodyStructure {
	encoding := n.fields.First("Content-Transfer-Encoding")
	if encoding == "" {
		encoding = "7bit"
	}
	return &imap.BodyStructureSinglePart{
		Type:        n.content.primary,
		Subtype:     n.content.subtype,
		Params:      n.content.params,
		ID:          n.fields.First("Content-ID"),
		Description: n.fields.First("Content-Description"),
		Encoding:    encoding,
		Size:        uint32(min(wireSize(n.body), math.MaxUint32)),
		Extended:    &imap.BodyStructureSinglePartExt{Disposition: n.disposition()},
	}
}

func (n *node) disposition() *imap.BodyStructureDisposition {
	for _, value := range n.fields.raw("Content-Disposition") {
		name, params := parseParams(value)
		if name = cleanToken(name); name != "" {
			return &imap.BodyStructureDisposition{Value: name, Params: params}
		}
	}
	return nil
}

// parseParams reads "value; name=text; name="quoted text"", at most 50
// parameters. What is between two semicolons and no parameter is skipped.
func parseParams(s string) (value string, params map[string]string) {
	value, rest := cutParam(s)
	value, _ = comments(value)
	params = map[string]string{}
	for rest != "" && len(params) < maxParams {
		var one string
		one, rest = cutParam(rest)
		name, text, ok := strings.Cut(one, "=")
		if name = strings.ToLower(strings.TrimSpace(name)); !ok || name == "" || len(name) > maxToken {
			continue
		}
		if _, known := params[name]; !known {
			params[name] = paramText(strings.TrimSpace(text))
		}
	}
	return value, params
}

// cutParam cuts at the first semicolon outside quotes. A quote that is never
// closed is taken as text.
func cutParam(s string) (before, after string) {
	var e enclosure
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i += max(e.size(s[i:]), 1) - 1
		case ';':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// paramText takes the quotes off, or a comment after the text. A backslash
// quotes only a quote or another one: before anything else some sender wrote
// a path of Windows.
func paramText(s string) string {
	if !strings.HasPrefix(s, `"`) {
		if i := strings.Index(s, " ("); i >= 0 {
			s = s[:i]
		}
		return s
	}
	if size := quotedSize(s); size > 0 {
		s = s[:size-1]
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s[1:])
}
