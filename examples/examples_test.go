package examples_test

import (
	"path/filepath"
	"testing"

	"imapilot/engine/config"
	"imapilot/rules/ruletest"
)

// TestEveryExample holds each example to what check and test demand of it.
func TestEveryExample(t *testing.T) {
	found, err := filepath.Glob("*/imapilot.yaml")
	if err != nil || len(found) < 4 {
		t.Fatalf("found %v, %v", found, err)
	}
	for _, name := range []string{"IMAP_PASSWORD", "CHAT_SECRET", "IMAPILOT_DEMO_PASSWORD", "IMAPILOT_DEMO_SECRET"} {
		t.Setenv(name, "set")
	}
	for _, path := range found {
		t.Run(filepath.Dir(path), func(t *testing.T) {
			cfg, diags := config.Load(path)
			for _, d := range diags {
				t.Error(d.Format(false))
			}
			if cfg == nil {
				return
			}
			report := ruletest.Run(cfg.Rules, cfg.Tests)
			if len(report.Results) < 3 {
				t.Errorf("%d tests: an example shows how rules are tested", len(report.Results))
			}
			for _, r := range report.Results {
				if !r.Pass {
					t.Errorf("%s: %s", r.Case.Name, r.Detail)
				}
			}
		})
	}
}
