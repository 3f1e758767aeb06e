package oauth

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzUnseal feeds files that anybody could have written.
func FuzzUnseal(f *testing.F) {
	key := bytes.Repeat([]byte{1}, keySize)
	good, err := seal(key, "home", Grant{Refresh: "r"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, "home")
	f.Add(good, "work")
	f.Add([]byte(magic), "home")
	f.Fuzz(func(t *testing.T, file []byte, account string) {
		g, err := unseal(key, account, file)
		if err == nil && (g.Refresh == "" || account != "home") {
			t.Errorf("%q passes", file)
		}
	})
}

// FuzzParseKey and the error of a key show nothing of it.
func FuzzParseKey(f *testing.F) {
	f.Add("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
	f.Add("hunter2")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseKey(text)
		if (err == nil) != (len(key) == keySize) || err != nil && !errors.Is(err, errKeyForm) {
			t.Errorf("%d octets, %v", len(key), err)
		}
	})
}

// FuzzPrintable holds what a server says to one short line.
func FuzzPrintable(f *testing.F) {
	f.Add("x\x1b[2J\u202e\n", "secret")
	f.Fuzz(func(t *testing.T, text, secret string) {
		out := printable(text, secret)
		if len(out) > maxText || bytes.ContainsAny([]byte(out), "\x1b\r\n") {
			t.Errorf("%q", out)
		}
	})
}
