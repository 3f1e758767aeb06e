package smtp

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

// checkedHeader is the header of what was built, as go-message reads it.
func checkedHeader(t *testing.T, out []byte, e Envelope) textproto.Header {
	t.Helper()
	if _, err := newTransaction(plain(), e, out); err != nil {
		t.Fatalf("%v: %q", err, out)
	}
	m, err := message.Read(strings.NewReader(string(out)))
	if err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return m.Header.Header
}

func checkReplied(t *testing.T, out []byte, e Envelope) *message.Entity {
	t.Helper()
	if e.From != "" || len(e.To) != 1 {
		t.Fatalf("%+v", e)
	}
	return checkBuilt(t, out, e, []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}, e.To[0])
}

func TestReply(t *testing.T) {
	r := replying()
	r.Name, r.Text = "Me", "Ich bin bis März weg.\n.\nFrom here\n"
	out, e, err := Reply(letter("Return-Path: <Bob@EXAMPLE.net>", "Reply-To: eve@example.com", "References: <0@example.net>"), r)
	if err != nil || e.To[0] != "Bob@example.net" {
		t.Fatalf("%+v, %v", e, err)
	}
	m := checkReplied(t, out, e)
	text, err := io.ReadAll(m.Body)
	if err != nil || strings.ReplaceAll(strings.TrimRight(string(text), "\r\n"), "\r\n", "\n")+"\n" != r.Text {
		t.Errorf("%q, %v", text, err)
	}
	for name, want := range map[string]string{
		"From": "Me <me@example.org>", "Subject": "Auto: Re: lunch", "In-Reply-To": "<1@example.net>", "References": "<0@example.net> <1@example.net>",
		"Auto-Submitted": "auto-replied", "Date": "Sun, 01 Feb 2026 09:00:00 +0100",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(string(out), "eve@") {
		t.Errorf("%s", out)
	}
}

func TestReplyGoesTo(t *testing.T) {
	for line, want := range map[string]string{
		"X: y":                                  "bob@example.net",
		"Return-Path: <carl@example.net>":       "carl@example.net",
		"Return-Path: carl@example.net (x)":     "carl@example.net",
		"Return-Path: <a..b@example.net>":       "a..b@example.net",
		"Return-Path: <>":                       "",
		"Return-Path: \r\n <>":                  "",
		"Return-Path:":                          "",
		"Return-Path: <nobody>":                 "",
		`Return-Path: <"a b"@example.net>`:      "",
		"Return-Path: <a@[127.0.0.1]>":          "",
		"Return-Path: <a@b> SIZE=1\x00":         "a@b",
		"Return-Path: <>\r\nReturn-Path: <a@b>": "",
		"Return-Path: <a@b\r\n\t>":              "a@b",
	} {
		out, e, err := Reply(letter(line), replying())
		key, keyErr := Sender(letter(line))
		if want == "" {
			if reasonOf(err) != NoSender || reasonOf(keyErr) != NoSender {
				t.Errorf("%q: %+v, %v, %v", line, e, err, keyErr)
			}
			continue
		}
		if err != nil || e.To[0] != want || key != want || keyErr != nil {
			t.Errorf("%q: %+v, %v, %q, %v", line, e, err, key, keyErr)
			continue
		}
		checkReplied(t, out, e)
	}
	if _, err := Sender(letter("Return-Path: <>")); err == nil || !strings.Contains(err.Error(), "wants no answer") {
		t.Error(err)
	}
	for from, want := range map[string]string{
		`"eve@example.com" <bob@example.net>`: "bob@example.net", `eve@example.com (x) <bob@example.net>`: "eve@example.com",
		`Bob (eve@example.com) <bob@example.net>`: "bob@example.net", `Team: bob@example.net, carl@example.net;`: "bob@example.net",
		`"a\" eve@example.com" <bob@example.net>`: "bob@example.net", `=?utf-8?q?eve@example.com?= <bob@example.net>`: "bob@example.net",
		`"open <bob@example.net>`: "", `undisclosed`: "", ``: "",
	} {
		if got, _ := Sender([]byte("From: " + from + "\r\n\r\n")); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}

func TestReplyRefuses(t *testing.T) {
	for line, want := range map[string]struct{ plain, anyway Reason }{
		"Auto-Submitted: auto-generated":               {Automatic, ""},
		"Auto-Submitted: auto-replied (x)":             {Automatic, Automatic},
		"auto-submitted : no\r\nAuto-Submitted: yes":   {Automatic, ""},
		"Auto-Submitted: No":                           {"", ""},
		"Precedence: bulk":                             {Automatic, ""},
		"Precedence: List":                             {Automatic, ""},
		"Precedence: junk":                             {Automatic, ""},
		"Precedence: first-class":                      {"", ""},
		"List-Id: <x>":                                 {Automatic, ""},
		"List-Unsubscribe: <mailto:x>":                 {Automatic, ""},
		"X-Autoreply: yes":                             {Automatic, ""},
		"X-Autorespond: no":                            {"", ""},
		"X-Auto-Response-Suppress: DR, OOF, AutoReply": {Automatic, ""},
		"X-Auto-Response-Suppress: DR":                 {"", ""},
		"Content-Type: Multipart/Report; boundary=x":   {Automatic, ""},
		"Return-Path: <no-reply@example.net>":          {Automatic, ""},
		"Return-Path: <NoReply+1@example.net>":         {Automatic, ""},
		"Return-Path: <do_not_reply@example.net>":      {Automatic, ""},
		"Return-Path: <MAILER-DAEMON@example.net>":     {Automatic, ""},
		"Return-Path: <owner-x@example.net>":           {Automatic, ""},
		"Return-Path: <x-request@example.net>":         {Automatic, ""},
		"Return-Path: <bounces+1=me@example.net>":      {Automatic, ""},
		"Return-Path: <nora@example.net>":              {"", ""},
		"Return-Path: <me+x@example.org>":              {Own, Own},
		"Return-Path: <ME@example.org>":                {Own, Own},
		"Return-Path: <>":                              {NoSender, NoSender},
		"nonsense\r\n x\r\nPrecedence: bulk":           {Automatic, ""},
	} {
		r := replying()
		_, _, err := Reply(letter(line), r)
		r.Anyway = true
		_, _, anyway := Reply(letter(line), r)
		if reasonOf(err) != want.plain || (err == nil) != (want.plain == "") || reasonOf(anyway) != want.anyway || (anyway == nil) != (want.anyway == "") {
			t.Errorf("%q: %v, anyway %v", line, err, anyway)
		}
	}
	if _, _, err := Reply([]byte("From: noreply@example.net\r\nReturn-Path: <x@example.net>\r\nTo: me@example.org\r\n\r\n"), replying()); reasonOf(err) != Automatic {
		t.Error(err)
	}
}

func TestReplyOnlyWhenAddressed(t *testing.T) {
	for line, want := range map[string]Reason{
		"To: me@example.org": "", "Cc: x@y, Me <ME+tag@Example.ORG>": "", "Resent-To: me@example.org": "", "Bcc: alias@example.org": "",
		"To: joe-me@example.org": NotAddressed, "To: \"me@example.org\" <x@y.z>": NotAddressed, "Delivered-To: me@example.org": NotAddressed, "To: undisclosed-recipients:;": NotAddressed,
	} {
		r := replying()
		r.Addresses = []string{"alias@example.org"}
		raw := []byte("From: bob@example.net\r\n" + line + "\r\n\r\n")
		if _, _, err := Reply(raw, r); reasonOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("%s: %v", line, err)
		}
		r.Anyway = true
		if _, _, err := Reply(raw, r); err != nil {
			t.Errorf("%s, anyway: %v", line, err)
		}
	}
}

// One sender is one key, whatever changes from message to message.
func TestSenderKey(t *testing.T) {
	for path, want := range map[string]string{
		"Bob@Example.NET": "bob@example.net", "bob+x@example.net": "bob@example.net", "prvs=0123456789=bob@example.net": "bob@example.net",
		"SRS0=aBcD=X7=example.net=bob@relay.example": "srs0=example.net=bob@relay.example", "+x@example.net": "+x@example.net", "prvs=x@example.net": "prvs=x@example.net",
	} {
		if got, err := Sender(letter("Return-Path: <" + path + ">")); err != nil || got != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}

func TestReplySubjects(t *testing.T) {
	for subject, want := range map[string]string{
		"x": "Auto: Re: x", "Re: RE: x": "Auto: Re: x", "Auto: Re: x": "Auto: Re: x", "": "Auto: Re:", "=?utf-8?q?Re:_=C3=BC?=": "Auto: Re: ü",
	} {
		raw := []byte("From: bob@example.net\r\nTo: me@example.org\r\nSubject: " + subject + "\r\n\r\n")
		out, e, err := Reply(raw, replying())
		if err != nil {
			t.Fatal(err)
		}
		m := message.Header{Header: checkedHeader(t, out, e)}
		if got, err := m.Text("Subject"); err != nil || got != want {
			t.Errorf("%q: %q, %v", subject, got, err)
		}
	}
}

func TestReplyingIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Replying){
		"id": func(r *Replying) { r.ID = "" }, "from": func(r *Replying) { r.From = "me" }, "text": func(r *Replying) { r.Text = "\xff" },
		"addresses": func(r *Replying) { r.Addresses = []string{"me"} }, "long": func(r *Replying) { r.Text = strings.Repeat("x", maxText+1) },
	} {
		r := replying()
		change(&r)
		if out, _, err := Reply(letter(), r); err == nil || out != nil || reasonOf(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The last gate: a word that could end a field ends the building.
func TestFieldRefuses(t *testing.T) {
	for _, word := range []string{"", "a b", "a\r\nBcc:", "a\nb", "a\rb", "a\x00", "\x7f", "a\tb", "\xff", "\u2028", "\u00a0", strings.Repeat("x", maxLine)} {
		c := &composer{}
		c.field("X", "good", word)
		c.field("Y", "good")
		if out, err := c.bytes(); err == nil || out != nil {
			t.Errorf("%.20q: %q", word, out)
		}
	}
	c := &composer{}
	c.field("X", strings.Repeat("x", maxLine-3), "y", "ü@example.org")
	c.field("Empty")
	out, err := c.bytes()
	if lines := strings.Split(string(out), "\r\n"); err != nil || !slices.Equal(lines, []string{"X: " + strings.Repeat("x", maxLine-3), " y ü@example.org", "Empty:", ""}) {
		t.Errorf("%q, %v", out, err)
	}
}
