package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
)

// TestHintOf: what is said fits how the endpoint is configured.
func TestHintOf(t *testing.T) {
	unset := webhook.Result{Err: fmt.Errorf("the header X-Key: %w", errors.New("the secret from environment variable K cannot be read: it is not set"))}
	refused := webhook.Result{Status: 401, Err: errors.New("the receiver answered 401 Unauthorized")}
	header := config.Webhook{Headers: []config.Header{{Name: "Authorization", Value: config.LiteralSecret("x")}}}
	for _, tt := range []struct {
		hook   config.Webhook
		result webhook.Result
		says   string
	}{
		{config.Webhook{}, unset, "nothing was sent"},
		{config.Webhook{}, refused, "the header that it wants"},
		{header, refused, "does not believe the signature, the header"},
		{config.Webhook{}, webhook.Result{Status: 200}, ""},
	} {
		if got := hintOf(tt.hook, tt.result); !strings.Contains(got, tt.says) || (got == "") != (tt.says == "") {
			t.Errorf("%v: %q, want %q", tt.result.Err, got, tt.says)
		}
	}
}
