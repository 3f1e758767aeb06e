package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imapilot/actions"
	"imapilot/rules/ruletest"
)

// Only what the user agrees to is changed.
func TestUpdateAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	const text = "tests:\n  - want:\n      - trash\n    name: a\n  - want: [trash]\n    name: b\n  - want: keep\n    name: c\n"
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(path), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	got := []actions.Action{{Kind: actions.Move, Mailbox: "A"}, {Kind: actions.Expunge}}
	result := func(line int) ruletest.Result {
		return ruletest.Result{Case: ruletest.Case{File: link, Line: line}, Got: got, Covered: true}
	}
	uncovered := result(5)
	uncovered.Covered = false
	passed := result(2)
	passed.Pass = true
	var out strings.Builder
	// The third question finds the end of the input.
	u := updater{app: &app{out: &out}, lines: bufio.NewReader(strings.NewReader("y\n\n")), moved: map[string]int{}}
	if err := u.all([]ruletest.Result{result(7), uncovered, result(5), passed, result(2)}); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(text, "      - trash\n", "      - move: A\n      - expunge\n", 1)
	if raw, err := os.ReadFile(path); err != nil || string(raw) != want {
		t.Errorf("%v\n%s", err, raw)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode().IsRegular() {
		t.Errorf("the link became a file: %v", err)
	}
	if asked := strings.Count(out.String(), "[y/N]"); asked != 3 {
		t.Errorf("asked %d times:\n%s", asked, out.String())
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWrap(t *testing.T) {
	for line, want := range map[string]string{
		"":                               "",
		"short":                          "  short",
		"want: aaaa bbbb cccc":           "  want: aaaa bbbb\n        cccc",
		"want: aaaaaaaaaaaaaaaaaaaaaa b": "  want: aaaaaaaaaaaaaaaaaaaaaa\n        b",
		"      move: a":                  "        move: a",
		"not covered: über über":         "  not covered:\n        über über",
	} {
		if got := wrap(line, "  ", 18); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
