package imapsession

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// Error is every error of this package.
type Error struct {
	// Op is the command ("SELECT", "UID COPY"), or "CONNECT", "TLS", "GREETING".
	Op string
	// Subject is the mailbox or the host that the error concerns.
	Subject string
	// Status is "NO", "BAD", "BYE", or "OK" for an OK that is not plain
	// success; empty when the server did not answer.
	Status string
	// Code is the response code without its arguments, in upper case.
	Code string
	// Text is what the server said: printable, at most 200 bytes.
	Text  string
	Class Class
	// Unknown is set when the command was sent and it is not known whether it
	// took effect.
	Unknown bool
	// RetryAfter is how long the server asks to wait; 0 when it did not say.
	RetryAfter time.Duration
	// Limit is how many messages one command may name, as MESSAGELIMIT tells
	// (RFC 9738); 0 when the server did not say.
	Limit int
	// lowest is the lowest UID that was dealt with, as MESSAGELIMIT tells.
	lowest imap.UID
	// Err is what went wrong where the server did not answer.
	Err error
}

// Class says what an error asks of the caller.
type Class int

// The classes.
const (
	// Connection: this session is over, connect again.
	Connection Class = iota
	// Auth: the server refuses this user or this password.
	Auth
	// Throttled: the server asks for less; see RetryAfter.
	Throttled
	// Message: it lies with the messages named in the command.
	Message
	// TryAgain: temporary, the same command may succeed later.
	TryAgain
	// Target: it lies with the mailbox or the account (quota, permission,
	// existence), whatever the message.
	Target
	// Limit: too much at once, a smaller batch may succeed.
	Limit
	// Bad: the server did not understand the command, or it cannot be sent.
	Bad
	// Config: the configuration or the certificate must change.
	Config
	// Expunged: messages that the command names are gone, and the session does
	// not know it yet: NOOP, then again.
	Expunged
)

// String names the class in lower case.
func (c Class) String() string {
	names := [...]string{"connection", "auth", "throttled", "message", "try again", "target", "limit", "bad", "config", "expunged"}
	if c < 0 || int(c) >= len(names) {
		return fmt.Sprintf("class %d", int(c))
	}
	return names[c]
}

// Error reads "UID COPY Archive: NO [OVERQUOTA] Quota exceeded".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		b.WriteString(" " + e.Subject)
	}
	b.WriteString(":")
	if e.Status != "" {
		b.WriteString(" " + e.Status)
	}
	if e.Code != "" {
		b.WriteString(" [" + e.Code + "]")
	}
	if e.Text != "" {
		b.WriteString(" " + e.Text)
	}
	if e.Err != nil {
		b.WriteString(" " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

const maxText = 200

// printable makes a server's text safe to show: one line, no control or
// direction characters, at most maxText bytes.
func printable(text string) string {
	if len(text) > 4*maxText {
		text = text[:4*maxText]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return '?'
		}
		return r
	}, text)
	for len(text) > maxText {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	return strings.TrimSpace(text)
}
