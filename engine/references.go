package engine

import (
	"strings"

	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// maxReferences is how many messages one message may refer to. A thread of
// hundreds names them all in each reply; the nearest are what matters.
const maxReferences = 20

// references returns the Message-IDs to which a message refers, each once and
// with its angle brackets (RFC 5322 section 3.6.4): what it answers, then its
// References from the nearest to the farthest, at most 20. An ID of more than
// 512 bytes is left out, for a fingerprint would not hold the whole of it. It
// is empty where the header fields were not fetched.
func references(h *facts.Header) []string {
	var out []string
	seen := map[string]bool{h.MessageID(): true} // nothing answers itself
	for _, id := range append(messageIDs(h.Values("In-Reply-To")), backwards(messageIDs(h.Values("References")))...) {
		if len(out) == maxReferences {
			break
		}
		if !seen[id] && len(id) <= maxMessageID {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// messageIDs finds the Message-IDs in the values of a field. Old programs wrote
// phrases around them, which count for nothing, and broken ones break a line
// within an ID, which holds no white space. A value that is one word without
// brackets is an ID that came without them.
func messageIDs(values []string) []string {
	var out []string
	for _, v := range values {
		if word := strings.TrimSpace(v); word != "" && !strings.ContainsAny(word, "<> \t") {
			out = append(out, word)
			continue
		}
		for {
			_, after, found := strings.Cut(v, "<")
			inside, rest, closed := strings.Cut(after, ">")
			if !found || !closed {
				break
			}
			v = rest
			if id := strings.Join(strings.Fields(inside), ""); id != "" {
				out = append(out, "<"+id+">")
			}
		}
	}
	return out
}

func backwards(ids []string) []string {
	out := make([]string, 0, len(ids))
	for i := range ids {
		out = append(out, ids[len(ids)-1-i])
	}
	return out
}

// referencesOf are the rows that a handled message leaves.
func referencesOf(cursor journal.Cursor, m *candidate) []journal.Reference {
	var out []journal.Reference
	for _, id := range references(m.message.Header) {
		out = append(out, journal.Reference{
			MessageID: id, Mailbox: cursor.Mailbox, UIDValidity: cursor.UIDValidity, UID: m.fetched.UID,
		})
	}
	return out
}

// referredIn is what the messages of one batch refer to: the journal does not
// hold it yet.
func referredIn(all []*candidate) map[string]bool {
	out := map[string]bool{}
	for _, m := range all {
		for _, id := range references(m.message.Header) {
			out[id] = true
		}
	}
	return out
}
