package imapsession_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// parcel is a message with a text, a file and a message within.
func parcel(text string) []byte {
	return []byte(strings.ReplaceAll(`From: Ann <ann@example.org>
To: Bob <bob@example.org>
Cc: Cy <cy@example.org>
Subject: A "parcel" \o/
Message-ID: <parcel@test>
Received: by one
X-Other: no
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=UTF-8

`+text+`
--b
Content-Type: application/pdf; name="=?utf-8?q?=C3=A4.pdf?="
Content-Disposition: attachment; filename="=?utf-8?q?=C3=A4.pdf?="
Content-Transfer-Encoding: base64

JVBERg==
--b
Content-Type: message/rfc822

From: Cy <cy@example.org>
Subject: within
Message-ID: <within@test>
Content-Type: text/html

<p>x</p>
--b--
`, "\n", "\r\n"))
}

func wholeHeaders(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	srv.Append(t, "INBOX", []imap.Flag{imap.FlagFlagged}, time.Time{}, parcel("Hello."))
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	got := must[[]imapsession.Fetched](t)(s.FetchWholeHeaders(ctx, imap.UIDSetNum(1, 2)))
	if len(got) != 1 || got[0].UID != 1 || got[0].Size == 0 || got[0].Received.IsZero() || !slices.Contains(got[0].Flags, imap.FlagFlagged) {
		t.Fatalf("%+v", got)
	}
	want, _, _ := bytes.Cut(parcel("Hello."), []byte("\r\n\r\n"))
	if header := string(got[0].Header); strings.TrimRight(header, "\r\n") != string(want) {
		t.Errorf("%q", header)
	}
}

func structures(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	srv.Append(t, "INBOX", nil, time.Time{}, parcel("Hello."))
	srv.Append(t, "INBOX", nil, time.Time{}, letter("a"))
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	got := must[map[imap.UID]imapsession.FetchedStructure](t)(s.FetchStructures(ctx, imap.UIDSetNum(1, 2, 3)))
	if len(got) != 2 || got[1].Err != nil || got[2].Err != nil || got[1].Cut {
		t.Fatalf("%+v", got)
	}
	if text, ok := got[2].Root.(*imap.BodyStructureSinglePart); !ok || text.MediaType() != "text/plain" || text.Text == nil || text.Size != uint32(len("Hello.\r\n")) {
		t.Errorf("%+v", got[2].Root)
	}
	seen := map[string]string{}
	got[1].Root.Walk(func(path []int, part imap.BodyStructure) bool {
		seen[fmt.Sprint(path)] = part.MediaType()
		if single, ok := part.(*imap.BodyStructureSinglePart); ok && single.MediaType() == "application/pdf" {
			if d := single.Disposition(); d == nil || !strings.EqualFold(d.Value, "attachment") || single.Filename() != "ä.pdf" || !strings.EqualFold(single.Encoding, "base64") {
				t.Errorf("the file: %+v", single)
			}
		}
		if single, ok := part.(*imap.BodyStructureSinglePart); ok && single.MessageRFC822 != nil {
			if m := single.MessageRFC822; m.Envelope.Subject != "within" || m.Envelope.MessageID != "within@test" || m.BodyStructure.MediaType() != "text/html" {
				t.Errorf("the message within: %+v", m.Envelope)
			}
		}
		return true
	})
	if len(seen) != 4 || seen["[]"] != "multipart/mixed" || seen["[1]"] != "text/plain" || seen["[2]"] != "application/pdf" || seen["[3]"] != "message/rfc822" {
		t.Errorf("%v", seen)
	}
	unseen(t, s)
}

// unseen demands that looking at messages changed nothing.
func unseen(t *testing.T, s *imapsession.Session) {
	t.Helper()
	for uid, flags := range must[map[imap.UID][]imap.Flag](t)(s.FetchFlags(t.Context(), imap.UIDSet{{Start: 1, Stop: 99}})) {
		if slices.Contains(flags, imap.FlagSeen) {
			t.Errorf("message %d is seen", uid)
		}
	}
}

