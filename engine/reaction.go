package engine

import (
	"errors"
	"fmt"

	"imapilot/engine/imapsession"
)

// reaction is what follows when the server did not simply do what it was asked.
type reaction uint8

const (
	// reconnect ends the connection: the account waits, and connects again.
	reconnect reaction = iota
	// park is reconnect that counts refusals of the user: three in a row let
	// the account rest for hours.
	park
	// slowDown is reconnect after as long as the server asks for, and a minute
	// at least.
	slowDown
	// refresh sends NOOP, by which the server tells what is gone, and then looks
	// or sends again.
	refresh
	// smaller sends the same in smaller batches, for as long as the connection
	// lives; one message that is refused alone has failed for its own reason.
	smaller
	// pauseBriefly pauses the target, or the mailbox, and probes it with one
	// message: after a minute, and then ever less often.
	pauseBriefly
	// pause pauses the target and probes it with one message, at the rhythm of
	// Timing.Probe. No message spends a try.
	pause
	// oneByOne sends each message of a batch alone. One that is refused alone
	// has failed for its own reason: it is tried again, six times over a day.
	oneByOne
	// otherWay is oneByOne where the command is not one that the server
	// announces and does not understand; see fallback.
	otherWay
)

// String is what the generated page says of a reaction.
func (r reaction) String() string {
	return [...]string{
		"connect again, after a delay that grows", "connect again; after three in a row the account is parked",
		"the account waits as long as asked, a minute at least", "NOOP, then again", "smaller batches",
		"pause the target, probe it after a minute and then ever less often",
		"pause the target, probe it with one message", "one message at a time; alone, it is the message's own failure",
		"another way if it was announced, else one message at a time",
	}[r]
}

// reactionTo is the one place where a class of errors becomes a reaction.
func reactionTo(class imapsession.Class) reaction {
	switch class {
	case imapsession.Auth:
		return park
	case imapsession.Throttled:
		return slowDown
	case imapsession.Expunged:
		return refresh
	case imapsession.Limit:
		return smaller
	case imapsession.TryAgain:
		return pauseBriefly
	case imapsession.Target:
		return pause
	case imapsession.Message:
		return oneByOne
	case imapsession.Bad:
		return otherWay
	default: // Connection, Config, and what is not known
		return reconnect
	}
}

// endsConnection reports whether a reaction concerns the whole account.
func (r reaction) endsConnection() bool { return r == reconnect || r == park || r == slowDown }

// worst joins the errors of two steps, of which both were to be taken. It is about
// one mailbox only where both are.
func worst(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case mailboxOnly(a):
		return fmt.Errorf("%w; also: %v", b, a) //nolint:errorlint // what it is, b says
	case mailboxOnly(b):
		return fmt.Errorf("%w; also: %v", a, b) //nolint:errorlint // what it is, a says
	default:
		return fmt.Errorf("%w; also: %w", a, b)
	}
}

// mailboxOnly reports whether an error concerns just the mailbox at hand: the
// server refused one command, and the connection is as good as before. What
// this side would not send is the mailbox's or the message's, too; otherwise an
// error without an answer means that the connection did not outlive it.
func mailboxOnly(err error) bool {
	var e *imapsession.Error
	if !errors.As(err, &e) || reactionTo(e.Class).endsConnection() {
		return false
	}
	return e.Status != "" || e.Class == imapsession.Target || e.Class == imapsession.Message
}
