package imapsession

import (
	"strings"
	"testing"
)

func TestReadEmailID(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"as RFC 8474 shows it", "(M6d99ac3275bb4e)", "M6d99ac3275bb4e"},
		{"every kind of character", "(aZ_0-9)", "aZ_0-9"},
		{"none", "NIL", ""},
		{"an empty list", "()", ""},
		{"two", "(a b)", ""},
		{"no list", "M6d99", ""},
		{"a list in a list", "((M6d99))", ""},
		{"another character", "(M.6)", ""},
		{"the longest", "(" + strings.Repeat("x", 255) + ")", strings.Repeat("x", 255)},
		{"a longer one", "(" + strings.Repeat("x", 256) + ")", ""},
	} {
		m, ok := parseFetch(&scanner{b: []byte("(UID 5 EMAILID " + tc.value + " RFC822.SIZE 9)")}, itemSize)
		if !ok || m.EmailID != tc.want || m.Size != 9 {
			t.Errorf("%s: %q, size %d, %v; want %q", tc.name, m.EmailID, m.Size, ok, tc.want)
		}
	}
}
