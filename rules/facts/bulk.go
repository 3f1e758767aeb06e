package facts

import "strings"

// IsAuto reports whether a program wrote the message without anyone asking it
// to: a bounce, an absence note, a notification (RFC 3834). It reads
// Auto-Submitted, Precedence, X-Autoreply and X-Autorespond.
//
// Auto-Submitted says so with any value but "no" (section 5); the others are
// what responders wrote before there was such a field. X-Auto-Response-Suppress
// is no sign of it: it asks the receiver not to answer automatically, which
// mail that a person typed into a ticket system asks as well.
func (h *Header) IsAuto() bool {
	return h.says("Auto-Submitted", isAutoSubmitted) || h.says("Precedence", isAutoPrecedence) ||
		h.says("X-Autoreply", isYes) || h.says("X-Autorespond", isYes)
}

// IsBulk reports whether the message went to many: by a mailing list or a
// newsletter. It reads Precedence, List-ID, List-Unsubscribe and List-Post.
//
// Feedback-ID is no sign of it: the large sending services put it on every
// message, an order confirmation or a password reset as well.
func (h *Header) IsBulk() bool {
	return h.says("Precedence", isBulkPrecedence) || h.filled("List-ID", "List-Unsubscribe", "List-Post")
}

// IsBounce reports whether the message is a delivery status notification
// (RFC 3464 section 2): most tell of a failure, some of a delay or a success.
// It reads Content-Type.
func (h *Header) IsBounce() bool {
	parts := segments(h.first("Content-Type"))
	if !strings.EqualFold(parts[0], "multipart/report") {
		return false
	}
	for _, part := range parts[1:] {
		for _, p := range pairs(part) {
			if p.name == "report-type" {
				return strings.EqualFold(p.value, "delivery-status")
			}
		}
	}
	return false
}

// says reports whether the first word of any field of that name, in lower case
// and without comments and parameters, is one that counts.
func (h *Header) says(name string, counts func(string) bool) bool {
	if h == nil {
		return false
	}
	for _, f := range h.fields {
		if f.is(name) && counts(keyword(f.value)) {
			return true
		}
	}
	return false
}

// keyword takes the first word of a structured field, in lower case.
func keyword(s string) string {
	word, _, _ := strings.Cut(segments(s)[0], " ")
	return strings.ToLower(word)
}

func isAutoSubmitted(word string) bool { return word != "" && word != "no" }

func isAutoPrecedence(word string) bool { return word == "auto_reply" || word == "auto-reply" }

func isBulkPrecedence(word string) bool { return word == "bulk" || word == "list" || word == "junk" }

func isYes(word string) bool {
	return word != "" && word != "no" && word != "false" && word != "0"
}
