package smtp

import "fmt"

// Reason is why a message is neither forwarded nor answered.
type Reason string

// The reasons.
const (
	// Loop: the message was made here, for the same account.
	Loop Reason = "loop"
	// Hops: it went through too many hands.
	Hops Reason = "hops"
	// TooBig: it is over [MaxMessage].
	TooBig Reason = "too big"
	// NoSender: it says nobody who could be answered, or that nobody is to be.
	NoSender Reason = "no sender"
	// Own: it is from the account itself.
	Own Reason = "own"
	// NotAddressed: it names none of the account's addresses as a recipient.
	NotAddressed Reason = "not addressed"
	// Automatic: a program sent it, or it went to many.
	Automatic Reason = "automatic"
)

// Refusal is the error of a builder for a message that is not to be forwarded
// or answered. It is final: the same message is refused again.
type Refusal struct {
	Reason Reason
	// Text is for a person, without control characters.
	Text string
}

func (r *Refusal) Error() string { return r.Text }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Text: fmt.Sprintf(format, args...)}
}
