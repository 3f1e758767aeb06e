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
	return journal.Fingerprint{EmailID: f.EmailID, MessageID: id, Received: f.Received.UTC().Truncate(time.Second), Size: f.Size}
}

// kinship is what the EMAILIDs of two messages on one server tell (RFC 8474
// section 5.1).
type kinship int

const (
	unrelated kinship = iota - 1 // they are two messages
	unproven                     // one of them has none: the rest decides
	kin                          // they are one message, or two with the same content
)

func kinshipOf(a, b journal.Fingerprint) kinship {
	switch {
	case a.EmailID == "" || b.EmailID == "":
		return unproven
	case a.EmailID == b.EmailID:
		return kin
	default:
		return unrelated
	}
}

// identical reports whether all that is known of two messages agrees. Of several
// that are the same message it finds the likeliest.
func identical(a, b journal.Fingerprint) bool {
	return kinshipOf(a, b) != unrelated && exact(a, b)
}

// likely reports whether two fingerprints are of one message on one server: by
// their EMAILIDs where both have one, else as same does. Two identical
// deliveries may share an EMAILID, so whoever asks gives each away once.
func likely(a, b journal.Fingerprint) bool {
	switch kinshipOf(a, b) {
	case kin:
		return true
	case unrelated:
		return false
	default:
		return same(a, b)
	}
}

// sameIdentity reports whether two fingerprints have an identity in common: the
// EMAILID where both have one, else Message-ID, size and INTERNALDATE. A message
// without EMAILID and Message-ID has none.
func sameIdentity(a, b journal.Fingerprint) bool {
	switch kinshipOf(a, b) {
	case kin:
		return true
	case unrelated:
		return false
	default:
		return a.MessageID != "" && exact(a, b)
	}
}

// same reports whether two fingerprints are of one message, whatever their
// EMAILIDs: a client that moves by APPEND makes another. Servers preserve
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
