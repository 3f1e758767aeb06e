package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // encoded words in other charsets
	"github.com/emersion/go-message/mail"
)

var decided = time.Date(2026, 2, 1, 9, 0, 0, 0, time.FixedZone("", 3600))

func forwarding() Forwarding {
	return Forwarding{ID: "fwd_1", Account: "home", From: "me@example.org", To: []string{"ann@example.net"}, At: decided, Anyway: true}
}

func replying() Replying {
	return Replying{ID: "re_1", Account: "home", From: "me@example.org", At: decided, Text: "I am away.\n"}
}

// letter is a message to me with more header lines.
func letter(lines ...string) []byte {
	head := append(lines, "From: Bob <bob@example.net>", "To: me@example.org", "Message-ID: <1@example.net>", "Subject: lunch")
	return []byte(strings.Join(head, "\r\n") + "\r\n\r\nAt noon?\r\n")
}

// checkBuilt holds what is true of all that is built: lines, fields, one To,
// and that it can be sent. It returns what go-message makes of it.
func checkBuilt(t *testing.T, out []byte, e Envelope, fields []string, to string) *message.Entity {
	t.Helper()
	if text, ok := canonical(out); !ok || !bytes.Equal(text, out) || !bytes.HasSuffix(out, []byte("\r\n")) {
		t.Errorf("cannot be sent: %q", out)
	}
	if _, err := newTransaction(plain(), e, out); err != nil {
		t.Errorf("%+v: %v", e, err)
	}
	m, err := message.Read(bytes.NewReader(out))
	if err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	var names []string
	for f := m.Header.Fields(); f.Next(); {
		if f.Key() != loopField && f.Key() != "References" && f.Key() != "In-Reply-To" && f.Key() != "Content-Transfer-Encoding" {
			names = append(names, f.Key())
		}
		if raw, _ := f.Raw(); !isASCII(string(raw)) {
			t.Errorf("%q is not ASCII", raw)
		}
	}
	slices.Sort(names)
	slices.Sort(fields)
	if !slices.Equal(names, fields) {
		t.Errorf("fields %q, want %q", names, fields)
	}
	h := mail.Header{Header: m.Header}
	list, err := h.AddressList("To")
	if err != nil || len(list) != 1 || list[0].Address != to {
		t.Errorf("To is %v, %v", list, err)
	}
	for _, name := range []string{"References", "In-Reply-To", "Message-Id"} {
		if _, err := h.MsgIDList(name); err != nil || len(h.Values(name)) > 1 {
			t.Errorf("%s: %v, %q", name, err, h.Values(name))
		}
	}
	if subject, err := h.Subject(); err != nil || strings.ContainsAny(subject, "\r\n\x00") {
		t.Errorf("subject %q, %v", subject, err)
	}
	return m
}

func checkForwarded(t *testing.T, out []byte, e Envelope) (text string, second *message.Entity) {
	t.Helper()
	m := checkBuilt(t, out, e, []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}, "ann@example.net")
	parts := m.MultipartReader()
	if parts == nil {
		t.Fatalf("no parts in %q", out)
	}
	first, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	head, err := io.ReadAll(first.Body)
	if err != nil {
		t.Fatal(err)
	}
	second, err = parts.NextPart()
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		t.Fatalf("%v in %q", err, out)
	}
	body, err := io.ReadAll(second.Body)
	if err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	second.Body = bytes.NewReader(body)
	if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
		t.Errorf("more than two parts: %v in %q", err, out)
	}
	return string(head), second
}

