package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imapilot/rules"
	"imapilot/rules/facts"
)

func TestParseList(t *testing.T) {
	long := strings.Repeat("x", maxListValue)
	tests := []struct {
		text string
		want []string
		says string
	}{
		{"", nil, ""},
		{"a\nb", []string{"a", "b"}, ""},
		{"\uFEFFa\r\n\r\n \t\r\n  b c \t\r\n", []string{"a", "b c"}, ""},
		{"\uFEFFa\n\uFEFFb\n\uFEFF\uFEFF\n\uFEFF# no\nc \uFEFF # no\n", []string{"a", "b", "c"}, ""},
		{"# no\n  # no\n#no\na # no\nb\t#\nissue #5\nc#d\n", []string{"a", "b", "issue #5", "c#d"}, ""},
		{"ü\n日本", []string{"ü", "日本"}, ""},
		{long, []string{long}, ""},
		{"a\n" + long + "x", nil, "value of more than 1000 bytes in line 2"},
		{"a\n\n\xff", nil, "not UTF-8 in line 3"},
		{"# \xff", nil, "not UTF-8 in line 1"},
		{"\xff\xfea\x00", nil, "not UTF-8 in line 1"},
		{"a\rb", nil, "control character in line 1"},
		{"a\x00", nil, "control character in line 1"},
		{strings.Repeat("a\n", maxListValues) + "\n#", slices.Repeat([]string{"a"}, maxListValues), ""},
		{strings.Repeat("a\n", maxListValues+1), nil, "more than 100000 values"},
	}
	for _, test := range tests {
		got, err := parseList([]byte(test.text))
		if !slices.Equal(got, test.want) || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%.40q: %d values, %v", test.text, len(got), err)
		}
	}
}

func FuzzParseList(f *testing.F) {
	for _, seed := range []string{"a\nb # c\r\n", "\uFEFF#\n\xff", "a #5\x00\n \t#\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := parseList(data)
		if err != nil {
			return
		}
		for _, v := range values {
			if v == "" || v != strings.TrimSpace(v) || strings.ContainsAny(v, "\r\n\x00") || len(v) > maxListValue {
				t.Errorf("%q", v)
			}
		}
		again, err := parseList([]byte(strings.Join(values, "\n")))
		if err != nil || !slices.Equal(values, again) {
			t.Errorf("%q is read as %q, %v", values, again, err)
		}
	})
}

// A file that changes is read again when the configuration is.
func TestListsOfFiles(t *testing.T) {
	dir := folder(t, map[string]string{
		"c.yaml": home + "include: sub/i.yaml\nlists: {vips: {file: l/vips.txt}, same: {file: l/vips.txt}}\n" +
			"rules: [{name: r, if: 'in_list(subject, \"vips\") and in_list(subject, \"own\")', then: [{move: X}]}]\n",
		"sub/i.yaml":   "lists: {own: {file: own.txt}}\n",
		"sub/own.txt":  "one\ntwo\n",
		"l/vips.txt":   "one\n",
		"l/unused.txt": "",
	})
	matches := func(subject string) bool {
		cfg := loaded(t, filepath.Join(dir, "c.yaml"))
		want := []string{"c.yaml", "sub/i.yaml", "sub/own.txt", "l/vips.txt"}
		for i := range want {
			want[i] = filepath.Join(dir, want[i])
		}
		if !slices.Equal(cfg.Files, want) {
			t.Errorf("files %v", cfg.Files)
		}
		in := rules.Input{Account: "home", Mailbox: rules.Mailbox{Name: "INBOX"}, Message: &facts.Message{
			Header: facts.ParseHeader([]byte("Subject: " + subject + "\r\n\r\n")),
		}}
		return len(cfg.Rules.Evaluate(in).Plan.Items) > 0
	}
	if !matches("one") || matches("two") {
		t.Error("the list holds one")
	}
	if err := os.WriteFile(filepath.Join(dir, "l/vips.txt"), []byte("two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if matches("one") || !matches("two") {
		t.Error("the list holds two now")
	}
}

func TestListFileLimits(t *testing.T) {
	dir := folder(t, map[string]string{
		"big.yaml": home + "lists: {big: {file: big.txt}}\n", "big.txt": strings.Repeat("#\n", maxListFile/2+1),
		"full.yaml": home + "lists: {full: {file: full.txt}}\n", "full.txt": strings.Repeat("#\n", maxListFile/2-1) + "a\n",
	})
	var many strings.Builder
	for i := range maxFiles {
		name := fmt.Sprintf("l%d", i)
		fmt.Fprintf(&many, "  %s: {file: %s}\n", name, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "many.yaml"), []byte(home+"lists:\n"+many.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{"big.yaml": "larger than 10 MiB", "many.yaml": "more than 64 files"} {
		if cfg, diags := Load(filepath.Join(dir, file)); cfg != nil || len(diags) != 1 || !strings.Contains(diags[0].Message, says) {
			t.Errorf("%s: %+v", file, diags)
		}
	}
	if cfg, diags := Load(filepath.Join(dir, "full.yaml")); cfg == nil || len(diags) > 0 {
		t.Errorf("a list of exactly 10 MiB: %v", diags)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int{
		"64KiB": 65536, "1MiB": 1 << 20, "4 MiB": 4 << 20, "65536": 65536, "0": 0,
		"64KB": -1, "64k": -1, "KiB": -1, "": -1, "-1": -1, "+1": -1, "1.5MiB": -1, "010": -1, "99999999999": -1, "1KiBMiB": -1,
	} {
		if got, ok := parseSize(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
}

func TestNewKeysAreRead(t *testing.T) {
	dir := folder(t, map[string]string{"c.yaml": "body: {limit: 1MiB}\naccounts:\n" +
		"  home: {host: h.example.org, username: u, password: {env: X}, trusted_authserv: mx.example.org}\n"})
	cfg := loaded(t, filepath.Join(dir, "c.yaml"))
	if cfg.BodyLimit != 1<<20 || !slices.Equal(cfg.Accounts[0].TrustedAuthserv, []string{"mx.example.org"}) {
		t.Errorf("%+v", cfg)
	}
}
