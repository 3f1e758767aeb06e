package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"imapilot/rules/facts"
)

func TestReferences(t *testing.T) {
	long := "<" + strings.Repeat("l", maxMessageID-2) + ">"
	for name, c := range map[string]struct {
		header string
		want   []string
	}{
		"none":                    {"Subject: <a@x>\r\n", nil},
		"answer first":            {"References: <a@x> <b@x>\r\nIn-Reply-To: <c@x>\r\n", []string{"<c@x>", "<b@x>", "<a@x>"}},
		"each once":               {"References: <a@x> <b@x>\r\n <a@x>\r\nIn-Reply-To: <b@x>\r\n", []string{"<b@x>", "<a@x>"}},
		"several fields":          {"References: <a@x>\r\nReferences: <b@x>\r\n", []string{"<b@x>", "<a@x>"}},
		"not itself":              {"Message-ID: <a@x>\r\nReferences: <a@x>\r\nIn-Reply-To: <a@x>\r\n", nil},
		"without blanks":          {"References: <a@x><b@x>,<c@x>\r\n", []string{"<c@x>", "<b@x>", "<a@x>"}},
		"phrases":                 {"In-Reply-To: Your message of \"Mon, 4 May\" <a@x> (Ann)\r\n", []string{"<a@x>"}},
		"a phrase alone":          {"In-Reply-To: Your message of Monday\r\n", nil},
		"one word":                {"In-Reply-To: a@x\r\n", []string{"a@x"}},
		"broken within an ID":     {"References: <a\r\n @x>\r\n", []string{"<a@x>"}},
		"an encoded field":        {"References: =?utf-8?q?=3Ca=40x=3E?=\r\n", []string{"<a@x>"}},
		"case matters":            {"References: <A@x> <a@x>\r\n", []string{"<a@x>", "<A@x>"}},
		"unclosed and empty":      {"References: <> < > <a@x> <b@x\r\n", []string{"<a@x>"}},
		"as long as may be":       {"References: " + long + "\r\n", []string{long}},
		"longer than fingerprint": {"References: <l" + long[1:] + " <a@x>\r\n", []string{"<a@x>"}},
	} {
		if got := references(facts.ParseHeader([]byte(c.header))); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := references(nil); len(got) != 0 {
		t.Errorf("without a header: %q", got)
	}
}

func TestReferencesAreFewAndNear(t *testing.T) {
	var b strings.Builder
	b.WriteString("In-Reply-To: <parent@x>\r\nReferences:")
	for i := range 500 {
		fmt.Fprintf(&b, " <%d@x>", i)
	}
	got := references(facts.ParseHeader([]byte(b.String())))
	if len(got) != maxReferences || got[0] != "<parent@x>" || got[1] != "<499@x>" || got[maxReferences-1] != "<481@x>" {
		t.Errorf("%d: %q", len(got), got)
	}
}

func FuzzReferences(f *testing.F) {
	for _, s := range []string{"<a@x> <b@x>", "a@x", "<a\r\n @x>", "<<a>>", "=?utf-8?q?=3Ca=40x=3E?=", "<", ">", "\x00<\xff>"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, answers, refers string) {
		h := facts.ParseHeader([]byte("Message-ID: <own@x>\r\nIn-Reply-To: " + answers + "\r\nReferences: " + refers + "\r\n"))
		got := references(h)
		if len(got) > maxReferences {
			t.Errorf("%d references", len(got))
		}
		for i, id := range got {
			if id == "" || len(id) > maxMessageID || strings.ContainsAny(id, " \t\r\n") || slices.Contains(got[:i], id) || id == h.MessageID() {
				t.Errorf("%q is no reference of its own", id)
			}
		}
	})
}
