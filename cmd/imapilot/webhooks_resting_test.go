package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/control"
	"imapilot/engine/journal"
)

// What is due and whose endpoint rests, as the daemon says, is not said to be made now.
func TestWebhooksListTellsWhoRests(t *testing.T) {
	webhooksFolder(t, exampleURL)
	recordIn(t, "home", journal.Batch{Deliveries: []journal.Delivery{
		{ID: "msg_ci", Endpoint: "ci", Rule: "builds", State: journal.Pending, Created: time.Now(), Next: time.Now(), Payload: []byte("{}")},
		{ID: "msg_chat", Endpoint: "chat-of-the-team", Rule: "builds", State: journal.Pending, Created: time.Now(), Next: time.Now(), Payload: []byte("{}")},
	}})
	if out, _ := said(t, "webhooks list --endpoint ci"); strings.Contains(out, "rests") || !strings.Contains(out, " now ") {
		t.Errorf("without a daemon:\n%s", out)
	}
	until := time.Now().Add(time.Minute).UTC()
	status := engine.Status{Accounts: []engine.AccountStatus{{Name: "home", Resting: []engine.Resting{{Endpoint: "ci", Until: until}, {Endpoint: "chat-of-the-team", Until: time.Now()}}}}}
	listener, err := control.Listen("state.db.sock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- control.Serve(ctx, listener, map[string]control.Handler{"status": func(context.Context, json.RawMessage) (any, error) { return status, nil }})
	}()
	defer func() {
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	out, _ := said(t, "webhooks list --endpoint ci")
	if strings.Count(out, "rests until") == 0 || !strings.Contains(out, "rests until "+until.Format(time.TimeOnly)) {
		t.Errorf("with one, until %s:\n%s", until, out)
	}
	if out, _ := said(t, "webhooks list --endpoint chat-of-the-team"); strings.Contains(out, "rests") || !strings.Contains(out, " now ") {
		t.Errorf("whose rest is over:\n%s", out)
	}
}
