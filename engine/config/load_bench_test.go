package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkLoad loads what a user has who made a rule for each sender.
func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(home+senderRules(500)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if cfg, diags := Load(path); cfg == nil {
			b.Fatal(diags)
		}
	}
}

// senderRules are n rules, of which half move and half set a flag.
func senderRules(n int) string {
	var out strings.Builder
	out.WriteString("rules:\n")
	for i := range n {
		action := fmt.Sprintf("move: Bench/%d", i)
		if i%2 == 0 {
			action = fmt.Sprintf("add_flags: ['$Bench%d']", i)
		}
		fmt.Fprintf(&out, "  - name: rule %d\n    if: from.address == \"sender%d@example.org\"\n    then:\n      - %s\n    max_messages: 1000000\n", i, i, action)
	}
	return out.String()
}
