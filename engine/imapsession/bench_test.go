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
	srv := imaptest.Scripted(b, func(c *imaptest.Script) {
		c.Login(everything)
		for tag := c.Expect("UID FETCH"); tag != ""; tag = c.Expect("UID FETCH") {
			if _, err := fmt.Fprint(c, answer.String()); err != nil {
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
		got, err := s.FetchHeaders(b.Context(), imap.UIDSet{{Start: 1, Stop: messages}}, []string{"From", "To", "Subject", "Message-ID", "Date"})
		if err != nil || len(got) != messages {
			b.Fatalf("%d messages, %v", len(got), err)
		}
	}
	b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
