package config

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imapilot/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGoldens loads every testdata/*.yaml and compares what is reported.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	t.Setenv("HOME_PASSWORD", "set")
	t.Setenv("X", "set")
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, diags := Load(path)
			var b strings.Builder
			for _, d := range diags {
				b.WriteString(d.Format(false) + "\n")
			}
			b.WriteString(Summary(diags) + "\n")
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != b.String() {
				t.Errorf("%s (run with -update when it is right)\n--- got\n%s--- want\n%s", golden, b.String(), want)
			}
		})
	}
}

// TestEightMistakes holds the places against what an editor shows: each is
// the place of a marker in the file itself.
func TestEightMistakes(t *testing.T) {
	t.Setenv("HOME_PASSWORD", "set")
	_, diags := Load("testdata/eight.yaml")
	if len(diags) != 8 {
		t.Fatalf("%d diagnostics, want 8", len(diags))
	}
	raw, err := os.ReadFile("testdata/eight.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	for i, part := range []string{"hots", "70000", "form", "hass", `"(unclosed"`, "delete", "Lists", "hokk"} {
		d := diags[i]
		if got := strings.Index(lines[d.Line-1], part) + 1; got != d.Column {
			t.Errorf("diagnostic %d is at %d:%d, %q is at column %d: %s", i+1, d.Line, d.Column, part, got, d.Message)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := "accounts:\n  a: {host: h, username: u, password: hunter2}\n  b:\n    host: h\n    username: u\n    password: 4711\n  c:\n    pasword: hunter2\n    host: h\n    username: u\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, diags := Load(path)
	if len(diags) < 3 {
		t.Fatalf("%d diagnostics", len(diags))
	}
	for _, d := range diags {
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if all := d.Format(true) + string(raw); strings.Contains(all, "hunter2") || strings.Contains(all, "4711") {
			t.Errorf("shown: %s", all)
		}
	}
	for _, s := range []string{fmt.Sprint(LiteralSecret("x7")), fmt.Sprintf("%v %+v %#v %s", LiteralSecret("x7"), LiteralSecret("x7"), LiteralSecret("x7"), LiteralSecret("x7"))} {
		if strings.Contains(s, "x7") {
			t.Errorf("printed: %s", s)
		}
	}
}

func TestSecretSources(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s")
	if err := os.WriteFile(file, []byte("p w\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("IMAPILOT_TEST_SECRET", "from env")
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for _, c := range []struct {
		s    Secret
		want string
	}{
		{Secret{kind: "file", value: file}, "p w"},
		{Secret{kind: "env", value: "IMAPILOT_TEST_SECRET"}, "from env"},
		{Secret{kind: "credential", value: "s"}, "p w"},
		{Secret{kind: "command", command: []string{"printf", "a b"}}, "a b"},
		{LiteralSecret("lit"), "lit"},
	} {
		if got, err := c.s.Read(context.Background()); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.s.Source(), got, err)
		}
	}
	for _, s := range []Secret{{kind: "file", value: dir + "/none"}, {kind: "env", value: "IMAPILOT_NOT_SET"}, {kind: "command", command: []string{"false"}}, {}} {
		if _, err := s.Read(context.Background()); err == nil {
			t.Errorf("%s: no error", s.Source())
		}
	}
}

func TestCaretsUnderWideCharacters(t *testing.T) {
	d := Diagnostic{File: "f", Line: 1, Column: 5, Length: 2, Message: "m", Source: "\t日本 ab" + strings.Repeat("x", 300)}
	lines := strings.Split(d.Format(false), "\n")
	at := strings.Index(lines[2], "^")
	// Tab (2), two wide characters (4), a space: the caret is below "a".
	if want := len("      | ") + 7; at != want {
		t.Errorf("the caret is at %d, want %d:\n%s", at, want, d.Format(false))
	}
	if len(lines[1]) > 150 {
		t.Errorf("a line of %d bytes is shown", len(lines[1]))
	}
	far := Diagnostic{File: "f", Line: 1, Column: 290, Length: 3, Message: "m", Source: strings.Repeat("y", 289) + "bad" + strings.Repeat("z", 100)}
	if out := far.Format(false); !strings.Contains(out, "bad") || !strings.Contains(out, "^^^") {
		t.Errorf("the place is out of sight:\n%s", out)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	examples, _ := filepath.Glob("../../examples/*/*.yaml")
	for _, path := range append(files, examples...) {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "include") || strings.Contains(text, "file") {
			return // it would read other files
		}
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, diags := Load(path)
		if cfg == nil && !HasErrors(diags) {
			t.Error("refused without a reason")
		}
		for _, d := range diags {
			d.Format(true)
		}
	})
}

// TestWarnedRuleActs: a folder that is missing makes no other rule of one.
func TestWarnedRuleActs(t *testing.T) {
	path := filepath.Join(folder(t, map[string]string{"c.yaml": "allow: save_attachments\naccounts:\n  home: {host: h.example, username: u, password: {env: P}}\n" +
		"rules:\n  - {name: r, if: true, then: [{save_attachments: /nowhere/at/all}]}\n"}), "c.yaml")
	cfg, diags := Load(path)
	if cfg == nil || len(diags) != 1 || diags[0].Severity != rules.Warning {
		t.Fatalf("%+v", diags)
	}
	if r := cfg.Rules.Rules()[0]; !slices.Equal(r.In, []string{"INBOX"}) || !slices.Equal(r.Folders, []string{"/nowhere/at/all"}) {
		t.Errorf("%+v", r)
	}
}
