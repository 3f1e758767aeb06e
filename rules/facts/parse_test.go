package facts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// parts writes what ParseMessage found, one part a line: section, type, size.
func parts(m *Message) []string {
	var out []string
	for _, l := range m.Structure.leaves {
		section := strings.ReplaceAll(strings.Trim(fmt.Sprint(l.Part.section), "[]"), " ", ".")
		out = append(out, fmt.Sprintf("%s %s %d", section, l.Type, l.Size))
	}
	return out
}

func mixed(boundary, body string) string {
	return "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\n\n" + body
}

func TestParseMessageParts(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want []string
	}{
		"nothing":              {"", []string{"1 text/plain 0"}},
		"only a header":        {"Subject: x\n", []string{"1 text/plain 0"}},
		"only a body":          {"\nabc\n", []string{"1 text/plain 5"}},
		"mbox":                 {"From x@y Mon Jan  2 15:04:05 2006\nSubject: x\n\nabc\n", []string{"1 text/plain 5"}},
		"a type":               {"content-TYPE: Text/HTML;\n charset=utf-8\n\nabc", []string{"1 text/html 3"}},
		"a bad type":           {"Content-Type: text\n\nabc", []string{"1 text/plain 3"}},
		"two types":            {"Content-Type: \nContent-Type: text/html\n\nabc", []string{"1 text/html 3"}},
		"after a bad line":     {"garbage\nContent-Type: text/html\n\nabc", []string{"1 text/html 3"}},
		"two parts":            {mixed("b", "preamble\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n--b--\nepilogue\n"), []string{"1 text/plain 3", "2 text/html 5"}},
		"CRLF":                 {strings.ReplaceAll(mixed("b", "--b\n\none\ntwo\n--b--\n"), "\n", "\r\n"), []string{"1 text/plain 8"}},
		"no end":               {mixed("b", "--b\n\none\n--b\n\ntwo\n"), []string{"1 text/plain 3", "2 text/plain 5"}},
		"an empty part":        {mixed("b", "--b\n\n--b\nContent-Type: a/b\n--b--\n"), []string{"1 text/plain 0", "2 a/b 0"}},
		"a boundary at once":   {mixed("b", "--b\n--b--"), []string{"1 text/plain 0"}},
		"no part":              {mixed("b", "text\n"), []string{"1 text/plain 0"}},
		"only an end":          {mixed("b", "--b--\n\ntext\n"), []string{"1 text/plain 0"}},
		"no boundary":          {"Content-Type: multipart/mixed\n\n--b\n\none\n--b--\n", []string{"1 text/plain 0"}},
		"long boundary":        {mixed(strings.Repeat("b", 200), "--"+strings.Repeat("b", 200)+"\n\none\n"), []string{"1 text/plain 5"}},
		"too long a boundary":  {mixed(strings.Repeat("b", 201), "--"+strings.Repeat("b", 201)+"\n\none\n"), []string{"1 text/plain 0"}},
		"boundary in pieces":   {"Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\none\n", []string{"1 text/plain 5"}},
		"not a boundary":       {mixed("b", "--b\n\n--bx\n -- b\n--\n---b\n--b--\n"), []string{"1 text/plain 21"}},
		"space after it":       {mixed("b", "--b \t\n\none\n--b-- \nx"), []string{"1 text/plain 3"}},
		"nested":               {mixed("a", "--a\n"+mixed("b", "--b\n\n1\n--b\n\n22\n--b--\n")+"--a\n\n333\n--a--\n"), []string{"1.1 text/plain 1", "1.2 text/plain 2", "2 text/plain 3"}},
		"nested, no end":       {mixed("a", "--a\n"+mixed("b", "--b\n\n1\n--b\n\n22\n")+"--a\n\n333\n--a--\n"), []string{"1.1 text/plain 1", "1.2 text/plain 2", "2 text/plain 3"}},
		"nested, prefix":       {mixed("a", "--a\n"+mixed("a-b", "--a-b\n\n1\n--a-b--\n")+"--a\n\n333\n--a--\n"), []string{"1.1 text/plain 1", "2 text/plain 3"}},
		"nested, the same":     {mixed("a", "--a\n"+mixed("a", "--a\n\n1\n--a--\n")+"\n--a\n\n333\n--a--\n"), []string{"1.1 text/plain 1", "2 text/plain 3"}},
		"in the header":        {mixed("a", "--a\nContent-Type: text/html\n--a\n\nx\n--a--\n"), []string{"1 text/html 0", "2 text/plain 1"}},
		"digest":               {"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b\nContent-Type: text/plain\n\nz\n--b--\n", []string{"1 message/rfc822 15", "2 text/plain 1"}},
		"a message":            {mixed("a", "--a\nContent-Type: message/rfc822\n\n"+mixed("b", "--b\n\nx\n--b--\n")+"--a--\n"), []string{"1 message/rfc822 62"}},
		"a comment":            {"Content-Type: multipart/mixed (a; \"b\"); boundary=b (x)\n\n--b\n\none\n", []string{"1 text/plain 5"}},
		"a boundary of spaces": {mixed("  ", "--\n\none\n"), []string{"1 text/plain 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parts(ParseMessage([]byte(tt.raw), 0)); !slices.Equal(got, tt.want) {
				t.Errorf("parts %q, want %q", got, tt.want)
			}
		})
	}
}

