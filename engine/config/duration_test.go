package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1m30s": 90 * time.Second, "1.5h": 90 * time.Minute, "12h": 12 * time.Hour, "0s": 0,
		"30d": 30 * day, "2w": 14 * day, "36500d": maxLong, "5214w": 5214 * week, "876000h": maxLong,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%q: %v, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "d", "w", "1.5d", "-1d", "+1d", "1d12h", "1 d", "36501d", "5215w", "4294967296w", "1y", "1D", "0x1d", "1_0d", "soon"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestSpell(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "1m": time.Minute, "20m": 20 * time.Minute, "1m30s": 90 * time.Second, "10h": 10 * time.Hour,
		"1h30m": 90 * time.Minute, "24h": day, "25h": 25 * time.Hour, "2d": 2 * day, "366d": 366 * day, "36500d": maxLong,
	} {
		if got := spell(d); got != want {
			t.Errorf("%v is spelled %q, want %q", d, got, want)
		}
	}
}

// TestHintsOfTimesAreTaken: for a number without a unit, each key that takes a time
// offers what it takes, and not what it would refuse next.
func TestHintsOfTimesAreTaken(t *testing.T) {
	account := func(key string) string {
		return "accounts: {home: {host: h.example, username: u, password: {env: P}, " + key + ": %s}}\nrules: [{name: r, if: seen, then: [trash]}]\n"
	}
	rule := func(r string) string { return home + "rules: [{name: r, if: seen, " + r + "}]\n" }
	first, last := regexp.MustCompile(`^write (?:a time from \S+ to \S+, as in )?(\w+)`), regexp.MustCompile(`(\w+)$`)
	for key, text := range map[string]string{
		"poll": account("poll"), "idle": account("idle"), "stale_after of an account": account("stale_after"),
		"stale_after": "stale_after: %s\n" + rule("then: [trash]"),
		"jitter":      rule("on: {cron: '@daily', jitter: %s}, then: [trash]"),
		"repeat":      rule("on: {cron: '@daily'}, repeat: %s, then: [trash]"),
		"snooze":      rule("then: [{snooze: {for: %s}}]"),
		"after":       home + "retention: [{in: [Old], after: %s}]\n",
		"every":       "smtp: {host: h.example, from: me@example.org}\n" + rule("then: [{reply: {body: x, every: %s}}]"),
		"timeout":     "allow: exec\n" + rule("then: [{exec: {command: [/bin/true], timeout: %s}}]"),
		"debounce":    "webhooks: {w: {url: 'http://localhost/', debounce: %s}}\n" + rule("then: [{webhook: w}]"),
	} {
		for _, number := range []string{"0", "1", "60", "100", "4000", "99999999"} {
			hint := hintOf(t, fmt.Sprintf(text, number), "this number has no unit")
			for _, offer := range [][]string{first.FindStringSubmatch(hint), last.FindStringSubmatch(hint)} {
				if offer == nil {
					t.Fatalf("%s: %s: the hint %q offers nothing", key, number, hint)
				}
				if again := hintOf(t, fmt.Sprintf(text, offer[1]), "this must be a time"); again != "" {
					t.Errorf("%s: %s: %q is offered (%s), and refused: %s", key, number, offer[1], hint, again)
				}
			}
		}
	}
}

// hintOf is the hint of the problem with a message that begins so, "" without one.
func hintOf(t *testing.T, text, message string) string {
	t.Helper()
	_, diags := Load(filepath.Join(folder(t, map[string]string{"c.yaml": text}), "c.yaml"))
	for _, d := range diags {
		if strings.HasPrefix(d.Message, message) {
			return d.Hint
		}
	}
	return ""
}

// What is read is within its limit, means the number that is written, and is
// read again as it is spelled.
func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"30d", "2w", "12h", "90s", "1m30s", "99999999999999999999w", "-1d", "d", "5214w", "1e3d", "١d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		long, isLong := parseLong(text)
		if isLong && (long < 0 || long > maxLong || strings.Trim(text[:len(text)-1], "0123456789") != "") {
			t.Fatalf("%q is taken for %v", text, long)
		}
		d, ok := parseDuration(text)
		if isLong && (!ok || d != long) {
			t.Fatalf("%q is %v and %v", text, long, d)
		}
		if !ok || d < 0 {
			return
		}
		if again, ok := parseDuration(spell(d)); !ok || again != d {
			t.Fatalf("%q is %v, spelled %q, which is %v", text, d, spell(d), again)
		}
	})
}
