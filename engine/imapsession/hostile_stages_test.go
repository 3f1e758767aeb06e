package imapsession_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

const simple = `BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 12 3)`

// A structure that cannot be read is there with its reason, and never absent: it
// would be asked for again for ever. What is news is no structure.
func TestStructuresThatCannotBeRead(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Answer("UID FETCH 1:9 (UID BODYSTRUCTURE)",
			`* 1 FETCH (UID 1 FLAGS (\Seen))`, "* 1 FETCH (UID 1 "+simple+")", `* 1 FETCH (UID 1 FLAGS (`, // news before and after
			"* 2 FETCH (UID 2 BODYSTRUCTURE NIL)",
			`* 3 FETCH (BODYSTRUCTURE "x" UID 3)`,
			`* 4 FETCH (UID 4 BODYSTRUCTURE (("TEXT" "PLAIN"`,
			"* 5 FETCH (UID 5 BODYSTRUCTURE ("+strings.Repeat(`("a" "b") `, 300_000)+`"mixed"))`, // over the limit
			"* 6 FETCH (UID 6 BODYSTRUCTURE NIL)", "* 6 FETCH (UID 6 "+simple+")",                // twice, and better
			"* 7 FETCH (UID 7 "+simple+")", "* 7 FETCH (UID 7 BODYSTRUCTURE NIL)", "* 7 FETCH (UID 7 BODYSTRUCTURE (\"other\" \"x\"))", // and worse
			`* 8 FETCH (UID 8 BODYSTRUCTURE ("TEXT" "PLAIN" ("name" "a "b" c.txt") NIL NIL "7BIT" 12 3))`, // quotes that are not escaped
			"* 99 FETCH (UID 99 "+simple+")", "* 9 FETCH (FLAGS ())", "OK")
		c.Answer("UID FETCH 9 (UID BODYSTRUCTURE)", `* 9 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" UID 9)`, "OK")
		c.Answer("UID FETCH 9 (UID BODYSTRUCTURE)", `* 9 FETCH (FLAGS (`, "OK")
		c.Answer("UID FETCH 9 (UID BODYSTRUCTURE)", "NO [PARSE] it is broken")
		c.Answer("UID FETCH 9 (UID BODYSTRUCTURE)", "NO [EXPUNGEISSUED] it is gone")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		fetch := s.FetchStructures
		got := must[map[imap.UID]imapsession.FetchedStructure](t)(fetch(t.Context(), imap.UIDSet{{Start: 1, Stop: 9}}))
		for uid := imap.UID(1); uid <= 8; uid++ {
			st, ok := got[uid]
			unreadable := slices.Contains([]imap.UID{2, 3, 4, 5}, uid)
			if !ok || (st.Err != nil) != unreadable || (st.Root == nil) != unreadable {
				t.Errorf("%d: %+v, %v", uid, st, ok)
			}
			if unreadable {
				wantError(t, st.Err, imapsession.Message)
			} else if ok && st.Root.MediaType() != "text/plain" {
				t.Errorf("%d is %s", uid, st.Root.MediaType())
			}
		}
		if name := got[8].Root.(*imap.BodyStructureSinglePart).Filename(); name != `a "b" c.txt` {
			t.Errorf("the name is %q", name)
		}
		if len(got) != 8 {
			t.Errorf("%d messages", len(got))
		}
		one := imap.UIDSetNum(9)
		if got := must[map[imap.UID]imapsession.FetchedStructure](t)(fetch(t.Context(), one)); got[9].Err == nil {
			t.Errorf("one without its UID: %+v", got)
		}
		if got := must[map[imap.UID]imapsession.FetchedStructure](t)(fetch(t.Context(), one)); len(got) != 0 {
			t.Errorf("news: %+v", got)
		}
		_, err := fetch(t.Context(), one)
		wantError(t, err, imapsession.Message)
		if got := must[map[imap.UID]imapsession.FetchedStructure](t)(fetch(t.Context(), one)); len(got) != 0 {
			t.Errorf("one that is gone: %+v", got)
		}
	})
}

