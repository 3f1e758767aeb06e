package preset

import (
	"errors"
	"regexp"
)

const (
	// ntfyMessage is the size of a message in bytes; a longer one becomes an
	// attachment (docs/publish, "Limitations": "Message length").
	ntfyMessage = 4096
	// ntfyBody is the size of the whole JSON in bytes: the server reads twice
	// the size of a message (server.go, transformBodyJSON) and answers 400 to
	// more.
	ntfyBody = 2 * ntfyMessage
	// ntfyTitle leaves the phones' push services, with 4 kB for everything,
	// most of it for the message.
	ntfyTitle = 250
)

// ntfyCall is "Publish as JSON" of docs/publish: a POST to the server, not to
// the topic. A message is plain text unless "markdown" is set.
type ntfyCall struct {
	Topic   string `json:"topic"`
	Title   string `json:"title"`
	Message string `json:"message"`
	Click   string `json:"click,omitempty"`
	// SequenceID makes a repeated call replace the notification ("Updating
	// notifications"); a server before 2.16 does not know it.
	SequenceID string `json:"sequence_id,omitempty"`
}

// checkNtfy checks the topic as the server does.
func checkNtfy(s Settings) error {
	if !ntfyName(s.To) {
		return errors.New(`ntfy: a topic has 1 to 64 letters, digits, "-" and "_"`)
	}
	return nil
}

func ntfyName(s string) bool { return regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`).MatchString(s) }

// makeNtfy cuts a message further whose quotes and line feeds, two bytes each
// in JSON, do not fit; without a message everything fits. The token is that of
// "Access tokens".
func makeNtfy(s Settings, n Note) (Call, error) {
	body := ntfyCall{Topic: s.To, Title: clip(n.title(), ntfyTitle, octets, plain), Click: n.Link}
	if ntfyName(n.Message.ID) {
		body.SequenceID = n.Message.ID
	}
	for size := ntfyMessage; ; size -= size / 8 {
		body.Message = clip(n.required(), size, octets, plain)
		if call := post(s.URL+"/", bearer(s.Token), body); len(call.Body) <= ntfyBody {
			return call, nil
		}
	}
}
