package imapsession_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// A server that answers for the highest UIDs only is asked for the lower ones,
// until it has answered for all (RFC 9738 section 3).
func TestAnswersInPartAreCompleted(t *testing.T) {
	scripted(t, "IDLE", func(c *imaptest.Script) {
		c.Answer("UID SEARCH UID 3:*", "* SEARCH 9 8", "OK [MESSAGELIMIT 9 8] some")
		c.Answer("UID SEARCH UID 3:* UID 1:7", "* SEARCH 7 5", "OK [MESSAGELIMIT 9 5] some")
		c.Answer("UID SEARCH UID 3:* UID 1:4", "* SEARCH", "OK all")
		c.Answer("UID FETCH 5,7:9 ", "* 4 FETCH (UID 9 FLAGS ())", "* 3 FETCH (UID 8 FLAGS ())", "OK [MESSAGELIMIT 9 8] some")
		c.Answer("UID FETCH 5,7 ", "* 2 FETCH (UID 7 FLAGS ())", "* 1 FETCH (UID 5 FLAGS ())", "OK all")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		found, err := s.SearchAbove(t.Context(), 3)
		check(t, err)
		if found.String() != "5,7:9" {
			t.Errorf("found %v", found)
		}
		flags, err := s.FetchFlags(t.Context(), found)
		check(t, err)
		if len(flags) != 4 {
			t.Errorf("flags of %d messages", len(flags))
		}
	})
}

// A server that never gets any further is not asked for ever.
func TestAnswersInPartThatLeadNowhere(t *testing.T) {
	scripted(t, "IDLE", func(c *imaptest.Script) {
		c.Answer("UID SEARCH UID 1:*", "* SEARCH 9", "OK [MESSAGELIMIT 2 8] some")
		c.Answer("UID SEARCH UID 1:* UID 1:7", "* SEARCH 9", "OK [MESSAGELIMIT 2 8] some")
		c.Answer("UID SEARCH UID 1:*", "* SEARCH 9", "OK [MESSAGELIMIT 2] some")
		c.Answer("UID FETCH 5 ", "OK [MESSAGELIMIT 2 9] some")
		c.Answer("NOOP", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		for range 2 {
			_, err := s.SearchAbove(t.Context(), 1)
			wantError(t, err, imapsession.Limit)
		}
		_, err := s.FetchFlags(t.Context(), imap.UIDSetNum(5))
		wantError(t, err, imapsession.Limit)
		check(t, s.Noop(t.Context()))
	})
}

// What the server announced, and what it says in a refusal, is kept to.
func TestNoCommandNamesMoreThanTheServerTakes(t *testing.T) {
	scripted(t, "UIDPLUS MESSAGELIMIT=3", func(c *imaptest.Script) {
		c.Answer(`UID COPY 1:3 "A"`, "OK [COPYUID 1 1:3 11:13] ok")
		c.Answer(`UID COPY 4,9 "A"`, "OK [COPYUID 1 4,9 14:15] ok")
		c.Answer(`UID COPY 1:3 "A"`, "NO [MESSAGELIMIT 2] fewer")
		c.Answer("UID STORE 1:2 ", "OK")
		c.Answer("UID STORE 3 ", "OK")
		c.Answer("UID FETCH 1:2 ", "OK")
		c.Answer("UID FETCH 3 ", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		pairs, err := s.Copy(t.Context(), imap.UIDSetNum(1, 2, 3, 4, 9), "A")
		check(t, err)
		if len(pairs) != 5 || pairs[9] != 15 {
			t.Errorf("%v", pairs)
		}
		_, err = s.Copy(t.Context(), imap.UIDSetNum(1, 2, 3), "A")
		if e := wantError(t, err, imapsession.Limit); e.Limit != 2 || e.Unknown {
			t.Errorf("%+v", e)
		}
		check(t, s.Store(t.Context(), imap.UIDSetNum(1, 2, 3), imap.StoreFlagsAdd, []imap.Flag{imap.FlagSeen}))
		_, err = s.FetchFlags(t.Context(), imap.UIDSetNum(1, 2, 3))
		check(t, err)
	})
}

// What is given up is not used any more, and never replaced in silence.
func TestWithout(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Answer("UID SEARCH UID 1:*", "* SEARCH 4", "OK")
		c.Answer("NOOP", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		for _, name := range []string{"move", "UIDPLUS", "IDLE", "ESEARCH"} {
			s.Without(name)
		}
		_, err := s.SearchAbove(t.Context(), 1)
		check(t, err)
		_, err = s.Move(t.Context(), imap.UIDSetNum(1), "A")
		wantError(t, err, imapsession.Bad)
		wantError(t, s.Expunge(t.Context(), imap.UIDSetNum(1)), imapsession.Bad)
		check(t, s.Noop(t.Context()))
		if caps := s.Capabilities(); caps.Idle || caps.Has("MOVE") {
			t.Errorf("%+v", caps)
		}
	})
}

// The table says each thing once, with its source, in words that match.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range imapsession.Table() {
		key := string(row.By) + " " + row.Match
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if row.Source == "" || row.Why == "" || row.By == imapsession.ByWords && row.Match != strings.ToLower(row.Match) ||
			row.By != imapsession.ByWords && row.Match != strings.ToUpper(row.Match) {
			t.Errorf("%+v", row)
		}
		if row.By == imapsession.ByCode && slices.Contains(imapsession.Silent(), row.Match) {
			t.Errorf("%s is silent and is not", row.Match)
		}
	}
}

