package facts

import "strings"

// maxReferences is the most message identifiers that are kept of a thread.
const maxReferences = 100

// InReplyTo returns the first message identifier that this one answers, as
// MessageID gives it for that message: with its angle brackets, at most 512
// octets, "" if there is none. Old software wrote a sentence around it
// (RFC 5322 section 4.5.4). It reads In-Reply-To.
func (h *Header) InReplyTo() string {
	for _, v := range h.raw("In-Reply-To") {
		for _, id := range messageIDs(v) {
			return id
		}
	}
	return ""
}

// References returns the message identifiers of the thread, in order, as
// MessageID gives them: at most 100, which are then the first, where the thread
// began, and the last 99. It reads References.
func (h *Header) References() []string {
	var out []string
	for _, v := range h.raw("References") {
		out = append(out, messageIDs(v)...)
	}
	if extra := len(out) - maxReferences; extra > 0 {
		out = append(out[:1:1], out[1+extra:]...)
	}
	return out
}

// IsReply reports whether the message says that it belongs to an earlier one.
// It need not name it: old software wrote only a sentence. It reads In-Reply-To
// and References.
func (h *Header) IsReply() bool {
	for _, name := range []string{"In-Reply-To", "References"} {
		for _, v := range h.raw(name) {
			if strings.Trim(v, "<> ") != "" {
				return true
			}
		}
	}
	return false
}

// messageIDs finds what stands in angle brackets. A bracket that is opened
// again was never closed. Without any bracket, words that all have an "@" are
// identifiers that some software writes bare.
func messageIDs(s string) []string {
	if strings.IndexByte(s, '<') < 0 {
		return bareIDs(s)
	}
	var out []string
	start := -1
	for i := range len(s) {
		switch s[i] {
		case '<':
			start = i
		case '>':
			if start >= 0 && i > start+1 {
				out = append(out, capID(s[start:i+1]))
			}
			start = -1
		}
	}
	return out
}

func bareIDs(s string) []string {
	words := strings.Fields(s)
	for i, w := range words {
		if strings.IndexByte(w, '@') < 0 {
			return nil
		}
		words[i] = capID(w)
	}
	return words
}

// capID cuts an identifier to what is kept of one, the same for all, so that a
// long one still equals itself.
func capID(id string) string {
	if len(id) > maxMessageID {
		id = strings.ToValidUTF8(id[:maxMessageID], "")
	}
	return strings.TrimSpace(id)
}