const wholeMessage = `From someone Mon Jan  2 15:04:05 2006
Subject: Delivery failed
Content-Type: multipart/report; boundary=r

--r
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--a
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: base64

PGI+R3L832U8L2I+
--a--
--r
Content-Type: message/delivery-status

Reporting-MTA: dns; x

Final-Recipient: rfc822; a@b
Action: failed
Status: 5.1.1
--r
Content-Type: message/rfc822; name*=utf-8''Gr%C3%BC%C3%9Fe.eml

Subject: x

--r--
`

func TestParseMessage(t *testing.T) {
	for _, raw := range []string{wholeMessage, strings.ReplaceAll(wholeMessage, "\n", "\r\n")} {
		m := ParseMessage([]byte(raw), 0)
		if m.Text.Text != "Grüße" || m.HTML.Text != "<b>Grüße</b>" || m.Text.Truncated || m.HTML.Truncated {
			t.Errorf("text %+v, HTML %+v", m.Text, m.HTML)
		}
		if want := (Report{"5.1.1", "a@b"}); *m.Report != want {
			t.Errorf("report %+v, want %+v", *m.Report, want)
		}
		if got, err := m.Structure.Attachments(); err != nil || len(got) != 1 || got[0].Name != "Grüße.eml" {
			t.Errorf("attachments %+v, %v", got, err)
		}
		if !m.WholeHeader || m.Header.Subject() != "Delivery failed" {
			t.Errorf("header %+v", m.Header)
		}
		_, message, _ := strings.Cut(wholeMessage, "\n")
		if want := int64(len(message) + strings.Count(message, "\n")); m.Size != want {
			t.Errorf("size %d, want %d", m.Size, want)
		}
	}
}

// The limit counts octets as a server sends them: with CRLF, and encoded.
func TestParseMessageReadsUpToTheLimit(t *testing.T) {
	for _, tt := range []struct {
		raw   string
		limit int
		want  Body
	}{
		{"\nab\ncd", 6, Body{"ab\ncd", false}},
		{"\nab\ncd", 5, Body{"ab\nc", true}},
		{"\r\nab\r\ncd", 5, Body{"ab\nc", true}},
		{"\nab\ncd", 3, Body{"ab\n", true}},
		{"Content-Transfer-Encoding: base64\n\nYWJj\nZGVm", 7, Body{"abc", true}},
		{"Content-Transfer-Encoding: base64\n\nYWJj\nZGVm", 8, Body{"abcd", true}},
		{"\n" + strings.Repeat("x", DefaultLimit), 0, Body{strings.Repeat("x", DefaultLimit), false}},
		{"\n" + strings.Repeat("x", DefaultLimit+1), -1, Body{strings.Repeat("x", DefaultLimit), true}},
	} {
		if got := *ParseMessage([]byte(tt.raw), tt.limit).Text; got != tt.want {
			t.Errorf("%.40q to %d: %.40q, truncated %v, want %.40q, %v", tt.raw, tt.limit, got.Text, got.Truncated, tt.want.Text, tt.want.Truncated)
		}
	}
}

func TestParseMessageSaysWhereItWasCut(t *testing.T) {
	flat := func(n int) string { return mixed("b", strings.Repeat("--b\n\nx\n", n)) }
	deep := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		}
		return out.String() + "\nx\n"
	}
	for name, tt := range map[string]struct {
		raw string
		cut bool
	}{
		"499 parts": {flat(maxParts - 1), false}, "500 parts": {flat(maxParts), true}, "many": {flat(20000), true},
		"depth 32": {deep(maxDepth), false}, "depth 33": {deep(maxDepth + 1), true}, "deep": {deep(20000), true},
	} {
		t.Run(name, func(t *testing.T) {
			m := ParseMessage([]byte(tt.raw), 0)
			if _, err := m.Structure.Attachments(); errors.Is(err, ErrTooManyParts) != tt.cut {
				t.Errorf("%v, want the error: %v", err, tt.cut)
			}
			if n := len(m.Structure.leaves); n > maxParts {
				t.Errorf("%d parts", n)
			}
		})
	}
}

// The parser itself goes one step beyond the limits of a structure, no further.
func TestParserStopsAtTheLimits(t *testing.T) {
	deep := strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 1000)
	p := mimeParser{raw: []byte(deep)}
	depth := 0
	for n := p.message(); len(n.children) > 0; n = n.children[0] {
		depth++
	}
	if depth != maxDepth+1 {
		t.Errorf("%d levels, want %d", depth, maxDepth+1)
	}
	flat := mixed("b", strings.Repeat("--b\n\nx\n", 2000))
	p = mimeParser{raw: []byte(flat)}
	if n := p.message(); len(n.children) != maxParts {
		t.Errorf("%d parts, want %d", len(n.children), maxParts)
	}
}