func parts(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	srv.Append(t, "INBOX", nil, time.Time{}, parcel("Hello."))
	srv.Append(t, "INBOX", nil, time.Time{}, parcel(strings.Repeat("0123456789", 20)))
	srv.Append(t, "INBOX", nil, time.Time{}, letter("a"))
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	got := must[[]imapsession.FetchedPart](t)(s.FetchParts(ctx, []imapsession.PartRequest{
		{UIDs: imap.UIDSetNum(1, 2, 9), Sections: []string{"1", "3.1", "7"}, Limit: 100},
		{UIDs: imap.UIDSetNum(3), Sections: []string{"1"}, Limit: 4},
		{UIDs: imap.UIDSetNum(3), Sections: nil, Limit: 4},
		{UIDs: nil, Sections: []string{"1"}, Limit: 4},
	}))
	var lines []string
	for _, p := range got {
		if p.Section != "7" || len(p.Data) > 0 || p.Truncated { // some servers say NIL, some nothing
			lines = append(lines, fmt.Sprintf("%d %s %q %v", p.UID, p.Section, strings.TrimRight(string(p.Data), "\r\n"), p.Truncated))
		}
	}
	want := []string{`1 1 "Hello." false`, `1 3.1 "<p>x</p>" false`, `2 1 "` + strings.Repeat("0123456789", 10) + `" true`, `2 3.1 "<p>x</p>" false`, `3 1 "Hell" true`}
	if !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
	unseen(t, s)
	for _, bad := range []imapsession.PartRequest{
		{Sections: []string{""}, Limit: 1}, {Sections: []string{"0"}, Limit: 1}, {Sections: []string{"1."}, Limit: 1}, {Sections: []string{"01"}, Limit: 1},
		{Sections: []string{"TEXT"}, Limit: 1}, {Sections: []string{"1]\r\nx DELETE Trash"}, Limit: 1}, {Sections: []string{strings.Repeat("1.", 200) + "1"}, Limit: 1},
		{Sections: []string{"1"}, Limit: 0}, {Sections: []string{"1"}, Limit: -1}, {Sections: make([]string, 101), Limit: 1}, {UIDs: imap.UIDSet{{Start: 1}}, Sections: []string{"1"}, Limit: 1},
	} {
		_, err := s.FetchParts(ctx, []imapsession.PartRequest{bad})
		wantError(t, err, imapsession.Bad)
	}
	check(t, s.Noop(ctx))
}

func criteria(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	day := func(d int) time.Time { return time.Date(2026, 5, d, 12, 0, 0, 0, time.UTC) }
	srv.Append(t, "INBOX", []imap.Flag{imap.FlagFlagged, "$Work"}, day(4), parcel("Hello."))
	srv.Append(t, "INBOX", []imap.Flag{imap.FlagSeen}, day(8), letter("plain"))
	srv.Append(t, "INBOX", nil, day(12), letter(strings.Repeat("long ", 200)))
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	field := func(key, value string) imap.SearchCriteria {
		return imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: key, Value: value}}}
	}
	all := imap.UIDSet{{Start: 1, Stop: 99}}
	for name, tc := range map[string]struct {
		c    imap.SearchCriteria
		want string
	}{
		"everything":             {imap.SearchCriteria{}, "1:3"},
		"UIDs and flags":         {imap.SearchCriteria{UID: []imap.UIDSet{all}, Flag: []imap.Flag{imap.FlagFlagged}, NotFlag: []imap.Flag{imap.FlagSeen}}, "1"},
		"no UIDs":                {imap.SearchCriteria{UID: []imap.UIDSet{{}}}, ""},
		"keyword":                {imap.SearchCriteria{Flag: []imap.Flag{"$Work"}}, "1"},
		"no keyword":             {imap.SearchCriteria{NotFlag: []imap.Flag{"$Work"}}, "2:3"},
		"larger":                 {imap.SearchCriteria{Larger: 500}, "1,3"},
		"smaller":                {imap.SearchCriteria{Smaller: 500}, "2"},
		"since":                  {imap.SearchCriteria{Since: day(8)}, "2:3"},
		"before":                 {imap.SearchCriteria{Before: day(8)}, "1"},
		"since and before":       {imap.SearchCriteria{Since: day(5), Before: day(9)}, "2"},
		"on":                     {imap.SearchCriteria{Since: day(8), Before: day(9)}, "2"},
		"from":                   {field("From", "ANN@example"), "1:3"},
		"to":                     {field("to", "bob"), "1"},
		"cc":                     {field("Cc", "cy"), "1"},
		"subject":                {field("Subject", `"parcel" \o/`), "1"},
		"another field":          {field("X-Other", "no"), "1:3"},
		"not":                    {imap.SearchCriteria{Not: []imap.SearchCriteria{field("Subject", "plain")}}, "1,3"},
		"or":                     {imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{field("Subject", "plain"), field("To", "bob")}}}, "1:2"},
		"or within not, and set": {imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(2, 3)}, Not: []imap.SearchCriteria{{Or: [][2]imap.SearchCriteria{{field("Subject", "plain"), field("To", "bob")}}}}}, "3"},
		"a set within":           {imap.SearchCriteria{Not: []imap.SearchCriteria{{UID: []imap.UIDSet{imap.UIDSetNum(1, 2)}}}}, "3"},
		"an attack":              {field("Subject", `x" DELETED`), ""},
	} {
		got, err := s.Search(ctx, &tc.c)
		if err != nil || got.String() != tc.want {
			t.Errorf("%s: %v, %v, want %s", name, got, err, tc.want)
		}
	}
	unseen := must[map[imap.UID][]imap.Flag](t)(s.FetchFlags(ctx, imap.UIDSetNum(1)))
	if slices.Contains(unseen[1], imap.FlagSeen) {
		t.Error("a search marks as seen")
	}
	badCriteria(t, s, field)
}

