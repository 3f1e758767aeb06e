package examples_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imapilot/engine/config"
	"imapilot/rules/ruletest"
)

// TestEveryExample holds each example to what check and test demand of it.
func TestEveryExample(t *testing.T) {
	found, err := filepath.Glob("*/imapilot.yaml")
	if err != nil || len(found) < 6 {
		t.Fatalf("found %v, %v", found, err)
	}
	setSecrets(t)
	for _, path := range found {
		t.Run(filepath.Dir(path), func(t *testing.T) {
			cfg, diags := config.Load(path)
			for _, d := range diags {
				if !strings.HasPrefix(d.Message, "the folder is not there") { // it is on the reader's machine
					t.Error(d.Format(false))
				}
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

func setSecrets(t *testing.T) {
	for _, name := range []string{"IMAP_PASSWORD", "CHAT_SECRET", "IMAPILOT_DEMO_PASSWORD", "IMAPILOT_DEMO_SECRET"} {
		t.Setenv(name, "set")
	}
}

// TestEverydayRulesAreTestedBothWays: each rule that people copy shows a message
// that it acts on and one that it leaves alone.
func TestEverydayRulesAreTestedBothWays(t *testing.T) {
	setSecrets(t)
	cfg, _ := config.Load("everyday/imapilot.yaml")
	if cfg == nil {
		t.Fatal("it does not load")
	}
	acts, leaves := map[string]bool{}, map[string]bool{}
	for _, c := range cfg.Tests {
		acts[c.Rule] = acts[c.Rule] || len(c.Want) > 0
		leaves[c.Rule] = leaves[c.Rule] || len(c.Want) == 0
	}
	for _, r := range cfg.Rules.Rules() {
		if !acts[r.Name] || !leaves[r.Name] {
			t.Errorf("the tests of %q: acts %v, leaves alone %v", r.Name, acts[r.Name], leaves[r.Name])
		}
	}
}

// TestReadme: the configuration that a new user meets first loads as it is
// printed, and the tests that the page shows pass with it.
func TestReadme(t *testing.T) {
	setSecrets(t)
	t.Setenv("CI_SECRET", "set")
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		if bytes.HasPrefix(block[1], []byte("webhooks:")) || bytes.HasPrefix(block[1], []byte("rules:")) {
			loads(t, "accounts: {home: {host: imap.example.org, username: me@example.org, password: {env: IMAP_PASSWORD}}}\n"+string(block[1]))
			continue
		}
		if bytes.HasPrefix(block[1], []byte("token_key:")) {
			loads(t, string(block[1]))
			continue
		}
		file = append(file, block[1]...)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("notify-bot")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "readme.yaml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	for _, d := range diags {
		t.Error(d.Format(false))
	}
	if cfg == nil {
		return
	}
	report := ruletest.Run(cfg.Rules, cfg.Tests)
	if len(report.Results) != 2 {
		t.Errorf("%d tests, want that of the rule and that of the walk", len(report.Results))
	}
	for _, r := range report.Results {
		if !r.Pass {
			t.Errorf("%s: %s", r.Case.Name, r.Detail)
		}
	}
}

// loads checks that an example stands by itself, and that its tests pass.
func loads(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	for name, text := range map[string]string{path: text, filepath.Join(filepath.Dir(path), "imapilot.key"): "a key"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, diags := config.Load(path)
	for _, d := range diags {
		t.Error(d.Format(false))
	}
	if cfg == nil {
		return
	}
	for _, r := range ruletest.Run(cfg.Rules, cfg.Tests).Results {
		if !r.Pass {
			t.Errorf("%s: %s", r.Case.Name, r.Detail)
		}
	}
}

// TestReadmeLinks: what the page points at is there.
func TestReadmeLinks(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\]\(([a-zA-Z][^):#]*)\)`).FindAllSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join("..", string(m[1]))); err != nil {
			t.Error(err)
		}
	}
}
