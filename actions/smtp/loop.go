package smtp

import (
	"encoding/hex"
	"slices"
	"strings"
)

const (
	// loopField bears the mark of each account that a message went through. A
	// forwarded message is a new one, with a Received field for no hop of the
	// old, so that the marks are taken over from message to message.
	loopField = "X-Imapilot-Loop"
	// maxMarks is how many accounts may pass a message on, one to the next.
	maxMarks = 10
	// MaxReceived is how many Received fields a message may have that is
	// forwarded, where nothing else is said: RFC 5321 section 6.3 asks for at
	// least 100 before a loop is assumed.
	MaxReceived = 100
)

// marks are the loop marks of a message, those that are ones.
func (h header) marks() []string {
	var out []string
	for _, value := range h.all(loopField) {
		value = strings.ToLower(value)
		if raw, err := hex.DecodeString(value); err == nil && len(raw) == 16 && !slices.Contains(out, value) {
			out = append(out, value)
		}
	}
	return out
}

// loops returns why a message must not go through this account again.
func (h header) loops(o origin) error {
	marks := h.marks()
	if slices.Contains(marks, o.mark()) {
		return refuse(Loop, "this message was sent by imapilot for this account and came back")
	}
	if len(marks) >= maxMarks {
		return refuse(Hops, "this message was passed on by %d accounts already; at most %d", len(marks), maxMarks)
	}
	return nil
}

// writeMarks writes the marks that came, and our own.
func (c *composer) writeMarks(h header, o origin) {
	for _, mark := range append(h.marks(), o.mark()) {
		c.field(loopField, mark)
	}
}
