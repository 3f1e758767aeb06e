package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
)

// SampleRule is the rule that a sample names.
const SampleRule = "test"

// Sample is a call that is made for a test, and what came of it. The journal knows
// nothing of it.
type Sample struct {
	ID     string
	At     time.Time
	Took   time.Duration
	Result webhook.Result
}

// CallSample makes one call with a document of no message to an endpoint, signed
// as any other, with an ID of its own. It is not tried again. Each expression in its
// URL has the value "test".
func CallSample(ctx context.Context, by Sender, hook config.Webhook, account string) Sample {
	s := Sample{ID: sampleID(), At: time.Now()}
	to, err := NewCaller(ctx, hook)
	if err != nil {
		s.Result.Err = err
		return s
	}
	endpoint, body, err := to.Request(webhook.Payload(sampleOf(s, hook.Name, account)), sampleValues(hook))
	if err != nil {
		s.Result.Err = err
		return s
	}
	s.Result = to.Settle(by.Send(ctx, endpoint, s.ID, s.At, body))
	s.Took = time.Since(s.At)
	return s
}

func sampleValues(hook config.Webhook) map[string]string {
	out := map[string]string{}
	for _, p := range hook.Template() {
		if p.Value {
			out[p.Text] = SampleRule
		}
	}
	return out
}

func sampleID() string {
	var raw [16]byte
	rand.Read(raw[:])
	return "msg_" + hex.EncodeToString(raw[:])
}

func sampleOf(s Sample, endpoint, account string) webhook.Message {
	from := webhook.Address{Name: "imapilot", Address: "imapilot@example.org"}
	return webhook.Message{
		ID: s.ID, Rule: SampleRule, Account: account, Mailbox: "INBOX", UIDValidity: 1, UID: 1,
		From: []webhook.Address{from}, To: []webhook.Address{from}, Subject: "A test by imapilot webhooks test",
		Sent: s.At, Received: s.At, MessageID: "<" + s.ID + "@imapilot.example.org>", Size: 1024,
		Planned: []string{"webhook: " + endpoint},
	}
}
