// Package corpus reads the real messages that tests run over: a folder
// "shared/corpus" beside the repository. It is not part of the repository, so
// a test that needs it says so and is skipped where it is absent; continuous
// integration has it.
package corpus

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Message is one file of the corpus.
type Message struct {
	Name string
	Raw  []byte
}

// Messages returns every message of the corpus in order of its name. It skips
// the test, with the reason, when there is no corpus.
func Messages(t testing.TB) []Message {
	t.Helper()
	dir, ok := find()
	if !ok {
		t.Skip(`no folder "shared/corpus" beside the repository: this test needs its 940 messages`)
	}
	var out []Message
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Dir(path) == dir {
			return err
		}
		raw, err := os.ReadFile(path)
		out = append(out, Message{Name: strings.TrimPrefix(path, dir+"/"), Raw: raw})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(out, func(a, b Message) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// find walks up from the package under test to the repository's root.
func find() (string, bool) {
	dir, err := os.Getwd()
	for err == nil {
		if _, mod := os.Stat(filepath.Join(dir, "go.mod")); mod == nil {
			corpus := filepath.Join(filepath.Dir(dir), "shared", "corpus")
			_, err := os.Stat(corpus)
			return corpus, err == nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return "", false
}
