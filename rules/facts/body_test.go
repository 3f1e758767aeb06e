package facts

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// message makes a message of one part, with its charset and encoding.
func message(mediaType, charset, encoding string) *Message {
	return &Message{Structure: NewStructure(single(mediaType, sized(encoding, 100), func(bs *imap.BodyStructureSinglePart) {
		if charset != "" {
			bs.Params = map[string]string{"charset": charset}
		}
	}))}
}

func TestSetContentText(t *testing.T) {
	for name, tt := range map[string]struct{ charset, encoding, raw, want string }{
		"plain":                     {"us-ascii", "7bit", "a\r\nb\r\n", "a\nb\n"},
		"line ends":                 {"", "8bit", "a\rb\nc\r\nd\r\r\n", "a\nb\nc\nd\n\n"},
		"NUL":                       {"", "binary", "a\x00b", "ab"},
		"byte order mark":           {"utf-8", "8bit", "\ufeffGrüße", "Grüße"},
		"utf-8, not declared":       {"", "8bit", "Grüße", "Grüße"},
		"utf-8, declared Latin-1":   {"iso-8859-1", "8bit", "Grüße", "Grüße"},
		"utf-8, declared Japanese":  {"iso-2022-jp", "8bit", "Grüße", "Grüße"},
		"utf-8, broken":             {"utf-8", "8bit", "Grü\xffe", "Grü\uFFFDe"},
		"Latin-1, declared utf-8":   {"utf-8", "8bit", "Gr\xfc\xdfe", "Grüße"},
		"windows-1252":              {"windows-1252", "8bit", "\x93x\x94 \x80", "“x” €"},
		"latin1 with its quotes":    {"ISO-8859-1", "8bit", "\x93x\x94", "“x”"},
		"koi8-r":                    {"KOI8-R", "8bit", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		"iso-2022-jp":               {"iso-2022-jp", "7bit", "\x1b$B$3$s\x1b(B.", "こん."},
		"gb2312":                    {"gb2312", "8bit", "\xc4\xe3\xba\xc3", "你好"},
		"gb18030":                   {"gb18030", "8bit", "\xc4\xe3\x81\x30\x81\x30", "你\u0080"},
		"big5":                      {"big5", "8bit", "\xa7A\xa6n", "你好"},
		"unknown charset":           {"x-unknown", "8bit", "Gr\xfc\xdfe", "Grüße"},
		"unknown charset, utf-8":    {"x-unknown", "8bit", "Grüße", "Grüße"},
		"no charset for browsers":   {"iso-2022-kr", "7bit", "abc", "abc"},
		"the same, in 8 bits":       {"iso-2022-kr", "8bit", "Gr\xfc\xdfe", "Grüße"},
		"base64":                    {"utf-8", "base64", "R3LDvMOf\r\nZQ==\r\n", "Grüße"},
		"base64, one long line":     {"utf-8", "BASE64", "R3LDvMOfZQ==", "Grüße"},
		"base64, no padding":        {"utf-8", "base64", "R3LDvMOfZQ", "Grüße"},
		"base64, odd characters":    {"utf-8", "base64", "R3*LD vMO\tfZ!Q==", "Grüße"},
		"base64, pieces":            {"utf-8", "base64", "R3I=\r\nw7zDn2U=\r\n", "Grüße"},
		"base64, a footer":          {"utf-8", "base64", "R3LDvMOfZQ==\r\n____\r\nfooter of a list\r\n", "Grüße"},
		"base64, nothing":           {"utf-8", "base64", "", ""},
		"quoted":                    {"utf-8", "quoted-printable", "Gr=C3=BC=c3=9fe=\r\n du\r\n", "Grüße du\n"},
		"quoted, white space":       {"utf-8", "quoted-printable", "a \t\r\nb= \t\r\nc", "a\nbc"},
		"quoted, bad escapes":       {"utf-8", "quoted-printable", "1=1 =ZZ a=b =", "1=1 =ZZ a=b "},
		"quoted, LF":                {"utf-8", "quoted-printable", "a=\nb\nc", "ab\nc"},
		"quoted in quotes":          {"utf-8", `"quoted-printable"`, "=C3=BC", "ü"},
		"unknown encoding":          {"utf-8", "x-none", "=C3=BC", "=C3=BC"},
		"quoted, escape at the end": {"utf-8", "quoted-printable", "a=4", "a=4"},
	} {
		t.Run(name, func(t *testing.T) {
			m := message("text/plain", tt.charset, tt.encoding)
			m.SetContent(TextContent, []byte(tt.raw), false)
			if m.Text.Text != tt.want || m.Text.Truncated {
				t.Errorf("%q, truncated %v, want %q", m.Text.Text, m.Text.Truncated, tt.want)
			}
		})
	}
}

// What is cut anywhere reads as the beginning of the whole.
func TestSetContentCutAnywhere(t *testing.T) {
	text := "Grüße, 你好 😀 =\r\nend "
	for name, tt := range map[string]struct{ charset, encoding, raw string }{
		"utf-8":       {"utf-8", "8bit", text},
		"no charset":  {"", "8bit", text},
		"unknown":     {"x-unknown", "8bit", text},
		"base64":      {"utf-8", "base64", base64.StdEncoding.EncodeToString([]byte(text))},
		"quoted":      {"utf-8", "quoted-printable", "Gr=C3=BC=C3=9Fe, =E4=BD=A0=E5=A5=BD =F0=9F=98=80 =3D=\r\n =\r\nend "},
		"gb18030":     {"gb18030", "8bit", "\xc4\xe3\xba\xc3\x94\x39\xfc\x36\x81\x30\x84\x36"},
		"iso-2022-jp": {"iso-2022-jp", "7bit", "a\x1b$B$3$s\x1b(Bb\x1b$B$3\x1b(B"},
		"shift_jis":   {"shift_jis", "8bit", "\x82\xb1\x82\xf1a\x82\xb1"},
		"utf-16":      {"utf-16le", "base64", base64.StdEncoding.EncodeToString([]byte("a\x00\xfc\x00=\xd8\x00\xde"))},
	} {
		t.Run(name, func(t *testing.T) {
			m := message("text/plain", tt.charset, tt.encoding)
			m.SetContent(TextContent, []byte(tt.raw), false)
			whole := m.Text.Text
			if strings.Contains(whole, "\uFFFD") {
				t.Fatalf("the whole reads %q", whole)
			}
			for n := range len(tt.raw) {
				m.SetContent(TextContent, []byte(tt.raw[:n]), true)
				got := strings.TrimSuffix(m.Text.Text, "\n") // CR is cut off its LF
				if !strings.HasPrefix(whole, got) || !m.Text.Truncated {
					t.Fatalf("cut at %d: %q, of %q", n, got, whole)
				}
			}
		})
	}
}

func TestSetContentOfHTML(t *testing.T) {
	raw := []byte("<p>Gr=C3=BC=C3=9Fe</p><p>du</p>")
	m := message("text/html", "utf-8", "quoted-printable")
	m.SetContent(TextContent, raw, false)
	m.SetContent(HTMLContent, raw, true)
	if want := "Grüße\n\ndu"; m.Text.Text != want {
		t.Errorf("text %q, want %q", m.Text.Text, want)
	}
	if want := "<p>Grüße</p><p>du</p>"; m.HTML.Text != want || !m.HTML.Truncated {
		t.Errorf("HTML %+v, want %q, truncated", m.HTML, want)
	}
	for _, charset := range []string{"", "US-ASCII"} {
		m = message("text/html", charset, "8bit")
		m.SetContent(TextContent, []byte("<meta charset=koi8-r>\xf0\xd2\xc9"), false)
		if m.Text.Text != "При" {
			t.Errorf("with the charset of its own, declared %q: %q", charset, m.Text.Text)
		}
	}
}

func TestKnown(t *testing.T) {
	all := []Content{TextContent, HTMLContent, ReportContent}
	m := &Message{}
	for _, c := range all {
		if m.SetContent(c, []byte("x"), true); m.Known(c) {
			t.Errorf("content %d is known of a message whose structure is not", c)
		}
	}
	m.Structure = NewStructure(nil)
	for _, c := range all {
		if m.Known(c) {
			t.Errorf("content %d is known before it was set", c)
		}
		if m.SetContent(c, []byte("ignored"), true); !m.Known(c) {
			t.Errorf("content %d is not known", c)
		}
	}
	if *m.Text != (Body{}) || *m.HTML != (Body{}) || *m.Report != (Report{}) {
		t.Errorf("text %+v, HTML %+v, report %+v of a message without parts", m.Text, m.HTML, m.Report)
	}
	if m.Known(99) {
		t.Error("what does not exist is known")
	}
}

func TestSetContentIsBounded(t *testing.T) {
	m := message("text/plain", "", "7bit")
	m.SetContent(TextContent, []byte(strings.Repeat("x", maxContent+1)), false)
	if len(m.Text.Text) != maxContent || !m.Text.Truncated {
		t.Errorf("%d octets, truncated %v", len(m.Text.Text), m.Text.Truncated)
	}
}

// checkText asserts what holds for every text of a body.
func checkText(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r") {
		t.Errorf("unclean text %q", s)
	}
}
