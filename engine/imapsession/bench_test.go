package imapsession_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// BenchmarkFetchHeaders reads 10,000 messages' headers in each round.
func BenchmarkFetchHeaders(b *testing.B) {
	const messages = 10_000
	header := "From: Ann <ann@example.org>\r\nTo: me@example.org\r\nSubject: Invoice 4711 of May\r\nMessage-ID: <abc.def@example.org>\r\nDate: Mon, 4 May 2026 12:00:00 +0000\r\n\r\n"
	var answer strings.Builder
	for uid := range messages {
		fmt.Fprintf(&answer, "* %d FETCH (UID %d FLAGS (\\Seen $Work) INTERNALDATE \" 4-May-2026 12:00:00 +0000\" RFC822.SIZE 4711 BODY[HEADER.FIELDS (FROM TO SUBJECT MESSAGE-ID DATE)] {%d}\r\n%s)\r\n",
			uid+1, uid+1, len(header), header)
	}
	benchmark(b, answer.String(), messages, func(s *imapsession.Session) (int, error) {
		got, err := s.FetchHeaders(b.Context(), imap.UIDSet{{Start: 1, Stop: messages}}, []string{"From", "To", "Subject", "Message-ID", "Date"})
		return len(got), err
	})
}

// BenchmarkFetchStructures reads 10,000 messages' structures in each round: a
// text and its HTML, and a file.
func BenchmarkFetchStructures(b *testing.B) {
	const messages = 10_000
	const structure = `((("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 1200 30 NIL NIL NIL NIL)("text" "html" ("charset" "utf-8") NIL NIL "base64" 9000 120 NIL NIL NIL NIL) "alternative" ("boundary" "b2") NIL NIL NIL)("application" "pdf" ("name" "invoice.pdf") NIL NIL "base64" 48000 NIL ("attachment" ("filename" "invoice.pdf")) NIL NIL) "mixed" ("boundary" "b1") NIL NIL NIL)`
	var answer strings.Builder
	for uid := range messages {
		fmt.Fprintf(&answer, "* %d FETCH (UID %d BODYSTRUCTURE %s)\r\n", uid+1, uid+1, structure)
	}
	benchmark(b, answer.String(), messages, func(s *imapsession.Session) (int, error) {
		got, err := s.FetchStructures(b.Context(), imap.UIDSet{{Start: 1, Stop: messages}})
		return len(got), err
	})
}

// BenchmarkFetchParts reads the texts, of 2 kB, of 10,000 messages.
func BenchmarkFetchParts(b *testing.B) {
	const messages = 10_000
	var answer strings.Builder
	for uid := range messages {
		fmt.Fprintf(&answer, "* %d FETCH (UID %d BODY[1.1]<0> {2000}\r\n%s)\r\n", uid+1, uid+1, strings.Repeat("x", 2000))
	}
	benchmark(b, answer.String(), messages, func(s *imapsession.Session) (int, error) {
		got, err := s.FetchParts(b.Context(), []imapsession.PartRequest{{UIDs: imap.UIDSet{{Start: 1, Stop: messages}}, Sections: []string{"1.1"}, Limit: 65536}})
		return len(got), err
	})
}

// benchmark measures a fetch that a server always answers with the same text.
func benchmark(b *testing.B, answer string, messages int, fetch func(s *imapsession.Session) (int, error)) {
	srv := imaptest.Scripted(b, func(c *imaptest.Script) {
		c.Login(everything)
		for tag := c.Expect("UID FETCH"); tag != ""; tag = c.Expect("UID FETCH") {
			if _, err := fmt.Fprint(c, answer); err != nil {
				return
			}
			c.Send(tag + " OK")
		}
	})
	s, err := imapsession.Dial(b.Context(), scriptedOptions(srv))
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Wait()
	defer s.Close()
	for b.Loop() {
		if got, err := fetch(s); err != nil || got != messages {
			b.Fatalf("%d messages, %v", got, err)
		}
	}
	b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
