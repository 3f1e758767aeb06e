package config

import (
	"os"
	"regexp"
	"testing"

	"imapilot/actions"
)

// TestEachActionHasADiagnostic: the golden file of actions.yaml shows, for each
// action, what is said where it is written wrongly.
func TestEachActionHasADiagnostic(t *testing.T) {
	golden, err := os.ReadFile("testdata/actions.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range actions.Table() {
		if !regexp.MustCompile(`(?m)^testdata/actions\.yaml:\d+:\d+: error: .*\n +\d+ \| +- ` + string(s.Kind) + `: `).Match(golden) {
			t.Errorf("no diagnostic of %s", s.Kind)
		}
	}
}