// Only the parts that were asked for count, once, and never more than the limit.
func TestPartsOfAHostileServer(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		first := c.Expect("UID FETCH 1:2 (UID BODY.PEEK[1]<0.5> BODY.PEEK[2.1]<0.5>)")
		second := c.Expect("UID FETCH 3 (UID BODY.PEEK[1]<0.7>)") // before any answer
		c.Send(`* 1 FETCH (UID 1 BODY[1]<5> "wrong" BODY[1]<0> "abc" BODY[2] "wrong" BODY[1.MIME] "wrong" BODY[TEXT] "wrong" BODY[] "wrong" BINARY[1] "wrong" BODY[HEADER] "wrong" RFC822 "wrong" BODY[2.1] NIL)`,
			`* 1 FETCH (UID 1 BODY[1]<0> "again")`,
			`* 9 FETCH (UID 9 BODY[1] "another")`, `* 3 FETCH (UID 3 BODY[2.1] "another's")`, `* 3 FETCH (BODY[1] "whose" FLAGS ())`, `* 2 FETCH (UID 2 FLAGS (\Seen))`)
		c.Send("* 2 FETCH (UID 2 BODY[2.1] {20000000}")
		for range 20_000 { // it does not heed the limit
			if _, err := io.WriteString(c, strings.Repeat("0123456789", 100)); err != nil {
				return
			}
		}
		c.Send(` BODY[1] "after")`, second+" OK", `* 3 FETCH (UID 3 BODY[1]<0> {7}`, `a)`+"\r\n* 1", first+" OK")
		c.Answer("NOOP", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		got := must[[]imapsession.FetchedPart](t)(s.FetchParts(t.Context(), []imapsession.PartRequest{
			{UIDs: imap.UIDSetNum(1, 2), Sections: []string{"1", "2.1"}, Limit: 5}, {UIDs: imap.UIDSetNum(3), Sections: []string{"1"}, Limit: 7}}))
		want := []string{`1 1 "abc" false`, `1 2.1 "" false`, `2 1 "after" true`, `2 2.1 "01234" true`}
		var lines []string
		for _, p := range got {
			lines = append(lines, fmt.Sprintf("%d %s %q %v", p.UID, p.Section, p.Data, p.Truncated))
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%q, want %q", lines, want)
		}
		check(t, s.Noop(t.Context()))
	})
}

// What has no room in one response is not taken for the whole.
func TestPartsBeyondTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login("")
			c.Answer("UID FETCH 1 (UID BODY.PEEK[1]<0.60> BODY.PEEK[2]<0.60>)", "* 1 FETCH (UID 1 BODY[1] {200}", strings.Repeat("x", 200)+" BODY[2] {40}", strings.Repeat("y", 40)+")", "OK")
			c.Answer("UID FETCH 1 (UID BODY.PEEK[3]<0.60>)", `* 1 FETCH (UID 1 BODY[3] "z")`, "OK")
			c.Drain()
		})
		o := scriptedOptions(srv)
		o.Limits.Literal, o.Limits.Response = 60, 120
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
		got := must[[]imapsession.FetchedPart](t)(s.FetchParts(t.Context(), []imapsession.PartRequest{{UIDs: imap.UIDSetNum(1), Sections: []string{"1", "2", "3"}, Limit: 1000}}))
		if len(got) != 3 || len(got[0].Data) != 60 || !got[0].Truncated || len(got[1].Data) >= 40 || !got[1].Truncated || got[2].Truncated {
			t.Errorf("%+v", got)
		}
		s.Close()
		srv.Wait()
	})
}

// Parts stay within what a command's answers may hold; what is left out comes
// when it is asked for again. After a full round no other is sent.
func TestPartsStayWithinTheirBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login("")
			for range 16 {
				c.Answer("UID FETCH", "OK")
			}
			c.Drain()
		})
		rec := imaptest.Record(srv.DialContext)
		o := scriptedOptions(srv)
		o.DialContext = rec.DialContext
		o.Limits.Collected = 20_000
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
		var reqs []imapsession.PartRequest
		for uid := range imap.UID(40) {
			reqs = append(reqs, imapsession.PartRequest{UIDs: imap.UIDSetNum(uid + 1), Sections: []string{"1"}, Limit: 10_000})
		}
		soon := time.AfterFunc(time.Minute, func() { s.Close() }) // the second round is not answered
		_, err := s.FetchParts(t.Context(), reqs)
		soon.Stop()
		wantError(t, err, imapsession.Connection)
		if sent := len(rec.Sent("UID FETCH")); sent != 32 {
			t.Errorf("%d commands in two rounds", sent)
		}
		srv.Wait()
	})
	scripted2(t, 20_000, func(c *imaptest.Script) {
		var tags []string
		for range 16 {
			tags = append(tags, c.Expect("UID FETCH"))
		}
		for i, tag := range tags {
			c.Sendf("* 1 FETCH (UID %d BODY[1] {3000}", i+1)
			c.Send(strings.Repeat("x", 3000)+")", tag+" OK")
		}
		c.Answer("UID FETCH 9 ", "* 1 FETCH (UID 9 BODY[1] NIL)", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		var reqs []imapsession.PartRequest
		for uid := range imap.UID(40) {
			reqs = append(reqs, imapsession.PartRequest{UIDs: imap.UIDSetNum(uid + 1), Sections: []string{"1"}, Limit: 10_000})
		}
		if got := must[[]imapsession.FetchedPart](t)(s.FetchParts(t.Context(), reqs)); len(got) != 5 {
			t.Errorf("%d parts", len(got))
		}
		if got := must[[]imapsession.FetchedPart](t)(s.FetchParts(t.Context(), reqs[8:9])); len(got) != 1 {
			t.Errorf("again: %d parts", len(got))
		}
	})
}

