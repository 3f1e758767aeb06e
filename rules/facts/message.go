package facts

import (
	"time"

	"github.com/emersion/go-imap/v2"
)

// Message is what is known of one message. What was not fetched is nil, which
// is not the same as empty: a rule that needs it cannot be decided yet.
type Message struct {
	UID   imap.UID
	Flags []imap.Flag
	// Received is the INTERNALDATE (RFC 9051 section 2.3.3).
	Received time.Time
	// Size is RFC822.SIZE in octets (RFC 9051 section 2.3.4).
	Size int64
	// Undated is set while Received and Size are not known.
	Undated bool
	// Header is nil while no header field was fetched.
	Header *Header
	// WholeHeader is set when Header holds every field of the message, not only
	// those that were asked for.
	WholeHeader bool
	// Structure is nil while the BODYSTRUCTURE was not fetched.
	Structure *Structure
	// Text, HTML and Report are what the parts that Structure names hold, nil
	// while they were not fetched. A message without such a part has an empty one.
	Text, HTML *Body
	Report     *Report
	// History is what the journal knows of the message, nil while it was not
	// asked.
	History *History
	// Gmail is what Gmail alone tells of the message, nil while it was not asked; of
	// another server it is empty.
	Gmail *Gmail
	// Raw is the message as the server gives it, nil while it was not fetched.
	Raw *Raw
}

// Raw is a message as it is (RFC 5322), or its beginning.
type Raw struct {
	Data []byte
	// Truncated is set when the message is longer than Data.
	Truncated bool
}

// Holds reports whether the first octets of the message are there, or all of it where
// it has no more. The nil Raw holds none.
func (r *Raw) Holds(octets int) bool {
	return octets == 0 || r != nil && (!r.Truncated || len(r.Data) >= octets)
}

// First are at most so many octets, and whether the message is longer.
func (r *Raw) First(octets int) (data []byte, truncated bool) {
	if len(r.Data) <= octets {
		return r.Data, r.Truncated
	}
	return r.Data[:octets], true
}

// Body is the decoded text of one part.
type Body struct {
	Text string
	// Truncated is set when the part is longer than what was fetched of it.
	Truncated bool
}

// Report is what a delivery status notification says of the first recipient
// whose delivery failed (RFC 3464 section 2.3).
type Report struct {
	// Status is the enhanced status code "5.1.1" (RFC 3463), "" if there is none.
	Status string
	// Recipient is the address that could not be reached, "" if it is not told.
	Recipient string
}

// History is what the journal knows of a message.
type History struct {
	// Duplicate: a message with this Message-ID was seen before in the account.
	Duplicate bool
	// HasReply: a later message of the account refers to this one.
	HasReply bool
	// ByUser: another client moved it here, from a mailbox that is watched, and
	// MovedFrom is the name of that mailbox.
	ByUser    bool
	MovedFrom string
}

// Gmail is what a server with X-GM-EXT-1 tells of a message.
type Gmail struct {
	// Labels are those that it has, but for the one of the mailbox that it is looked at
	// in; system labels begin with a backslash.
	Labels []string
	// MessageID and ThreadID are the numbers of the message and its conversation.
	MessageID, ThreadID string
}

// Sent is when the message says that it was sent. Like the SORT command
// (RFC 5256 section 2.2) it falls back to Received where there is no usable
// Date field, so that a message without one is neither infinitely old nor new.
func (m *Message) Sent() time.Time {
	if m.Header != nil {
		if sent := m.Header.Sent(); !sent.IsZero() {
			return sent
		}
	}
	return m.Received
}
