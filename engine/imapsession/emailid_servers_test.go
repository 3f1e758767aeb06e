package imapsession_test

import (
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// emailIDs fetches the headers of UID 5 twice from a server that answers with
// these lines, and returns the EMAILIDs and what the client sent.
func emailIDs(t *testing.T, capabilities string, answers ...[]string) (ids, sent []string) {
	scripted(t, capabilities, func(c *imaptest.Script) {
		for _, lines := range answers {
			tag, command, _ := c.Read()
			sent = append(sent, command)
			c.Send(lines[:len(lines)-1]...)
			c.Send(tag + " " + lines[len(lines)-1])
		}
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		for range 2 {
			for _, f := range must[[]imapsession.Fetched](t)(s.FetchHeaders(t.Context(), imap.UIDSetNum(5), []string{"Message-Id"})) {
				ids = append(ids, f.EmailID)
			}
		}
	})
	return ids, sent
}

const fetched5 = "* 1 FETCH (UID 5 FLAGS () INTERNALDATE \"04-May-2026 12:00:00 +0000\" RFC822.SIZE 9 BODY[HEADER.FIELDS (MESSAGE-ID)] \"\""

func TestEmailIDIsAskedForWhereItIsOffered(t *testing.T) {
	ids, sent := emailIDs(t, "OBJECTID",
		[]string{fetched5 + " EMAILID (M1))", "OK done"}, []string{fetched5 + ")", "OK done"})
	if got := strings.Join(ids, ","); got != "M1," {
		t.Errorf("EMAILIDs %q: the second answer had none, and is an answer all the same", got)
	}
	if !strings.Contains(sent[0], " EMAILID ") || !strings.Contains(sent[0], `BODY.PEEK[HEADER.FIELDS ("Message-Id")]`) {
		t.Errorf("sent %q", sent)
	}
}

func TestEmailIDIsNotAskedForElsewhere(t *testing.T) {
	_, sent := emailIDs(t, "UIDPLUS", []string{fetched5 + ")", "OK done"}, []string{fetched5 + ")", "OK done"})
	if strings.Contains(strings.Join(sent, ""), "EMAILID") {
		t.Errorf("sent %q", sent)
	}
}

// Announced is not working.
func TestEmailIDThatIsRefusedIsNotAskedForAgain(t *testing.T) {
	ids, sent := emailIDs(t, "OBJECTID", []string{"BAD what is that?"},
		[]string{fetched5 + ")", "OK done"}, []string{fetched5 + ")", "OK done"})
	asked := strings.Count(strings.Join(sent, ""), "EMAILID")
	if len(ids) != 2 || asked != 1 {
		t.Errorf("%d answers, EMAILID asked for %d times: %q", len(ids), asked, sent)
	}
}
