package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// The sizes of what is included, in bytes as JSON.
const (
	MaxHeaders     = 64_000
	MaxText        = 100_000
	MaxAttachments = 20_000
)

// Included is what a document has besides, where a rule asks for it. What was not
// asked for is left out; what is there and empty is an empty list or text.
type Included struct {
	// Headers are the fields of the message in their order, unfolded and decoded.
	Headers []HeaderField `json:"headers,omitzero"`
	// Text is the text of the message, decoded.
	Text        *string      `json:"text,omitempty"`
	Attachments []Attachment `json:"attachments,omitzero"`
	// Truncated names those of the above that are not whole.
	Truncated []string `json:"truncated,omitempty"`
	// Raw is the message as the server gives it; see [WithRaw].
	Raw          []byte `json:"raw,omitempty"`
	RawTruncated bool   `json:"raw_truncated,omitempty"`
	RawDropped   bool   `json:"raw_dropped,omitempty"`
}

// HeaderField is a field of a message.
type HeaderField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attachment is a part of a message that clients show as a file.
type Attachment struct {
	Name string `json:"name"`
	// Type is the media type, Size is about how many bytes there are, decoded.
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	Inline bool   `json:"inline"`
}

// within returns a copy that keeps to the limits: values of fields to 4,000 bytes, and
// all of it to the sizes above.
func (i Included) within() Included {
	if i.Headers != nil {
		headers := make([]HeaderField, len(i.Headers))
		for n, f := range i.Headers {
			headers[n] = HeaderField{text(f.Name, 200), text(f.Value, 4000)}
			if len(f.Value) > 4000 {
				i.truncate("headers")
			}
		}
		i.Headers = cutList(&i, "headers", headers, MaxHeaders)
	}
	if i.Text != nil {
		i.cutText()
	}
	if i.Attachments != nil {
		attachments := make([]Attachment, len(i.Attachments))
		for n, a := range i.Attachments {
			a.Name, a.Type = text(a.Name, 400), text(a.Type, 200)
			attachments[n] = a
		}
		i.Attachments = cutList(&i, "attachments", attachments, MaxAttachments)
	}
	return i
}

// truncate notes once that something is not whole.
func (i *Included) truncate(what string) {
	for _, known := range i.Truncated {
		if known == what {
			return
		}
	}
	i.Truncated = append(i.Truncated[:len(i.Truncated):len(i.Truncated)], what)
}

// cutList keeps the first members of a list that have room.
func cutList[T any](i *Included, what string, list []T, most int) []T {
	room := most - len("[]")
	for n, member := range list {
		if room -= sizeOf(member) + len(","); room < 0 {
			i.truncate(what)
			return list[:n]
		}
	}
	return list
}

// cutText keeps as much of the text as has room with its escapes.
func (i *Included) cutText() {
	whole := textOfLines(*i.Text, len(*i.Text))
	cut := textOfLines(whole, MaxText)
	for size := sizeOf(cut); size > MaxText; size = sizeOf(cut) {
		cut = textOfLines(cut, len(cut)*MaxText/size-1)
	}
	if len(cut) < len(whole) {
		i.truncate("text")
	}
	i.Text = &cut
}

// size is how many bytes of a document what is included takes, and its names.
func (i Included) size() int { return sizeOf(i) }

// sizeOf is the size of a value as JSON.
func sizeOf(v any) int {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // it has texts and numbers only
	}
	return len(out)
}

// WithRaw returns a document of [Payload] with a message as the server gave it, which
// is base64 there.
func WithRaw(payload, raw []byte, truncated bool) []byte {
	tail := ""
	if truncated {
		tail = `,"raw_truncated":true`
	}
	out := make([]byte, 0, len(payload)+base64.StdEncoding.EncodedLen(len(raw))+len(tail)+len(`,"raw":""`))
	out = append(append(out, member(payload)...), `"raw":"`...)
	out = base64.StdEncoding.AppendEncode(out, raw)
	return append(append(append(out, '"'), tail...), '}')
}

// WithoutRaw returns a document of [Payload] which says that the raw message is not
// kept any more.
func WithoutRaw(payload []byte) []byte {
	return append(append(bytes.Clone(member(payload)), `"raw_dropped":true`...), '}')
}

// member is an object up to where its next member begins.
func member(object []byte) []byte {
	open := bytes.TrimSuffix(bytes.TrimSpace(object), []byte("}"))
	if bytes.Equal(bytes.TrimSpace(open), []byte("{")) {
		return open
	}
	return append(open[:len(open):len(open)], ',')
}
