package engine

import (
	"math/rand/v2"
	"testing"

	"imapilot/engine/imapsession"
)

// firstOf is the first listed mailbox that the configuration calls so.
func firstOf(d directory, name string) (string, bool) {
	for _, e := range d.entries {
		if d.config(e.Name) == name {
			return e.Name, true
		}
	}
	return "", false
}

// TestServerIsTheFirstOfTheName: of many mailboxes as of few, the first one listed is the
// one that a rule means, also where two have one name in the configuration.
func TestServerIsTheFirstOfTheName(t *testing.T) {
	const letters = "ab_/."
	random := rand.New(rand.NewPCG(1, 2))
	name := func() string {
		out := ""
		for range 1 + random.IntN(3) {
			out += string(letters[random.IntN(len(letters))])
		}
		return out
	}
	for range 3000 {
		var entries []imapsession.MailboxInfo
		seen := map[string]bool{}
		for len(entries) < fewEntries+1+random.IntN(4) {
			n := []string{"", "P."}[random.IntN(2)] + name()
			if !seen[n] {
				seen[n], entries = true, append(entries, imapsession.MailboxInfo{Name: n, NonExistent: random.IntN(4) == 0})
			}
		}
		d := newDirectory('.', []string{"", "P."}[random.IntN(2)], entries)
		for _, e := range entries {
			of := d.config(e.Name)
			if want, _ := firstOf(d, of); d.server(of) != want {
				t.Fatalf("prefix %q, %q is %q, want %q in %+v", d.prefix, of, d.server(of), want, entries)
			}
		}
		if of := name(); of != "" {
			if want, listed := firstOf(d, of); listed && d.server(of) != want {
				t.Fatalf("prefix %q, %q is %q, want %q in %+v", d.prefix, of, d.server(of), want, entries)
			}
		}
	}
}
