package facts

import (
	"time"

	"github.com/emersion/go-imap/v2"
)

// Message is what is known of one message: the cheap items that every FETCH
// can bring along, and header fields.
type Message struct {
	UID   imap.UID
	Flags []imap.Flag
	// Received is the INTERNALDATE (RFC 9051 section 2.3.3).
	Received time.Time
	// Size is RFC822.SIZE in octets (RFC 9051 section 2.3.4).
	Size int64
	// Header is nil while no header field was fetched.
	Header *Header
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
