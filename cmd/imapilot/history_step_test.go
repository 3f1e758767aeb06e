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
				{Action: &run, Delivery: "1", State: journal.Recorded}, {Action: &actions.Action{Kind: actions.Trash}, State: journal.Recorded},
			}}}
			r.paused = &journal.Pause{Target: "INBOX", Reason: "for other steps"}
			if got := whatOf(r, time.UTC); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		}
	})
}

// TestHistoryOfALetter says what holds it back, and why none was sent.
func TestHistoryOfALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := journal.Step{Action: &actions.Action{Kind: actions.Reply, Letter: &actions.Letter{Text: "Thanks"}}, Delivery: "1", State: journal.Recorded}
		later := time.Now().Add(5 * time.Minute)
		for want, d := range map[string]journal.Delivery{
			`waits for reply: "Thanks": held back by mail server: logging in: no; made at 00:05:00 (in 5 min)`: {
				ID: "1", Endpoint: "reply", State: journal.Pending, Held: journal.HeldByServer, LastError: "logging in: no", Next: later},
			`waits for reply: "Thanks": held back by rate limit: 200 messages; made at 00:05:00 (in 5 min)`: {
				ID: "1", Endpoint: "reply", State: journal.Pending, Held: journal.HeldByRate, LastError: "200 messages", Next: later},
			`waits for reply: "Thanks": delivered (1 try)`: {ID: "1", Endpoint: "reply", State: journal.Delivered, Attempts: 1, LastStatus: 250},
		} {
			r := record{webhooks: []journal.Delivery{d}, Entry: journal.Entry{State: journal.Open, Steps: []journal.Step{answer}}}
			if got := whatOf(r, time.UTC); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		}
		answer.State, answer.Error = journal.StepDone, "not answered: it is a list"
		if got := whatOf(record{Entry: journal.Entry{State: journal.Done, Steps: []journal.Step{answer}}}, time.UTC); got != `reply: "Thanks" (not answered: it is a list)` {
			t.Error(got)
		}
	})
}

// TestStatusOfLettersThatAreHeld shows the reason, which one of them has and the others
// wait for.
func TestStatusOfLettersThatAreHeld(t *testing.T) {
	waits := journal.Delivery{ID: "1", Endpoint: "forward", State: journal.Pending}
	held := journal.Delivery{ID: "2", Endpoint: "forward", State: journal.Pending, Held: journal.HeldByServer, LastError: "no", Next: time.Now().Add(time.Hour)}
	got := byWebhook("home", []journal.Delivery{waits, waits, held}, nil)
	if len(got) != 1 || got[0].Pending != 3 || got[0].Held != journal.HeldByServer || got[0].LastError != "no" {
		t.Errorf("%+v", got)
	}
}