// scripted2 is scripted with a budget for what one command may bring.
func scripted2(t *testing.T, collected int, script func(c *imaptest.Script), run func(t *testing.T, s *imapsession.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login("")
			script(c)
		})
		o := scriptedOptions(srv)
		o.Limits.Collected = collected
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
		defer srv.Wait()
		defer s.Close()
		run(t, s)
	})
}

// One refused command of several takes nothing from the others.
func TestARefusedPartLeavesTheOthers(t *testing.T) {
	reqs := []imapsession.PartRequest{{UIDs: imap.UIDSetNum(1), Sections: []string{"1"}, Limit: 9}, {UIDs: imap.UIDSetNum(2), Sections: []string{"2"}, Limit: 9}}
	for answer, class := range map[string]imapsession.Class{"NO [PARSE] no": imapsession.Message, "NO [EXPUNGEISSUED] gone": -1, "BAD no": imapsession.Bad} {
		scripted(t, "", func(c *imaptest.Script) {
			first, second := c.Expect("UID FETCH 1"), c.Expect("UID FETCH 2")
			c.Send(`* 2 FETCH (UID 2 BODY[2] "b")`, first+" "+answer, second+" OK")
			c.Answer("NOOP", "OK")
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			got, err := s.FetchParts(t.Context(), reqs)
			if len(got) != 1 || string(got[0].Data) != "b" {
				t.Errorf("%+v", got)
			}
			if class < 0 {
				check(t, err)
			} else {
				wantError(t, err, class)
			}
			check(t, s.Noop(t.Context()))
		})
	}
}

// A header answers only the question that was asked.
func TestHeadersOfAHostileServer(t *testing.T) {
	const rest = `FLAGS () RFC822.SIZE 9 INTERNALDATE NIL `
	answers := []string{"* 1 FETCH (UID 1 " + rest + `BODY[HEADER] "A: b")`, "* 2 FETCH (UID 2 " + rest + `BODY[HEADER.FIELDS (A)] "A: c")`,
		"* 3 FETCH (UID 3 " + rest + `BODY[1.HEADER] "A: d" BODY[HEADER.FIELDS.NOT (A)] "A: e")`, "OK"}
	scripted(t, "", func(c *imaptest.Script) {
		c.Answer("UID FETCH", answers...)
		c.Answer("UID FETCH", answers...)
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		all := imap.UIDSet{{Start: 1, Stop: 9}}
		if got := must[[]imapsession.Fetched](t)(s.FetchWholeHeaders(t.Context(), all)); len(got) != 1 || got[0].UID != 1 || string(got[0].Header) != "A: b" {
			t.Errorf("whole: %+v", got)
		}
		if got := must[[]imapsession.Fetched](t)(s.FetchHeaders(t.Context(), all, []string{"A"})); len(got) != 1 || got[0].UID != 2 || string(got[0].Header) != "A: c" {
			t.Errorf("fields: %+v", got)
		}
	})
}

// A server that wants another charset than none is asked for less, not left.
func TestBadCharset(t *testing.T) {
	scripted(t, "", func(c *imaptest.Script) {
		c.Answer(`UID SEARCH SUBJECT "a \"b\" \\c"`, "NO [BADCHARSET (US-ASCII)] what")
		c.Answer("NOOP", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := s.Search(t.Context(), &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "subject", Value: `a "b" \c`}}})
		if e := wantError(t, err, imapsession.Bad); e.Code != "BADCHARSET" {
			t.Errorf("%+v", e)
		}
		check(t, s.Noop(t.Context()))
	})
}
