//go:build unix

package rules

import (
	"bytes"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"imapilot/engine/enginetest/corpus"
	"imapilot/rules/facts"
)

// maxCost is the most time that one message may take, on one core, of a rule
// set that asks about every field with every function.
const maxCost = 150 * time.Microsecond

// BenchmarkCorpus is what one message of the corpus costs with a rule set that
// touches every field and every function.
//
//	fetched  what the daemon does once the server has answered: read the header
//	         and the structure, decode the parts, evaluate
//	file     the same of a message in a file, whose parts are found first
//	evaluate the last of these steps alone
//
// It reports the processor time of the whole process, garbage collection
// included, because the time on the clock tells of what else the machine does.
// It fails where a fetched message costs more than maxCost.
func BenchmarkCorpus(b *testing.B) {
	rs, all := mustCompile(b, everything()), corpus.Everything(b)
	fetched := make([]fetchedMessage, len(all))
	read := make([]*facts.Message, len(all))
	for i, m := range all {
		fetched[i], read[i] = fetch(m.Raw), received(m.Raw)
	}
	in := sampleInput()
	in.Every = false
	b.Run("fetched", func(b *testing.B) {
		cost := perMessage(b, len(all), func(i int) { in.Message = fetched[i].read(); rs.Evaluate(in) })
		if cost > maxCost {
			b.Errorf("%v a message, more than %v", cost, maxCost)
		}
	})
	b.Run("file", func(b *testing.B) {
		perMessage(b, len(all), func(i int) { in.Message = received(all[i].Raw); rs.Evaluate(in) })
	})
	b.Run("evaluate", func(b *testing.B) {
		perMessage(b, len(all), func(i int) { in.Message = read[i]; rs.Evaluate(in) })
	})
}

// perMessage goes through all messages b.N times and reports what one costs. A
// round before that is not counted: in it the heap grows to what is held here.
func perMessage(b *testing.B, n int, work func(i int)) time.Duration {
	b.ReportAllocs()
	for i := range n {
		work(i)
	}
	runtime.GC()
	rounds, before := 0, processorTime(b)
	for b.Loop() {
		for i := range n {
			work(i)
		}
		rounds++
	}
	cost := (processorTime(b) - before) / time.Duration(rounds*n)
	b.ReportMetric(float64(cost)/float64(time.Microsecond), "cpu-us/message")
	b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(rounds*n), "us/message")
	return cost
}

// processorTime is what the process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fetchedMessage is what a server sends of a message.
type fetchedMessage struct {
	header    []byte
	structure imap.BodyStructure
	contents  map[facts.Content][]byte
	like      *facts.Message
}

// fetch makes the answers of a server, which has lines that end in CRLF and no
// "From " line of an mbox.
func fetch(raw []byte) fetchedMessage {
	out := fetchedMessage{like: received(raw), contents: map[facts.Content][]byte{}}
	if bytes.HasPrefix(raw, []byte("From ")) {
		_, raw, _ = bytes.Cut(raw, []byte("\n"))
	}
	raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	out.header, _, _ = bytes.Cut(raw, []byte("\r\n\r\n"))
	out.structure = imapserver.ExtractBodyStructure(bytes.NewReader(raw))
	s := facts.NewStructure(out.structure)
	for _, c := range []facts.Content{facts.TextContent, facts.HTMLContent, facts.ReportContent} {
		if part, found := s.Find(c); found {
			out.contents[c] = imapserver.ExtractBodySection(bytes.NewReader(raw), &imap.FetchItemBodySection{Part: part.Section()})
		}
	}
	return out
}

// read is what the daemon makes of the answers.
func (f fetchedMessage) read() *facts.Message {
	m := &facts.Message{UID: f.like.UID, Flags: f.like.Flags, Size: f.like.Size, Received: f.like.Received, History: f.like.History, Gmail: f.like.Gmail}
	m.Header, m.WholeHeader = facts.ParseHeader(f.header), true
	m.Structure = facts.NewStructure(f.structure)
	for _, c := range []facts.Content{facts.TextContent, facts.HTMLContent, facts.ReportContent} {
		raw := f.contents[c]
		m.SetContent(c, raw[:min(len(raw), facts.DefaultLimit)], len(raw) > facts.DefaultLimit)
	}
	return m
}
