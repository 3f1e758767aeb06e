package attachment

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestCleanName(t *testing.T) {
	for s, want := range map[string]string{
		"a.pdf": "a.pdf", " a b .pdf ": "a b .pdf", "...a": "a", "a. . ": "a", "..": "", ".": "", " ": "", "": "", ".bashrc": "bashrc",
		"a/b\\c:d*e?f\"g<h>i|j": "a_b_c_d_e_f_g_h_i_j", "a\x00b\nc\x7fd\u0085e": "abcde", "gpj\u202e.exe": "gpj.exe", "\u2066a\u2069\ufeff\u200f": "a",
		"CON": "_CON", "con.txt": "_con.txt", "NUL .x": "_NUL .x", "com1": "_com1", "LPT¹.log": "_LPT¹.log", "COM10": "COM10", "CONS": "CONS", "aux.tar.gz": "_aux.tar.gz",
		"e\u0301.txt": "é.txt", "a\xffb": "a_b", "a\u00a0b": "a b", "نمی\u200cخواهم": "نمی\u200cخواهم", "~a": "~a", "-rf": "-rf", ".imapilot-x.part": "imapilot-x.part",
	} {
		if got := cleanName(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestLongNames(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, c := range []struct{ name, suffix, want string }{
		{long + ".pdf", "", strings.Repeat("é", 58) + ".pdf"},
		{long, "", strings.Repeat("é", 60)},
		{"a." + long, "", "a." + strings.Repeat("é", 59)},
		{long + ".pdf", " (10)", strings.Repeat("é", 55) + " (10).pdf"},
		{"a.pdf", " (2)", "a (2).pdf"}, {".pdf", " (2)", ".pdf (2)"}, {"a.tar.gz", " (2)", "a.tar (2).gz"},
	} {
		if got := cut(c.name, c.suffix); got != c.want || len(got) > maxName {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	p := Part{Name: "own/..\u202e.pdf", Type: "application/pdf"}
	for _, c := range []struct {
		pieces []Piece
		want   string
	}{
		{nil, "own_...pdf"},
		{[]Piece{{"in/", false}}, "in|own_...pdf"},
		{[]Piece{{"in/", false}, {"2026/../x", true}, {"-", false}, {"a/b.pdf", true}}, "in|2026_.._x-a_b.pdf"},
		{[]Piece{{"in/", false}, {"ann", true}, {"/", false}, {"c.pdf", true}}, "in|ann|c.pdf"},
		{[]Piece{{"in/../", false}}, "error"}, {[]Piece{{"/etc/", false}}, "error"}, {[]Piece{{"", true}, {"/x", false}}, "error"},
		{[]Piece{{"..", true}}, "own_...pdf"}, {[]Piece{{"CON", true}, {"/x", false}}, "_CON|x"}, {[]Piece{{`a\b`, false}}, "a_b"},
	} {
		folders, name, err := path(c.pieces, p)
		got := strings.Join(append(folders, name), "|")
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%+v: %q, %v, want %q", c.pieces, got, err, c.want)
		}
	}
	for mediaType, want := range map[string]string{"message/rfc822": "attachment.eml", "application/pdf": "attachment.pdf", "a/b": "attachment.bin"} {
		if got := fileName("", Part{Type: mediaType}); got != want {
			t.Errorf("%s: %q", mediaType, got)
		}
	}
}

// checkName holds what every system asks of a name.
func checkName(t *testing.T, s string) {
	t.Helper()
	bad := s == "" || len(s) > maxName || !utf8.ValidString(s) || !norm.NFC.IsNormalString(s) || isReserved(s) || strings.ContainsAny(s, "/\\:*?\"<>|\x00\n\r\u202e")
	if bad || slices.Contains([]byte{'.', ' '}, s[0]) || slices.Contains([]byte{'.', ' '}, s[len(s)-1]) {
		t.Errorf("the name %q", s)
	}
}
