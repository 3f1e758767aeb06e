package facts

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpusFolder lies beside the repository, because its messages are not ours.
const corpusFolder = "../../../shared/corpus"

func TestCorpus(t *testing.T) {
	if _, err := os.Stat(corpusFolder); err != nil {
		t.Skipf("the message corpus is not beside this checkout: %v", err)
	}
	messages := 0
	err := filepath.WalkDir(corpusFolder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		messages++
		h := ParseHeader(raw)
		check(t, h)
		for _, name := range []string{"From", "To", "Cc", "Reply-To", "Sender"} {
			for _, value := range h.raw(name) {
				sameAsLibrary(t, value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if messages < 900 {
		t.Errorf("only %d messages found", messages)
	}
}
