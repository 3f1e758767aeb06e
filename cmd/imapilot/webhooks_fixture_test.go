package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"testing"
	"time"

	"imapilot/engine/journal"
)

const webhooksConfig = `
state: state.db
accounts:
  home: {host: imap.example.org, username: me@example.org, password: {env: NONE}}
  work: {host: imap.example.com, username: me@example.com, password: {env: NONE}}
webhooks:
  ci: {url: "%s/hush?token=hush"}
  chat-of-the-team: {url: "https://user:hush@chat.example.org/hush", secret: {env: NONE}}
rules:
  - {name: builds, if: 'has(subject, "failed")', then: [{webhook: ci}]}
`

// before is some time ago. What is finished may not be older than 90 days.
func before(d time.Duration) time.Time { return time.Now().Truncate(time.Second).Add(-d) }

// fixtureCall is a call that was recorded n hours ago.
func fixtureCall(n int, state journal.DeliveryState, change func(*journal.Delivery)) journal.Delivery {
	at := before(time.Duration(n) * time.Hour)
	d := journal.Delivery{
		ID: fmt.Sprintf("msg_%08xa06b54a5a06b54a5%08x", 0xa06b54a5+n*0x1111111, n), Account: "home", Endpoint: "ci", Rule: "builds", Seq: 3,
		About: "INBOX 17 4703", State: state, Attempts: 1, Created: at, Next: at, Updated: at,
		Payload: []byte(`{"version":1,"subject":"Build 4711 ` + "\u202e" + `failed","flags":[]}`),
	}
	change(&d)
	return d
}

// fixtureCalls has a call in each state, and some more.
func fixtureCalls() []journal.Delivery {
	failed := func(d *journal.Delivery, tries, status int, text string) {
		d.Attempts, d.LastStatus, d.LastError = tries, status, text
	}
	none := func(d *journal.Delivery) { d.Attempts = 0 }
	return []journal.Delivery{
		fixtureCall(1, journal.Pending, func(d *journal.Delivery) {
			failed(d, 4, 503, "the receiver answered 503 Service Unavailable")
			d.Next = before(-5 * time.Minute)
		}),
		fixtureCall(2, journal.Pending, none),
		fixtureCall(3, journal.Waiting, func(d *journal.Delivery) { d.Attempts, d.Endpoint, d.Seq = 0, "chat-of-the-team", 99 }),
		fixtureCall(4, journal.Dead, func(d *journal.Delivery) {
			failed(d, 3, 404, "the receiver answered 404 Not Found")
			d.Restarted = 2
			d.URL = map[string]string{"size": "5", "list.name": "\x1b[2Jgo"}
		}),
		fixtureCall(5, journal.Dead, func(d *journal.Delivery) {
			failed(d, 4, 0, "dial tcp 127.0.0.1:1: connect: connection refused")
			d.Rule, d.Endpoint, d.Payload = "日本語の規則で、とても長い名前があります", "old", []byte("text=\x1b[2J\xff\nnext line")
		}),
		fixtureCall(6, journal.Delivered, func(d *journal.Delivery) { d.LastStatus, d.Rule, d.Seq = 204, "E\x1b[2J\u202e", 0 }),
		fixtureCall(7, journal.Cancelled, none),
	}
}

func fixtureAttempts(all []journal.Delivery) []journal.Attempt {
	hostile := "<h1>Oops</h1> \x1b[2J\u202e and much more of this text, which is broken where the screen ends"
	return []journal.Attempt{
		{ID: all[3].ID, N: 1, At: before(6 * time.Hour), Took: 231 * time.Millisecond, Status: 500, Error: "the receiver answered 500 Internal Server Error", Answer: hostile},
		{ID: all[3].ID, N: 3, At: before(4 * time.Hour), Took: 15 * time.Second, Status: 404, Error: "the receiver answered 404 Not Found"},
		{ID: all[4].ID, N: 4, At: before(5 * time.Hour), Took: 3 * time.Millisecond, Error: all[4].LastError},
		{ID: all[5].ID, N: 1, At: before(6 * time.Hour), Took: 90 * time.Millisecond, Status: 204},
	}
}

// webhooksFolder makes the working folder one with a configuration and a journal.
// The endpoint ci is at a URL.
func webhooksFolder(t *testing.T, url string) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("IMAPILOT_CONFIG", "")
	t.Setenv("NO_COLOR", "1")
	if err := os.WriteFile("imapilot.yaml", fmt.Appendf(nil, webhooksConfig, url), 0o600); err != nil {
		t.Fatal(err)
	}
	calls := fixtureCalls()
	owed := calls[5] // before it was delivered
	owed.State, owed.Attempts = journal.Pending, 0
	recordIn(t, "home", journal.Batch{Deliveries: []journal.Delivery{owed}, Raws: []journal.Raw{{ID: owed.ID, Data: make([]byte, 5<<20)}}})
	recordIn(t, "home", journal.Batch{
		Entries: historyEntries(), Deliveries: calls, Attempts: fixtureAttempts(calls), Raws: []journal.Raw{{ID: calls[3].ID, Data: make([]byte, 12_595)}},
	})
	theirs := calls[5]
	theirs.ID, theirs.Account, theirs.Rule = "msg_feedfeedfeedfeedfeedfeedfeedfeed", "work", "builds"
	recordIn(t, "work", journal.Batch{Deliveries: []journal.Delivery{theirs}})
}

// fingerprint is by which the journal knows a URL.
func fingerprint(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:8])
}

// refusing makes ci an endpoint that said that it wants no more calls.
func refusing(t *testing.T, url string) {
	t.Helper()
	for _, account := range []string{"home", "work"} {
		recordIn(t, account, journal.Batch{Disabled: []journal.Disabled{{
			Endpoint: "ci", URL: fingerprint(url + "/hush?token=hush"), Since: before(2 * time.Hour), Reason: "the receiver answered 410 Gone",
		}}})
	}
}
