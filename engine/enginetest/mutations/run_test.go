package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerdicts compiles and runs mutations of a module of two lines: one that is
// noticed, and each of those that prove nothing.
func TestVerdicts(t *testing.T) {
	tree, work := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module two\n\ngo 1.26\n",
		"two.go": "package two\n\nfunc two() int {\n\treturn 2\n}\n",
		"two_test.go": "package two\n\nimport \"testing\"\n\n" +
			"func TestTwo(t *testing.T) {\n\tif two() != 2 {\n\t\tt.Error(\"not two\")\n\t}\n}\n\n" +
			"func TestNothing(*testing.T) { two() }\n\nfunc TestRed(t *testing.T) { t.Error(\"always\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, old, now, test, want string }{
		{"red", "\treturn 2", "\treturn 3", "^TestTwo$", ""},
		{"green", "\treturn 2", "\treturn 3", "^TestNothing$", "GREEN: no test noticed"},
		{"no test", "\treturn 2", "\treturn 3", "^TestThree$", "there is no such test"},
		{"red before", "\treturn 2", "\treturn 3", "^TestRed$", "the test fails without the mutation"},
		{"moved on", "\treturn 4", "\treturn 3", "^TestTwo$", "does not apply"},
		{"no Go", "\treturn 2", "\treturn", "^TestTwo$", "does not compile"},
		{"crash", "\treturn 2", "\tpanic(2)", "^TestTwo$", "cut off"},
		{"hangs", "\treturn 2", "\tfor {\n\t}", "^TestTwo$", "cut off"},
	} {
		m := mutation{name: strings.ReplaceAll(c.name, " ", ""), safeguard: c.name, folder: ".", pattern: c.test,
			changes: []change{{file: "two.go", before: []string{c.old}, after: strings.Split(c.now, "\n")}}}
		limit := "1m"
		if c.name == "hangs" {
			limit = "1s"
		}
		_, err := runner{root: tree, work: work, limit: limit}.check(context.Background(), m)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