// responseCodes are those that IANA lists for IMAP, and the obsolete NEWNAME.
func responseCodes() []string {
	return strings.Fields(`ALERT ALREADYEXISTS ANNOTATE ANNOTATIONS APPENDUID AUTHENTICATIONFAILED AUTHORIZATIONFAILED
		BADCHARSET BADCOMPARATOR BADEVENT BADURL CANNOT CAPABILITY CLIENTBUG CLOSED COMPRESSIONACTIVE CONTACTADMIN
		COPYUID CORRUPTION DOWNGRADED EXPIRED EXPUNGEISSUED HASCHILDREN HIGHESTMODSEQ INPROGRESS INUSE LIMIT MAILBOXID
		MAXCONVERTMESSAGES MAXCONVERTPARTS MESSAGELIMIT METADATA MODIFIED NEWNAME NOMODSEQ NONEXISTENT NOPERM NOTIFICATIONOVERFLOW
		NOTSAVED NOUPDATE OVERQUOTA PARSE PERMANENTFLAGS PRIVACYREQUIRED READ-ONLY READ-WRITE REFERRAL SERVERBUG TEMPFAIL TOOBIG
		TRYCREATE UIDNEXT UIDNOTSTICKY UIDREQUIRED UIDVALIDITY UNAVAILABLE UNDEFINED-FILTER UNKNOWN-CTE UNSEEN URLMECH USEATTR`)
}

// No code is forgotten.
func TestEveryCodeHasItsPlace(t *testing.T) {
	for _, code := range responseCodes() {
		known := slices.Contains(imapsession.Silent(), code) ||
			slices.ContainsFunc(imapsession.Table(), func(r imapsession.Row) bool { return r.By == imapsession.ByCode && r.Match == code })
		if !known {
			t.Errorf("%s is neither classified nor silent", code)
		}
	}
}

// An IDLE that the server ends before it has said "+" is an error, since it
// would be sent again and again without a pause. The session lives.
func TestIdleThatTheServerEndsBeforeItBegins(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Answer("IDLE", "OK done")
		c.Answer("NOOP", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := idleNews(t.Context(), s, time.Minute)
		wantError(t, err, imapsession.Bad)
		check(t, s.Noop(t.Context()))
	})
}
