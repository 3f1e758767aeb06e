package main

import (
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

// Every patch applies to the tree as it is, leaves Go behind, and names a test
// that exists; whether that test turns red takes minutes: see make mutations.
func TestPatchesApply(t *testing.T) {
	all, err := load("patches", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			files, err := m.mutated(root)
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range files {
				if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution); err != nil {
					t.Error(err)
				}
			}
			if !hasTest(t, m) {
				t.Errorf("%s has no test %s", m.folder, m.pattern)
			}
		})
	}
}

func hasTest(t *testing.T, m mutation) bool {
	t.Helper()
	top, _, _ := strings.Cut(m.pattern, "/")
	named := regexp.MustCompile(top)
	files, err := filepath.Glob(filepath.Join(root, m.folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range function.FindAllSubmatch(text, -1) {
			if named.Match(found[1]) {
				return true
			}
		}
	}
	return false
}

// These are the safeguards that nothing may be lost for, or done twice.
func TestNoSafeguardIsForgotten(t *testing.T) {
	all, err := load("patches", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, safeguard := range []string{
		"the wait for COPY's OK", "the chain per message", "the pending UIDs", "the n:* filter", "record before do",
		"the expected arrival", "re-deciding an old intent", "UID EXPUNGE instead of EXPUNGE",
	} {
		if !slices.ContainsFunc(all, func(m mutation) bool { return m.safeguard == safeguard }) {
			t.Errorf("no patch takes away %s", safeguard)
		}
	}
}

const head = "Safeguard: a\nPackage: ./b\nTest: c\n"

func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"whole":             {head + "--- a/x.go\n+++ b/x.go\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n\n--- a/y.go\n+++ b/y.go\n@@ -1 +0,0 @@\n-old\n", ""},
		"no test":           {"Safeguard: a\nPackage: ./b\n+++ b/x.go\n@@ -1 +1 @@\n-old\n", "it needs the lines"},
		"no change":         {head, "it needs the lines"},
		"no line of a hunk": {head + "+++ b/x.go\n@@ -1 +1 @@\n?old\n", "begins with '?'"},
	} {
		m, err := parse(name, c.text)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	m, _ := parse("", head+"--- a/x.go\n+++ b/x.go\n@@ -1,3 +1,2 @@\n\n-old\n+new\n-gone\n--- a/y.go\n+++ b/y.go\n@@ -1 +0,0 @@\n-old\n")
	want := []change{{file: "x.go", before: []string{"", "old", "gone"}, after: []string{"", "new"}}, {file: "y.go", before: []string{"old"}}}
	if !slices.EqualFunc(m.changes, want, func(a, b change) bool {
		return a.file == b.file && slices.Equal(a.before, b.before) && slices.Equal(a.after, b.after)
	}) {
		t.Errorf("changes: %+v", m.changes)
	}
}

func TestApply(t *testing.T) {
	c := change{file: "x.go", before: []string{"b", "c"}, after: []string{"d"}}
	for text, want := range map[string]string{"a\nb\nc\n": "a\nd\n", "b\nc": "d", "b\nb\nc\ne\n": "b\nd\ne\n"} {
		if got, err := c.apply(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "b\n", "c\nb\n"} {
		if _, err := c.apply(text); !errors.Is(err, errNowhere) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := c.apply("b\nc\nb\nc\n"); err == nil || !strings.Contains(err.Error(), "twice, at 1 and 3") {
		t.Errorf("twice: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(head+"+++ b/x.go\n@@ -1 +1 @@\n a\n-b\n+c\n", "a\nb\n")
	f.Fuzz(func(t *testing.T, patch, text string) {
		m, err := parse("x", patch)
		if err != nil {
			return
		}
		for _, c := range m.changes {
			if got, err := c.apply(text); err == nil && len(got) > len(text)+len(patch) {
				t.Errorf("%q of %q", got, text)
			}
		}
	})
}
