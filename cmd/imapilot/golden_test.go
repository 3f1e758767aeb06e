package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden holds what explanations look like. Each archive of
// testdata/explain has a command line in its first line, and the files that it
// is about; the golden beside it is the screen. What a screen must say, whoever
// changes its looks, stands here: the message, the rule, the part that decided
// and its value.
func TestGolden(t *testing.T) {
	says := map[string][]string{
		"matched":           {"digest.eml", "matched    newsletters", `=> true      list.id != ""`, `list.id is "go.example.org"`, "1. add_flags: [\\Seen]", "2. move: Lists/go"},
		"one-differs":       {"bill.eml", "no         invoices", `=> false     from.domain in ["stripe.com", "hetzner.com"]`, `from.domain is "stripe.example"`, "no rule matched"},
		"second-of-or":      {"alert.eml", "matched    alerts", `=> true      has(subject, "down", "failed")`, `subject is "Backup failed on db1"`},
		"not":               {"offer.eml", "no         strangers", "=> true          to_me"},
		"error":             {"nested.eml", "error      papers", "=> error", "the message has more than 500 parts, or parts nested more than", "what is in them is not known"},
		"journal":           {"again.eml", "matched    twice", "=> true      duplicate", "taken as a duplicate", `"twice" matched, and says stop; by itself it would`},
		"stopped":           {"boss.eml", "matched    people who matter", `from.address is "boss@example.org"`, `not asked  newsletters: "people who matter" matched, and says stop`},
		"superseded":        {"release.eml", `move: Releases (not done: "lists" takes the message away already)`, `1. add_flags: [$Release], by rule "releases"`, "2. move: Lists/go"},
		"define":            {"ann.eml", "matched    people", "vip, which stands for:", `=> true      in_list(from.address, "vips")`, `from.address is "ann@example.org"`},
		"any":               {"office.eml", "matched    office", `=> true    any(recipients, .local == "office")`, `recipients is ["me@example.org", "office@example.org"]`},
		"truncated":         {"long.eml", "no         parcels", `=> false   body.text contains "tracking number"`, "rules see only the first", "1 KiB of it"},
		"wrong-mailbox":     {"digest.eml", "no rule looks at Archive", "not asked  newsletters: it looks only at INBOX, Lists/*"},
		"check-unreachable": {"rules.yaml:10:11: error:", "can never be reached", `"bulk"`},
		"check-circle":      {"rules.yaml:9:11: error:", "in a circle", `"out" moves to Archive,`, `"back" moves to INBOX`},
		"check-test":        {"rules.yaml:10", `rule "invoices" did not match`, `=> false   has(subject, "invoice", "receipt")`, `subject is "Your bill"`},
		"dry-run":           {"letter.eml", "nothing, because dry_run is on", `remove_flags: [$Greeting], by rule "no greetings"`, "greetings\" changes the same flags back later", "copy: INBOX (nothing to do: the message is there already)"},
		"eval":              {"letter.eml", "false", `=> false     from.domain == "a.org"`, `from.domain is "b.org"`},
		"eval-problem":      {"expression:1:1: error:", "^^^^^^", "did you mean subject?"},
		"rules":             {"newsletters", "arrival", "INBOX", "body", "move:"},
		"rules-needs":       {"newsletters", "From, List-Id", "the text of its body", "UNFLAGGED", "not searched"},
		"rules-graph":       {"INBOX", "--> Archive", "Circle:"},
		"many":              {"letter.eml", `21 rules, from "r01" to "r21"`, "matched    hello", `3 rules, from "r23" to "r25"`},
		"hostile":           {"hostile.eml", `\x1b[2J`, `\u202e`},
	}
	archives, err := filepath.Glob("testdata/explain/*.txtar")
	if err != nil || len(archives) != len(says) {
		t.Fatalf("%d archives, %d of which it is known what they say, %v", len(archives), len(says), err)
	}
	for _, path := range archives {
		path, err := filepath.Abs(path) // each runs in a folder of its own
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			got := screenOf(t, path)
			golden(t, strings.TrimSuffix(path, ".txtar")+".golden", got)
			for _, part := range says[name] {
				if !strings.Contains(got, part) {
					t.Errorf("it does not say %s:\n%s", part, got)
				}
			}
			fits(t, got)
			understood(t, got)
		})
	}
}

// screenOf runs the command line of an archive.
func screenOf(t *testing.T, path string) string {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("IMAPILOT_CONFIG", "")
	command := strings.TrimSpace(string(archive.Comment))
	var out strings.Builder
	code := run(t.Context(), words(command), strings.NewReader(""), &out, &out)
	return fmt.Sprintf("$ imapilot %s\n%s[exit code %d]\n", command, out.String(), code)
}

// words splits a command line as a shell does, with single quotes.
func words(line string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		out = append(out, m[1]+m[2])
	}
	return out
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%v; go test -update writes it anew. got\n%s\nwant\n%s", err, got, want)
	}
}

// fits holds a screen to 80 columns. A word that is longer may stand alone.
func fits(t *testing.T, screen string) {
	t.Helper()
	for i, line := range strings.Split(screen, "\n") {
		if i > 0 && utf8.RuneCountInString(line) > screenWidth && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("line %d has %d columns: %s", i+1, utf8.RuneCountInString(line), line)
		}
	}
}

// understood holds a screen to words that a user knows.
func understood(t *testing.T, screen string) {
	t.Helper()
	for _, word := range []string{"stage", "walk", "leaf", "node", "predicate", "supersede", "pushed", "candidate", "verdict", "nil", "skeleton", "snapshot", "<nil>"} {
		if regexp.MustCompile(`(?i)\b` + word).MatchString(screen) {
			t.Errorf("%q is a word of the program:\n%s", word, screen)
		}
	}
}
