package facts

import (
	"testing"

	"imapilot/engine/enginetest/corpus"
)

func TestCorpus(t *testing.T) {
	messages := corpus.Messages(t)
	for _, m := range messages {
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
