package main

import (
	"testing"
	"testing/synctest"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// TestHistoryOfAStepThatLeavesTheMailbox says what the message waits for, and tells of
// the program once.
func TestHistoryOfAStepThatLeavesTheMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := actions.Action{Kind: actions.Exec, Command: &actions.Command{Argv: []string{"/bin/say", "a b"}}}
		for want, d := range map[string]journal.Delivery{
			`waits for exec: /bin/say "a b": not begun yet`: {ID: "1", Endpoint: "exec", State: journal.Pending},
			`waits for exec: /bin/say "a b": under way`:     {ID: "1", Endpoint: "exec", State: journal.Pending, Attempts: 1},
			`waits for exec: /bin/say "a b": waits after 2 tries: it ended with the code 75; again at 00:05:00 (in 5 min)`: {
				ID: "1", Endpoint: "exec", State: journal.Pending, Attempts: 2, LastError: "it ended with the code 75", Next: time.Now().Add(5 * time.Minute)},
			`waits for exec: /bin/say "a b": delivered (1 try)`: {ID: "1", Endpoint: "exec", State: journal.Delivered, Attempts: 1},
		} {
			r := record{webhooks: []journal.Delivery{d}, Entry: journal.Entry{State: journal.Open, Steps: []journal.Step{
				{Action: run, Delivery: "1", State: journal.Recorded}, {Action: actions.Action{Kind: actions.Trash}, State: journal.Recorded},
			}}}
			r.paused = &journal.Pause{Target: "INBOX", Reason: "for other steps"}
			if got := whatOf(r, time.UTC); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		}
	})
}
