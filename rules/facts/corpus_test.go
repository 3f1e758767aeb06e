package facts

import (
	"testing"

	"imapilot/engine/enginetest/corpus"
)

// TestCorpus holds every message to what holds of all, those of the
// SpamAssassin corpus too where "make soak" installed it.
func TestCorpus(t *testing.T) {
	messages := corpus.Everything(t)
	for _, m := range messages {
		checkMessage(t, ParseMessage(m.Raw, 0))
		h := ParseHeader(m.Raw)
		check(t, h)
		for _, name := range []string{"From", "To", "Cc", "Reply-To", "Sender"} {
			for _, value := range h.raw(name) {
				sameAsLibrary(t, value)
			}
		}
	}
	if len(messages) < 900 {
		t.Errorf("only %d messages found", len(messages))
	}
}
