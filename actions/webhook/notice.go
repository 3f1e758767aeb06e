package webhook

import (
	"encoding/json"
	"time"
)

// TypeNotice is the type of a [Notice], which tells it from a message.
const TypeNotice = "notice"

// The states of a notice.
const (
	NoticeRaised = "raised"
	NoticeOver   = "over"
)

// Notice is the document that is posted when something needs a person, and when that is
// over. It is about no message.
type Notice struct {
	Version int    `json:"version"`
	Type    string `json:"type"` // TypeNotice
	// ID is the webhook-id: the same in every attempt.
	ID string `json:"id"`
	// Notice is what it is about, in one word; State whether that has begun or ended.
	Notice  string `json:"notice"`
	State   string `json:"state"`
	Account string `json:"account"`
	// Mailbox, Rule and Endpoint are what has the trouble, where it is one of them.
	Mailbox  string `json:"mailbox,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	// Since is when it began.
	Since time.Time `json:"since"`
	// Title and Body say it to people.
	Title string `json:"title"`
	Body  string `json:"body"`
}

// JSON returns the document, its texts free of control characters and cut as those of a
// message are.
func (n Notice) JSON() []byte {
	n.Version, n.Type = Version, TypeNotice
	l := limits{text: 1000}
	for _, s := range []*string{&n.ID, &n.Notice, &n.State, &n.Account, &n.Mailbox, &n.Rule, &n.Endpoint, &n.Title} {
		*s = text(*s, l.text)
	}
	n.Body, n.Since = textOfLines(n.Body, 2*l.text), printable(n.Since)
	out, err := json.Marshal(n)
	if err != nil {
		panic(err) // it holds texts and a date that is printable
	}
	return out
}