func content(t *testing.T, m *message.Entity) []byte {
	t.Helper()
	b, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForwardAttached(t *testing.T) {
	raw := letter("References: <0@example.net>", "Return-Path: <bob@example.net>")
	f := forwarding()
	f.Note = "From your mailbox.\n\n"
	out, e, err := Forward(raw, f)
	if err != nil || e.From != "me@example.org" || !slices.Equal(e.To, f.To) {
		t.Fatalf("%+v, %v", e, err)
	}
	text, second := checkForwarded(t, out, e)
	if !strings.HasPrefix(text, "From your mailbox.\r\n\r\n---") || !strings.Contains(text, "From: Bob <bob@example.net>\r\nSubject: lunch\r\nTo: me@example.org\r\n") {
		t.Errorf("%q", text)
	}
	if kind, _, _ := second.Header.ContentType(); kind != "message/rfc822" || !bytes.Equal(content(t, second), raw) {
		t.Errorf("%s", kind)
	}
	for _, line := range []string{
		"Date: Sun, 01 Feb 2026 09:00:00 +0100", "From: me@example.org", "To: ann@example.net", "Subject: Fwd: lunch",
		"References: <0@example.net> <1@example.net>", "Auto-Submitted: auto-forwarded",
	} {
		if !strings.Contains(string(out), "\r\n"+line+"\r\n") && !strings.HasPrefix(string(out), line+"\r\n") {
			t.Errorf("no %q in %s", line, out)
		}
	}
	again, _, err := Forward(raw, f)
	if err != nil || !bytes.Equal(again, out) {
		t.Errorf("another message the second time: %v", err)
	}
}

func messageIDOf(t *testing.T, out []byte) string {
	t.Helper()
	h, _ := readHeader(out)
	ids := h.messageID()
	if len(ids) != 1 {
		t.Fatalf("%q in %q", ids, out)
	}
	return ids[0]
}

func TestMessageIDComesFromTheID(t *testing.T) {
	seen := map[string]string{}
	for _, c := range []struct{ id, account, at string }{{"1", "home", "x"}, {"2", "home", "x"}, {"1", "work", "x"}} {
		f := forwarding()
		f.ID, f.Account = c.id, c.account
		a, _, err := Forward(letter(), f)
		if err != nil {
			t.Fatal(err)
		}
		f.At, f.Note, f.SevenBit = f.At.Add(time.Hour), "later", true
		b, _, err := Forward(letter(), f)
		if err != nil || messageIDOf(t, a) != messageIDOf(t, b) {
			t.Errorf("%v: %s and %s, %v", c, messageIDOf(t, a), messageIDOf(t, b), err)
		}
		r := replying()
		r.ID, r.Account = c.id, c.account
		reply, _, err := Reply(letter(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{messageIDOf(t, a), messageIDOf(t, reply)} {
			if other, there := seen[id]; there {
				t.Errorf("%s of %v and %s", id, c, other)
			}
			seen[id] = fmt.Sprint(c)
		}
	}
}

// Each of these goes as it is, or as a file with every octet.
func TestForwardKeepsEveryOctet(t *testing.T) {
	head := "From: bob@example.net\r\nSubject: x\r\n"
	for name, c := range map[string]struct{ raw, kind string }{
		"plain":       {head + "\r\nhello\r\n", "message/rfc822"},
		"no end":      {head + "\r\nhello", "message/rfc822"},
		"no body":     {head, "message/rfc822"},
		"8-bit":       {head + "\r\nhéllo\r\n", "message/rfc822"},
		"998":         {head + "\r\n" + strings.Repeat("x", 998) + "\r\n", "message/rfc822"},
		"999":         {head + "\r\n" + strings.Repeat("x", 999) + "\r\n", "application/octet-stream"},
		"long header": {"X: " + strings.Repeat("x", 2000) + "\r\n" + head + "\r\n", "application/octet-stream"},
		"bare CR":     {head + "\r\na\rb\r\n", "application/octet-stream"},
		"CR CR LF":    {head + "\r\na\r\r\n", "application/octet-stream"},
		"NUL":         {head + "\r\na\x00b\r\n", "application/octet-stream"},
		"dots":        {head + "\r\n.\r\n..\r\nMAIL FROM:<a@b>\r\n", "message/rfc822"},
		"boundary":    {head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhi\r\n--x--\r\n", "message/rfc822"},
		"empty":       {"", "message/rfc822"},
	} {
		out, e, err := Forward([]byte(c.raw), forwarding())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, second := checkForwarded(t, out, e)
		kind, _, _ := second.Header.ContentType()
		if got := content(t, second); kind != c.kind || string(got) != c.raw {
			t.Errorf("%s: %s %q", name, kind, got)
		}
	}
	// A bare LF is what a line ends with in a file.
	out, e, err := Forward([]byte("Subject: x\n\na\n.\nb\n"), forwarding())
	if err != nil {
		t.Fatal(err)
	}
	if _, second := checkForwarded(t, out, e); string(content(t, second)) != "Subject: x\r\n\r\na\r\n.\r\nb\r\n" {
		t.Errorf("%q", out)
	}
}

func TestForwardSevenBit(t *testing.T) {
	for _, inline := range []bool{false, true} {
		for _, head := range []string{"", "Content-Type: multipart/mixed; boundary=x\r\n"} {
			raw := head + "Subject: x\r\n\r\n--x\r\n\r\nhéllo\r\n--x--\r\n"
			f := forwarding()
			f.Inline, f.SevenBit = inline, true
			out, e, err := Forward([]byte(raw), f)
			if err != nil || eightBit(out) {
				t.Fatalf("%v, %q", err, out)
			}
			if _, second := checkForwarded(t, out, e); !strings.HasSuffix(raw, string(content(t, second))) {
				t.Errorf("%q", out)
			}
			f.SevenBit = false
			out, _, err = Forward([]byte(raw), f)
			if err != nil || eightBit(out) != (!inline || head != "") || (encodingOf(t, out) == "8bit") != eightBit(out) {
				t.Errorf("inline %v: %v, %q", inline, err, out)
			}
		}
	}
}

// encodingOf is what the header of a message says of all that is below it.
func encodingOf(t *testing.T, out []byte) string {
	t.Helper()
	h, _ := readHeader(out)
	return h.first("Content-Transfer-Encoding")
}

func TestForwardInline(t *testing.T) {
	long := strings.Repeat("x", 2000) + "\r\n"
	for name, c := range map[string]struct{ head, body, kind, shown string }{
		"text":       {"", "At noon?\r\n", "text/plain", "At noon?\r\n"},
		"latin1":     {"Content-Type: text/plain; charset=iso-8859-1\r\n", "\xfc\r\n", "text/plain", "ü\r\n"},
		"qp":         {"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: Quoted-Printable (so)\r\n", "a=C3=BC\r\n", "text/html", "aü\r\n"},
		"base64":     {"Content-Type: application/pdf; name=\"a b.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"ü.pdf\"\r\n", "aGk=\r\n", "application/pdf", "hi"},
		"long lines": {"", long, "text/plain", long},
		"NUL":        {"Content-Transfer-Encoding: 8bit\r\n", "a\x00\rb", "text/plain", "a\x00\rb"},
		"multipart":  {"Content-Type: multipart/signed; boundary=\"x=y\"; micalg=pgp-sha256; protocol=\"application/pgp-signature\"\r\n", "--x=y\r\n\r\nhi\r\n--x=y--\r\n", "multipart/signed", "--x=y\r\n\r\nhi\r\n--x=y--\r\n"},
		"no type":    {"Content-Type: what\r\n", "hi\r\n", "what", "hi\r\n"},
		// What cannot be told again is attached.
		"bad type":    {"Content-Type: text/plain; charset=a b c\r\n", "hi\r\n", "message/rfc822", ""},
		"no boundary": {"Content-Type: multipart/mixed\r\n", "hi\r\n", "message/rfc822", ""},
		"spaces":      {"Content-Type: multipart/mixed; boundary=\"a  b\"\r\n", "--a  b--\r\n", "message/rfc822", ""},
		"encoded":     {"Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: base64\r\n", "LS14LS0=\r\n", "message/rfc822", ""},
		"uuencode":    {"Content-Transfer-Encoding: x-uuencode\r\n", "begin\r\n", "message/rfc822", ""},
		"8-bit qp":    {"Content-Transfer-Encoding: quoted-printable\r\n", "ü\r\n", "message/rfc822", ""},
		"long qp":     {"Content-Transfer-Encoding: quoted-printable\r\n", long, "application/octet-stream", ""},
		"long parts":  {"Content-Type: multipart/mixed; boundary=x\r\n", long, "application/octet-stream", ""},
		"hostile":     {"Content-Type: text/plain; name*=utf-8''a%0D%0ABcc%3A%20eve%40example.com\r\n", "hi\r\n", "text/plain", "hi\r\n"},
		"long name":   {"Content-Type: text/plain; name=" + strings.Repeat("n", 990) + "\r\n", "hi\r\n", "application/octet-stream", ""},
		"disposition": {"Content-Disposition: attachment; filename=a b\r\n", "hi\r\n", "message/rfc822", ""},
	} {
		raw := "Subject: x\r\n" + c.head + "\r\n" + c.body
		f := forwarding()
		f.Inline = true
		out, e, err := Forward([]byte(raw), f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, second := checkForwarded(t, out, e)
		if c.shown == "" {
			c.shown = raw
		}
		kind, _, _ := second.Header.ContentType()
		if got := content(t, second); kind != c.kind || string(got) != c.shown {
			t.Errorf("%s: %s %q", name, kind, got)
		}
		if strings.Contains(string(out), "\nBcc:") {
			t.Errorf("%s: %q", name, out)
		}
	}
}

// The boundary cannot be known to whoever writes the message.
func TestForwardBoundary(t *testing.T) {
	first, _, err := Forward(letter(), forwarding())
	if err != nil {
		t.Fatal(err)
	}
	m, err := message.Read(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	_, params, _ := m.Header.ContentType()
	raw := append(letter(), "\r\n--"+params["boundary"]+"\r\n\r\nforged\r\n--"+params["boundary"]+"--\r\n"...)
	out, e, err := Forward(raw, forwarding())
	if err != nil {
		t.Fatal(err)
	}
	if _, second := checkForwarded(t, out, e); !bytes.Equal(content(t, second), raw) {
		t.Errorf("%q", out)
	}
}

// A failure to deliver what returned to us must not return to us again.
func TestForwardNullPath(t *testing.T) {
	for line, want := range map[string]string{
		"Return-Path: <>": "", "Return-Path: < > (none)": "", "Auto-Submitted: auto-replied": "", "Auto-Submitted: AUTO-GENERATED; x=y": "",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=x": "",
		"Return-Path: <bob@example.net>":                                          "me@example.org", "Auto-Submitted: (so) no": "me@example.org", "X: y": "me@example.org",
	} {
		out, e, err := Forward(letter(line), forwarding())
		if err != nil || e.From != want {
			t.Errorf("%s: %+v, %v", line, e, err)
			continue
		}
		checkForwarded(t, out, e)
	}
}

func reasonOf(err error) Reason {
	var r *Refusal
	if !errors.As(err, &r) || r.Text == "" || err.Error() != r.Text || strings.ContainsAny(r.Text, "\r\n\x00") {
		return ""
	}
	return r.Reason
}

func TestLoopEnds(t *testing.T) {
	first, _, err := Forward(letter(), forwarding())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Forward(first, forwarding()); reasonOf(err) != Loop {
		t.Errorf("forwards its own: %v", err)
	}
	// Ann forwards it back, as an attachment, with another program of the same
	// kind; both call their account home.
	ann := forwarding()
	ann.From, ann.To = "ann@example.net", []string{"me@example.org"}
	second, _, err := Forward(first, ann)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Forward(second, forwarding()); reasonOf(err) != Loop {
		t.Errorf("forwards what came round: %v", err)
	}
	r := replying()
	r.Anyway = true
	if _, _, err := Reply(second, r); reasonOf(err) != Loop {
		t.Errorf("answers what came round: %v", err)
	}
	// A line that is none does not hide the mark.
	hidden := append([]byte("From nobody\r\n>x\r\n\tfold\r\nnonsense\r\n"), first...)
	if _, _, err := Forward(hidden, forwarding()); reasonOf(err) != Loop {
		t.Errorf("a bad line hides the mark: %v", err)
	}
}

// TestForwardOfAutomaticMail: only where it is asked for.
func TestForwardOfAutomaticMail(t *testing.T) {
	f := forwarding()
	f.Anyway = false
	for _, line := range []string{
		"Auto-Submitted: auto-generated", "Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <a.example>", "List-Unsubscribe: <mailto:x@y.example>",
		"X-Autoreply: yes", "Return-Path: <>", "Content-Type: multipart/report; boundary=x",
	} {
		if out, _, err := Forward(letter(line), f); reasonOf(err) != Automatic || out != nil || !strings.HasPrefix(err.Error(), "this message is not forwarded: ") {
			t.Errorf("%s: %v", line, err)
		}
		if _, _, err := Forward(letter(line), forwarding()); err != nil {
			t.Errorf("%s, anyway: %v", line, err)
		}
	}
	for _, line := range []string{"X: y", "Auto-Submitted: no", "Return-Path: <noreply@example.net>"} {
		if _, _, err := Forward(letter(line), f); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if first, _, err := Forward(letter(), f); err != nil {
		t.Error(err)
	} else if _, _, err := Forward(first, f); reasonOf(err) != Loop {
		t.Errorf("what is ours is called %v", err)
	}
}

func TestHopLimits(t *testing.T) {
	received := slices.Repeat([]string{"Received: from a by b"}, MaxReceived)
	if _, _, err := Forward(letter(received...), forwarding()); err != nil {
		t.Error(err)
	}
	if _, _, err := Forward(letter(append(received, "received : from a")...), forwarding()); reasonOf(err) != Hops {
		t.Error(err)
	}
	f := forwarding()
	f.MaxReceived = 1
	if _, _, err := Forward(letter(received[:2]...), f); reasonOf(err) != Hops {
		t.Error(err)
	}
	var marks []string
	for i := range maxMarks {
		marks = append(marks, fmt.Sprintf("%s: %032x", loopField, i))
	}
	if _, _, err := Forward(letter(marks...), forwarding()); reasonOf(err) != Hops {
		t.Error(err)
	}
	out, _, err := Forward(letter(append(marks[1:], marks[1], loopField+": x\x00", loopField+": "+strings.Repeat("ab", 17))...), forwarding())
	if h, _ := readHeader(out); err != nil || len(h.all(loopField)) != maxMarks {
		t.Errorf("%v, %q", err, out)
	}
}

func TestForwardTooBig(t *testing.T) {
	if _, _, err := Forward(make([]byte, MaxMessage+1), forwarding()); reasonOf(err) != TooBig {
		t.Error(err)
	}
}

func TestForwardToSeveral(t *testing.T) {
	f := forwarding()
	f.To = []string{"ann@example.net", "a..b@example.com", "eve@müller.example"}
	out, e, err := Forward(letter(), f)
	if err != nil || !slices.Equal(e.To, f.To) {
		t.Fatalf("%+v, %v", e, err)
	}
	h := mail.Header{Header: message.Header{Header: checkedHeader(t, out, e)}}
	list, err := h.AddressList("To")
	if err != nil || len(list) != 3 || list[1].Address != "a..b@example.com" || list[2].Address != "eve@xn--mller-kva.example" {
		t.Errorf("%v, %v", list, err)
	}
}

// Nobody is refused for having written what is sent to him.
func TestForwardToItsSender(t *testing.T) {
	f := forwarding()
	f.To = []string{"bob@example.net"}
	if _, e, err := Forward(letter("Return-Path: <bob@example.net>"), f); err != nil || e.To[0] != "bob@example.net" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestForwardingIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Forwarding){
		"id": func(f *Forwarding) { f.ID = "" }, "account": func(f *Forwarding) { f.Account = "" }, "at": func(f *Forwarding) { f.At = time.Time{} },
		"from": func(f *Forwarding) { f.From = "me@example.org\r\nBcc: eve@example.com" }, "nobody": func(f *Forwarding) { f.To = nil },
		"many": func(f *Forwarding) { f.To = slices.Repeat(f.To, 101) }, "to": func(f *Forwarding) { f.To = []string{"ann@example.net>"} },
		"note": func(f *Forwarding) { f.Note = "a\x00" }, "long note": func(f *Forwarding) { f.Note = strings.Repeat("x", maxText+1) },
	} {
		f := forwarding()
		change(&f)
		if out, _, err := Forward(letter(), f); err == nil || out != nil || reasonOf(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"Me", "Müller, Jürgen", `Me" <eve@example.com>`, "=?utf-8?q?eve?=", "Me\r\nBcc: eve@example.com", "a.b", strings.Repeat("x", 70)} {
		f := forwarding()
		f.Name, f.To = name, []string{"ann@example.net"}
		out, e, err := Forward(letter(), f)
		if err != nil {
			t.Fatal(err)
		}
		h := mail.Header{Header: message.Header{Header: checkedHeader(t, out, e)}}
		from, err := h.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "me@example.org" || from[0].Name != clean(name) {
			t.Errorf("%q: %v, %v", name, from, err)
		}
	}
}

// What a message says comes out as it was meant, and as nothing else.
func TestHostileSubjects(t *testing.T) {
	for subject, want := range map[string]string{
		"lunch":               "Fwd: lunch",
		"":                    "Fwd:",
		"fwd: FW: lunch":      "Fwd: lunch",
		"=?utf-8?q?a=C3=BC?=": "Fwd: aü",
		"=?iso-8859-1?q?=FC?= =?iso-8859-1?q?x?=":                "Fwd: üx",
		"=?utf-8?q?a=0D=0ABcc:_eve@example.com?=":                "Fwd: a Bcc: eve@example.com",
		"=?utf-8?q?=0D=0A=0D=0A.=0D=0AMAIL_FROM:?=":              "Fwd: . MAIL FROM:",
		"=?utf-8?q?=3D=3Futf-8=3Fq=3F=3D0D=3D0ABcc:_eve=3F=3D?=": "Fwd: =?utf-8?q?=0D=0ABcc: eve?=",
		"a\x00b\rc":                 "Fwd: a b c",
		"a\r\n b\r\n\tc":            "Fwd: a b c",
		"=?utf-8?b?!!?= x":          "Fwd: =?utf-8?b?!!?= x",
		"=?no-such?q?x?= y":         "Fwd: =?no-such?q?x?= y",
		"r\xe9sum\xe9":              "Fwd: résumé",
		"\u202etxt.exe\u2066":       "Fwd: txt.exe",
		"=?utf-8?q?=FF=FE?=":        "Fwd: \uFFFD",
		strings.Repeat("ü", 300):    "Fwd: " + strings.Repeat("ü", 249) + "…",
		strings.Repeat("x", 90000):  "Fwd: " + strings.Repeat("x", 249) + "…",
		strings.Repeat("x", 200):    "Fwd: " + strings.Repeat("x", 200),
		strings.Repeat("=?", 90000): "Fwd: " + strings.Repeat("=?", 124) + "=…",
	} {
		raw := []byte("Subject: " + subject + "\r\n\r\n")
		out, e, err := Forward(raw, forwarding())
		if err != nil {
			t.Errorf("%.40q: %v", subject, err)
			continue
		}
		head, _, _ := bytes.Cut(out, []byte("\r\n\r\n"))
		if n := longest(head); n > foldAt {
			t.Errorf("%.40q: a line of %d in %q", subject, n, head)
		}
		h := mail.Header{Header: message.Header{Header: checkedHeader(t, out, e)}}
		if got, err := h.Subject(); err != nil || got != want {
			t.Errorf("%.40q: %q, %v", subject, got, err)
		}
	}
}

func TestReferences(t *testing.T) {
	var ids []string
	for i := range 50 {
		ids = append(ids, fmt.Sprintf("<%d@example.net>", i))
	}
	for in, want := range map[string]string{
		"References: <a@b> <c@d>":                                       "<a@b> <c@d> <1@example.net>",
		"References: <a@b>\r\n\t<c@d>":                                  "<a@b> <c@d> <1@example.net>",
		"In-Reply-To: <a@b> <c@d>":                                      "<a@b> <1@example.net>",
		"References: x <a b@c> <a@b\x00> <<d@e> <f> <\"g\"@h> <i@j> <k": "<d@e> <i@j> <1@example.net>",
		"References: <" + strings.Repeat("x", 300) + "@y> <a@b>":        "<a@b> <1@example.net>",
		"References: " + strings.Repeat("<", 100000):                    "<1@example.net>",
		"References: " + strings.Join(ids, ""):                          strings.Join(ids[:10], " ") + " " + strings.Join(ids[40:], " ") + " <1@example.net>",
	} {
		h, _ := readHeader(letter(in))
		if got := strings.Join(h.references(), " "); got != want {
			t.Errorf("%.60q: %q, want %q", in, got, want)
		}
	}
}

// RFC 2047 section 5: a word is decoded by itself.
func TestEncodedWordsAreWhole(t *testing.T) {
	for _, s := range []string{strings.Repeat("ü", 100), strings.Repeat("x€", 50), "a" + strings.Repeat("𝄞", 50)} {
		all := ""
		for _, word := range encodedWords(s) {
			text := decodeText(word)
			if len(word) > 75 || strings.Contains(text, "\uFFFD") {
				t.Errorf("%s is %q", word, text)
			}
			all += text
		}
		if all != s {
			t.Errorf("%q, want %q", all, s)
		}
	}
}

func TestReadingHasLimits(t *testing.T) {
	for size, want := range map[int]string{100: "bulk", maxHeader: ""} {
		h, body := readHeader([]byte("X: " + strings.Repeat("x", size) + "\nPrecedence: bulk\n\nbody"))
		if got := h.first("Precedence"); got != want || string(body) != "body" {
			t.Errorf("behind %d octets: %q, %q", size, got, body)
		}
	}
	if got := decodeText(strings.Repeat(" ", maxRawText) + "x"); got != "" {
		t.Errorf("%q", got)
	}
	folds := bytes.Repeat([]byte(" x\n"), maxHeader)
	if h, _ := readHeader(append([]byte("X: y\n"), folds...)); len(h) != 1 || len(h.first("X")) > maxHeader {
		t.Errorf("%d fields", len(h))
	}
}
