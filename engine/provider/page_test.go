package provider

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite PROVIDERS.md")

// TestPageOfProviders keeps the page that people read true to the table.
func TestPageOfProviders(t *testing.T) {
	const path = "PROVIDERS.md"
	want := page()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not the table: run go test ./engine/provider -update (%v)", path, err)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString("# What is known of providers\n\n" +
		"Generated from the table of this package: go test ./engine/provider -update\n\n" +
		"A server is known by what it announces, how it introduces itself (ID), its greeting or its host, in this order. " +
		"None of this is a promise of theirs, unless it says \"documented\"; what is not here, a server tells itself or shows by what it refuses.\n")
	for _, r := range table() {
		p := r.profile
		fmt.Fprintf(&b, "\n## %s\n\nKnown by %s.\n\n| | what it does | what is done about it | source |\n|---|---|---|---|\n", p.Name, knownBy(r))
		for _, q := range p.Quirks {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", q.Name, strings.ReplaceAll(q.Does, `\`, `\\`), q.Duty, q.Source)
		}
	}
	return b.String()
}

// knownBy says by what a server of a row is known.
func knownBy(r row) string {
	var out []string
	for _, c := range []struct {
		what  string
		words []string
	}{{"the capability", r.caps}, {"an ID that begins with", r.ids}, {"a greeting with", r.greetings}, {"the host", r.hosts}} {
		if len(c.words) > 0 {
			out = append(out, c.what+" `"+strings.Join(c.words, "`, `")+"`")
		}
	}
	return strings.Join(out, "; ")
}
