package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/journal"
)

const pacedConfig = `
state: state.db
accounts:
  home: {host: imap.example.org, username: me@example.org, password: {env: NONE}}
webhooks:
  daily: {url: "https://hooks.example.org/", digest: 24h}
  phone: {url: "https://hooks.example.org/", quiet_hours: "00:00-23:00"}
  often: {url: "https://hooks.example.org/", rate_limit: {per_rule: 1/h}}
  ci: {url: "https://hooks.example.org/hush?token=hush"}
rules: []
`

// pacedFolder has a call of each kind that is not made at once: b1 gathers, b2 was
// gathered into b3, quiet hours hold b4 back, a limit b5, b6 is owed to an
// endpoint that wants no more, and b7 was given up.
func pacedFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("IMAPILOT_CONFIG", "")
	t.Setenv("NO_COLOR", "1")
	if err := os.WriteFile("imapilot.yaml", []byte(pacedConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	call := func(n int, endpoint string, change func(*journal.Delivery)) journal.Delivery {
		return fixtureCall(n, journal.Pending, func(d *journal.Delivery) {
			d.ID, d.Endpoint, d.Attempts = fmt.Sprintf("msg_b%d%030d", n, 0), endpoint, 0
			d.About = fmt.Sprintf("INBOX 17 %d", n)
			change(d)
		})
	}
	held := func(why string) func(*journal.Delivery) {
		return func(d *journal.Delivery) { d.Held, d.Next = why, before(-2*time.Hour) }
	}
	recordIn(t, "home", journal.Batch{Entries: historyEntries(), Deliveries: []journal.Delivery{
		call(1, "daily", func(*journal.Delivery) {}),
		call(2, "daily", func(d *journal.Delivery) { d.State, d.Digest = journal.Gathered, fmt.Sprintf("msg_b3%030d", 0) }),
		call(3, "daily", func(d *journal.Delivery) {
			d.State, d.Attempts, d.LastStatus, d.Seq, d.About, d.Rule = journal.Delivered, 1, 200, 0, "", ""
		}),
		call(4, "phone", held(journal.HeldByQuietHours)),
		call(5, "often", held(journal.HeldByRate)),
		call(6, "ci", func(d *journal.Delivery) {
			d.Attempts, d.LastStatus, d.LastError = 1, 410, "the receiver answered 410 Gone"
		}),
		call(7, "often", func(d *journal.Delivery) { d.State, d.Attempts, d.LastStatus = journal.Dead, 9, 503 }),
	}})
	recordIn(t, "home", journal.Batch{Disabled: []journal.Disabled{{
		Endpoint: "ci", URL: fingerprint("https://hooks.example.org/hush?token=hush"), Since: before(2 * time.Hour), Reason: "the receiver answered 410 Gone",
	}}})
}

// TestPacedGolden holds what is said of calls that are not made at once: why, when,
// and no command that would not help.
func TestPacedGolden(t *testing.T) {
	for name, line := range map[string]string{
		"paced-list": "webhooks list --all", "paced-status": "status", "paced-json": "webhooks list --all --json", "paced-status-json": "status --json",
		"paced-show-gathering": "webhooks show b100", "paced-show-gathered": "webhooks show b200", "paced-show-quiet": "webhooks show b400",
		"paced-show-rate": "webhooks show b500", "paced-history": "history home/3", "paced-replay": "webhooks replay --account home",
	} {
		t.Run(name, func(t *testing.T) {
			path, err := filepath.Abs("testdata/webhooks/" + name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				pacedFolder(t)
				t.Setenv("COLUMNS", "80")
				out, code := said(t, line)
				got := fmt.Sprintf("$ imapilot %s\n%s[exit code %d]\n", line, out, code)
				golden(t, path, got)
				if !strings.Contains(line, "--json") {
					fitsCells(t, got, 80)
				}
				if strings.Contains(got, "hush") {
					t.Errorf("it shows what it must not:\n%s", got)
				}
			})
		})
	}
}

// TestFirstOf: a list that is cut says so.
func TestFirstOf(t *testing.T) {
	names := []string{"a", "b", "c"}
	for most, want := range map[int]string{2: "a, b and 1 more", 3: "a, b, c", 4: "a, b, c"} {
		if got := firstOf(names, most); got != want {
			t.Errorf("%d: %s, want %s", most, got, want)
		}
	}
}

// TestPacedReplay leaves what a digest gathers as it is: made due again it would
// come later than it was to.
func TestPacedReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pacedFolder(t)
		was, _ := said(t, "webhooks list --endpoint daily --json")
		for _, words := range []string{"--endpoint daily", "b100"} {
			out, code := said(t, "webhooks replay "+words)
			if code != exitOK || out != "1 call is left as it is: a digest or a debounce gathers it.\n" {
				t.Errorf("%s: exit code %d, %s", words, code, out)
			}
		}
		if is, _ := said(t, "webhooks list --endpoint daily --json"); is != was {
			t.Errorf("it was changed:\n%s\n%s", was, is)
		}
	})
}