// badCriteria holds searches that imapclient would write wrongly, or with less in
// them than was asked for. None is sent, and none costs the connection.
func badCriteria(t *testing.T, s *imapsession.Session, field func(key, value string) imap.SearchCriteria) {
	deep := field("From", "x")
	for range 30 {
		deep = imap.SearchCriteria{Not: []imap.SearchCriteria{deep}}
	}
	var wide imap.SearchCriteria
	for range 300 {
		wide.Or = append(wide.Or, [2]imap.SearchCriteria{field("From", "someone"), field("To", "someone")})
	}
	for name, c := range map[string]imap.SearchCriteria{
		"not ASCII": field("Subject", "Grüße"), "a line break": field("Subject", "a\r\nx DELETE Trash"), "NUL": field("From", "a\x00"), "a tab": field("From", "a\t"),
		"a long string": field("Subject", strings.Repeat("x", 1001)), "no field": field("", "x"), "two fields": field("A B", "x"), "a field with a colon": field("A:", "x"),
		"body": {Body: []string{"ä"}}, "text": {Text: []string{"a\n"}}, "deep": deep, "wide": wide,
		"sequence numbers": {SeqNum: []imap.SeqSet{imap.SeqSetNum(1)}}, "MODSEQ": {ModSeq: &imap.SearchCriteriaModSeq{ModSeq: 1}},
		"a negative size": {Larger: -1}, "another": {Smaller: -1}, "among none": {Not: []imap.SearchCriteria{{UID: []imap.UIDSet{{}}}}},
		"among none and some": {UID: []imap.UIDSet{{}, imap.UIDSetNum(1)}}, "a date of no year": {Since: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"another flag": {Flag: []imap.Flag{`\Recent`}}, "a flag of the system's": {Flag: []imap.Flag{`\Foo`}}, "a misspelt one": {NotFlag: []imap.Flag{`\seen`}}, "a keyword that is none": {Flag: []imap.Flag{"a b"}}, "an empty one": {Flag: []imap.Flag{""}},
	} {
		for _, c := range []imap.SearchCriteria{c, {Or: [][2]imap.SearchCriteria{{{}, c}}}} {
			_, err := s.Search(t.Context(), &c)
			if e := wantError(t, err, imapsession.Bad); e.Status != "" || e.Unknown {
				t.Errorf("%s was sent: %+v", name, e)
			}
		}
	}
	check(t, s.Noop(t.Context()))
}

// stages asks for one message, stage after stage.
func stages(t *testing.T, s *imapsession.Session) {
	ctx, one := t.Context(), imap.UIDSetNum(1)
	must[[]imapsession.Fetched](t)(s.FetchHeaders(ctx, one, []string{"Subject"}))
	must[[]imapsession.Fetched](t)(s.FetchWholeHeaders(ctx, one))
	must[map[imap.UID]imapsession.FetchedStructure](t)(s.FetchStructures(ctx, one))
	must[[]imapsession.FetchedPart](t)(s.FetchParts(ctx, []imapsession.PartRequest{{UIDs: one, Sections: []string{"1", "2.1"}, Limit: 9}}))
}