// No message costs more than in proportion to its size.
func TestHostileMessagesAreCheap(t *testing.T) {
	n := 1 << 18
	nest := func(prefix string) string {
		var out strings.Builder
		for i := range maxDepth {
			fmt.Fprintf(&out, "Content-Type: multipart/mixed; boundary=%s%d\n\n--%s%d\n", prefix, i, prefix, i)
		}
		return out.String()
	}
	for name, raw := range map[string]string{
		"lines of dashes":     nest(strings.Repeat("b", 190)) + strings.Repeat("--"+strings.Repeat("b", 190)+"\n", n/20),
		"short dashes":        nest("b") + strings.Repeat("--\n", n),
		"multiparts":          mixed("b", strings.Repeat("--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n", n/16)),
		"deeper and deeper":   strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", n/16),
		"headers of parts":    mixed("b", strings.Repeat("--b\n"+strings.Repeat("A: b\n", 1000), 500)),
		"parameters":          "Content-Type: text/plain" + strings.Repeat("; a=\"b", 10000) + "\n\n",
		"open quotes":         "Content-Type: text/plain; " + strings.Repeat(`"`, 60000) + strings.Repeat(`\"`, 100) + "\n\n",
		"comments":            "Content-Type: " + strings.Repeat("(", 60000) + "\n\n",
		"one long line":       "\n" + strings.Repeat("x", 8*n),
		"a header of a part":  mixed("b", "--b\nA: "+strings.Repeat("x\n ", 2*n)),
		"line ends":           "\n" + strings.Repeat("\n", 2*n),
		"report":              "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n" + strings.Repeat("A:\n\n", n),
		"base64 of nothing":   "Content-Transfer-Encoding: base64\n\n" + strings.Repeat("=\n", n),
		"quoted of nothing":   "Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=", 4*n),
		"quoted, white space": "Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat(strings.Repeat(" ", 1000)+"\n", n/250),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			ParseMessage([]byte(raw), maxContent)
			// Each takes a second at most on a machine with nothing else to do, and many
			// minutes where its time grows with the square of its size.
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// checkMessage asserts what holds for every message, whatever was in it.
func checkMessage(t *testing.T, m *Message) {
	t.Helper()
	check(t, m.Header)
	checkText(t, m.Text.Text)
	checkText(t, m.HTML.Text)
	checkReport(t, *m.Report)
	attachments, err := m.Structure.Attachments()
	if has, hasErr := m.Structure.HasAttachment(); has && err == nil && len(attachments) == 0 || err == nil && hasErr != nil {
		t.Errorf("HasAttachment = %v, %v of %v, %v", has, hasErr, attachments, err)
	}
	for _, a := range attachments {
		checkName(t, a.Name)
		if a.Size < 0 || !strings.Contains(a.Type, "/") || strings.ToLower(a.Type) != a.Type {
			t.Errorf("attachment %+v", a)
		}
	}
	for _, l := range m.Structure.leaves {
		if len(l.Part.section) == 0 || len(l.Part.section) > maxDepth || l.Size > m.Size {
			t.Errorf("part %+v of %d octets", l, m.Size)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(wholeMessage))
	f.Add([]byte("\r\n--b\r\n"))
	addCorpus(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := ParseMessage(raw, 1<<10)
		checkMessage(t, m)
		if wire := ParseMessage(toWire(cutFromLine(raw)), 1<<10); !slices.Equal(parts(m), parts(wire)) || *m.Text != *wire.Text {
			t.Errorf("with CRLF: parts %q, text %q; without: %q, %q", parts(wire), wire.Text.Text, parts(m), m.Text.Text)
		}
	})
}

func TestParseMessageLimits(t *testing.T) {
	big := "\n" + strings.Repeat("x", maxMessage)
	m := ParseMessage([]byte(big), 10)
	if got := parts(m); got[0] != fmt.Sprintf("1 text/plain %d", maxMessage-1) || m.Size != int64(maxMessage+2) {
		t.Errorf("parts %q of %d octets", got, m.Size)
	}
	long := "X: " + strings.Repeat("x", maxPartHeader) + "\nContent-Type: text/html\n\nx\n"
	if got := parts(ParseMessage([]byte(mixed("b", "--b\n"+long)), 0)); got[0] != "1 text/plain 3" {
		t.Errorf("parts %q: a field beyond the limit of the header of a part was read", got)
	}
	if got := parts(ParseMessage([]byte(long), 0)); got[0] != "1 text/html 3" {
		t.Errorf("parts %q: the header of the message has a limit of its own", got)
	}
	huge := "\n" + strings.Repeat("x", maxContent+1)
	if m := ParseMessage([]byte(huge), 2*maxContent); len(m.Text.Text) != maxContent || !m.Text.Truncated {
		t.Errorf("a text of %d octets, truncated %v", len(m.Text.Text), m.Text.Truncated)
	}
}
