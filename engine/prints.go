package engine

import (
	"time"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// maxMessageID is where a fingerprint cuts a Message-ID.
const maxMessageID = 512

// fingerprint is the identity of a fetched message apart from its UID.
func fingerprint(f imapsession.Fetched, h *facts.Header) journal.Fingerprint {
	id := h.MessageID()
	if id == "" && h.Cut("Message-ID") != nil {
		// The identity of a message must not depend on what else was fetched.
		id = facts.ParseHeader(facts.OnlyField(f.Header, "Message-ID")).MessageID()
	}
	if len(id) > maxMessageID {
		id = id[:maxMessageID]
	}
	return journal.Fingerprint{MessageID: id, Received: f.Received.UTC().Truncate(time.Second), Size: f.Size}
}

// same reports whether two fingerprints are of one message. Servers preserve
// all three items on COPY; some rewrite one of date and size, which is still
// the same message as long as the Message-ID and the other one agree.
func same(a, b journal.Fingerprint) bool {
	if a.MessageID != b.MessageID {
		return false
	}
	date, size := a.Received.Equal(b.Received), a.Size == b.Size
	if a.MessageID == "" {
		return date && size
	}
	return date || size
}

// exact is same without any tolerance.
func exact(a, b journal.Fingerprint) bool {
	return a.MessageID == b.MessageID && a.Received.Equal(b.Received) && a.Size == b.Size
}
