package preset

import (
	"encoding/json"

	"imapilot/actions/webhook"
)

// genericCall is our own: the note, and the document of the message.
type genericCall struct {
	Title   string          `json:"title"`
	Body    string          `json:"body"`
	Link    string          `json:"link,omitempty"`
	Message json.RawMessage `json:"message"`
}

// genericText is the size of the body in bytes.
const genericText = 4096

// makeGeneric posts the note beside the document, for receivers that can read
// JSON and want the text too. With its escapes it is at most twice the size of
// [webhook.MaxPayload].
func makeGeneric(s Settings, n Note) (Call, error) {
	return post(s.URL, bearer(s.Token), genericCall{
		Title: clip(n.title(), 250, octets, plain), Body: clip(n.body(), genericText, octets, plain),
		Link: n.Link, Message: webhook.Payload(n.Message),
	}), nil
}
