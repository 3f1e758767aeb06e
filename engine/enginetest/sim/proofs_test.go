package sim

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestProofsNameTests holds PROOFS.md to what there is: each test and each
// mutation that it names.
func TestProofsNameTests(t *testing.T) {
	page, err := os.ReadFile("../PROOFS.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := declaredTests(t)
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(page), -1) {
		if !declared[name] && name != "TestProofsNameTests" {
			t.Errorf("there is no %s", name)
		}
	}
	for _, cell := range regexp.MustCompile(`mutations? (.*?) \|`).FindAllStringSubmatch(string(page), -1) {
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cell[1], -1) {
			if _, err := os.Stat("../mutations/patches/" + name[1] + ".patch"); err != nil {
				t.Error(err)
			}
		}
	}
}

func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir("../../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(source), -1) {
			out[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
