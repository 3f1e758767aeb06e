package facts

import (
	"bytes"
	"strings"
	"testing"

	"imapilot/engine/enginetest/corpus"
)

// Of the 940 messages these are the ones whose text is not to be had, each
// looked at. Fewer is better; more is a fault.
const (
	// withoutText have no text part, an empty one, or a boundary that the
	// message does not contain.
	withoutText = 15
	// withOddCharacters declare a charset that they are not written in: EUC-JP as
	// ISO-2022-JP, a PNG picture as text.
	withOddCharacters = 5
	// withReport have a status and a recipient to read.
	withReport = 413
)

func TestCorpusBodies(t *testing.T) {
	var textless, odd, reports int
	for _, raw := range corpus.Messages(t) {
		m := ParseMessage(raw.Raw, 1<<20)
		checkMessage(t, m)
		if strings.Contains(m.Text.Text+m.HTML.Text, "\uFFFD") {
			odd++
		}
		if m.Report.Status != "" && m.Report.Recipient != "" {
			reports++
		}
		// Messages whose lines end in CR alone are no messages to any server.
		if m.Text.Text == "" && bytes.Contains(raw.Raw, []byte("\n\n")) {
			textless++
		}
		if _, err := m.Structure.Attachments(); err != nil {
			t.Errorf("%s: %v", raw.Name, err)
		}
	}
	if textless > withoutText || odd > withOddCharacters || reports < withReport {
		t.Errorf("without text %d, at most %d; with odd characters %d, at most %d; with a report %d, at least %d",
			textless, withoutText, odd, withOddCharacters, reports, withReport)
	}
}

// What was read of a part in pieces of any size is the beginning of the whole.
func TestCorpusBodiesCutAnywhere(t *testing.T) {
	for i, raw := range corpus.Messages(t) {
		whole := ParseMessage(raw.Raw, 1<<20)
		p, _ := whole.Structure.Find(TextContent)
		if p.Type != "text/plain" || strings.Contains(whole.Text.Text, "\uFFFD") {
			continue // Of a charset that is not true another guess is as good.
		}
		for _, limit := range []int{1 + i%7, 100 + i, 1000 + i} {
			cut := ParseMessage(raw.Raw, limit)
			if cut.Text.Truncated && !strings.HasPrefix(whole.Text.Text, strings.TrimSuffix(cut.Text.Text, "\n")) {
				t.Errorf("%s to %d: %q, of %.2000q", raw.Name, limit, cut.Text.Text, whole.Text.Text)
			}
		}
	}
}

func BenchmarkParseMessage(b *testing.B) {
	messages := corpus.Messages(b)
	size := 0
	for _, m := range messages {
		size += len(m.Raw)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, m := range messages {
			ParseMessage(m.Raw, DefaultLimit)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(messages)), "µs/message")
}
