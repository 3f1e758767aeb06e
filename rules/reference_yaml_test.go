package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"imapilot/engine/config"
	"imapilot/rules/ruletest"
)

// TestReferenceConfigurations: what the page shows as a file is one that loads
// without a warning, and whose own tests pass.
func TestReferenceConfigurations(t *testing.T) {
	t.Setenv("IMAP_PASSWORD", "set")
	page, err := os.ReadFile("REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 2 {
		t.Fatalf("found %d files on the page", len(blocks))
	}
	for _, block := range blocks {
		path := filepath.Join(t.TempDir(), "imapilot.yaml")
		if err := os.WriteFile(path, block[1], 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, diags := config.Load(path)
		for _, d := range diags {
			t.Error(d.Format(false))
		}
		if cfg == nil {
			continue
		}
		for _, r := range ruletest.Run(cfg.Rules, cfg.Tests).Results {
			if !r.Pass {
				t.Errorf("%s: %s", r.Case.Name, r.Detail)
			}
		}
	}
}
