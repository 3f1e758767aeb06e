package actions_test

import (
	"bytes"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"imapilot/actions"
)

var origin = actions.Origin{ID: "msg_1", Rule: "bills", From: "me@example.org", At: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}

func TestNote(t *testing.T) {
	got := string(actions.Append{Note: true, Subject: "Paid: Grüße", Body: "One\nzwölf = 12\n"}.Message(origin, nil))
	const want = "Date: Mon, 04 May 2026 03:02:01 +0000\r\nFrom: imapilot <me@example.org>\r\nSubject: =?utf-8?B?UGFpZDogR3LDvMOfZQ==?=\r\n" +
		"Message-ID: <imapilot.note.msg_1@example.org>\r\nAuto-Submitted: auto-generated\r\nX-Imapilot: bills\r\nX-Imapilot-Id: msg_1\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"One\r\nzw=C3=B6lf =3D 12\r\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An account whose user is no address writes as nobody.
func TestNoteFromNobody(t *testing.T) {
	for _, from := range []string{"", "me", "me@exa mple.org", "me@example.org>\r\nBcc: <x@example.org", "mé@example.org", `"a b"@example.org`, "a@b@c"} {
		o := origin
		o.From = from
		m, err := mail.ReadMessage(bytes.NewReader(actions.Append{Note: true, Subject: "x"}.Message(o, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get("From"); got != "imapilot <imapilot@imapilot.invalid>" || m.Header.Get("Bcc") != "" || m.Header.Get("Message-Id") != "<imapilot.note.msg_1@imapilot.invalid>" {
			t.Errorf("%q: %v", from, m.Header)
		}
	}
}

// A changed copy is the original, octet for octet, with fields before it.
func TestCopyWithHeader(t *testing.T) {
	const original = "Received: x\r\nFrom: a@example.org\n\nHello\x00."
	long := strings.Repeat("word ", 40)
	a := actions.Append{Header: []actions.Field{{Name: "X-Label", Value: "a b"}, {Name: "X-Long", Value: long}, {Name: "X-Fake", Value: "=?utf-8?q?a?="}}}
	got, added := string(a.Message(origin, []byte(original))), string(a.Message(origin, nil))
	if got != added+original {
		t.Errorf("got\n%s", got)
	}
	if !strings.HasPrefix(added, "X-Imapilot: bills\r\nX-Imapilot-Id: msg_1\r\nX-Label: a b\r\nX-Long: word ") || !strings.HasSuffix(added, "\r\nX-Fake: =?utf-8?B?PT91dGYtOD9xP2E/PQ==?=\r\n") {
		t.Errorf("added\n%s", added)
	}
	for line := range strings.Lines(added) {
		if len(line) > 80 {
			t.Errorf("a line has %d octets", len(line))
		}
	}
	own := actions.Append{Header: []actions.Field{{Name: "x-imapilot", Value: "mine"}}}
	if got := string(own.Message(origin, nil)); got != "X-Imapilot-Id: msg_1\r\nx-imapilot: mine\r\n" {
		t.Errorf("got\n%s", got)
	}
}

// FuzzMessage: whatever a text says, it says that and adds no field, and its size is
// the same each time.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"a", "Grüße", "a\r\nBcc: b", "=?utf-8?q?x?=", "\x00\xff", strings.Repeat("x", 2000), "a  b", " a", "\u2028\t", ".\n..\n"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, rule, text, body string) {
		o := origin
		o.Rule = rule
		note, labelled := actions.Append{Note: true, Subject: text, Body: body}, actions.Append{Header: []actions.Field{{Name: "X-Label", Value: text}}}
		m := read(t, note.Message(o, nil))
		wantField(t, m, "Subject", text)
		wantField(t, m, actions.FieldRule, rule)
		if len(m.Header) != 10 {
			t.Errorf("%d fields: %v", len(m.Header), m.Header)
		}
		got, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body)
		if want := strings.TrimRight(lines, "\n") + "\n"; err != nil || strings.ReplaceAll(string(got), "\r\n", "\n") != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		m = read(t, labelled.Message(o, []byte("From: a@example.org\r\n\r\nHello.\r\n")))
		wantField(t, m, "X-Label", text)
		if len(m.Header) != 4 || m.Header.Get(actions.FieldID) != o.ID {
			t.Errorf("%v", m.Header)
		}
	})
}

func read(t *testing.T, raw []byte) *mail.Message {
	t.Helper()
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for line := range bytes.Lines(header) {
		if len(line) > 998 || !strings.HasSuffix(string(line), "\n") && bytes.ContainsAny(line, "\r\n") {
			t.Errorf("a line of the header: %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return m
}

// wantField demands a field that says a text, with single blanks.
func wantField(t *testing.T, m *mail.Message, name, text string) {
	t.Helper()
	got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
	if want := strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "\uFFFD"); err != nil || got != want {
		t.Errorf("%s is %q, %v; want %q", name, got, err, want)
	}
}
