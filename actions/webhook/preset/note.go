package preset

import (
	"errors"
	"strings"

	"imapilot/actions/webhook"
)

// maxLink is the size of the longest link in bytes, so that it leaves room for
// the text of every service.
const maxLink = 900

// Note is what somebody is told. Any of it may be a stranger's words. It can be
// kept as JSON until it is sent.
type Note struct {
	// Title is one line; the message's subject where it is blank.
	Title string `json:"title,omitempty"`
	// Body is plain text of any number of lines; where it is blank, who sent
	// the message and where it is.
	Body string `json:"body,omitempty"`
	// Link is a URL, http or https, at most 900 bytes: where a click leads,
	// or a line below the body.
	Link string `json:"link,omitempty"`
	// Message is what the note is about.
	Message webhook.Message `json:"message"`
}

func (n Note) check() error {
	if n.Link != "" && (len(n.Link) > maxLink || webhook.CheckURL([]webhook.Piece{{Text: n.Link}}) != nil) {
		return errors.New("the link is not a URL that begins with http:// or https://, of at most 900 bytes")
	}
	return nil
}

// title is one clean line that shows something: services refuse a blank one.
func (n Note) title() string {
	for _, s := range []string{n.Title, n.Message.Subject} {
		if s = line(s); visible(s) {
			return s
		}
	}
	return "(no subject)"
}

// body is clean text; blank only where nothing is known of the message.
func (n Note) body() string {
	if s := lines(n.Body); visible(s) {
		return s
	}
	var out []string
	if len(n.Message.From) > 0 {
		from := n.Message.From[0]
		out = append(out, line(strings.TrimSpace("From: "+from.Name+" <"+from.Address+">")))
	}
	if n.Message.Mailbox != "" {
		out = append(out, line("In: "+n.Message.Account+"/"+n.Message.Mailbox))
	}
	return strings.Join(out, "\n")
}

// required is the body for services that refuse a blank one.
func (n Note) required() string {
	if body := n.body(); body != "" {
		return body
	}
	return n.title()
}
