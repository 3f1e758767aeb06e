package engine

import (
	"fmt"
	"time"

	"imapilot/engine/journal"
)

const (
	// hopLimit is how often imapilot moves one message within hopWindow. Each
	// rule moves a message once, and none that the user moved back, so that it
	// takes as many rules, or a server on which our copies cannot be told, to get
	// there. Five leave room for a chain of rules over several mailboxes, and are
	// few enough that nobody's mail wanders for long.
	hopLimit  = 5
	hopWindow = 24 * time.Hour
)

// movesOf counts the moves of one entry since then.
func movesOf(e journal.Entry, since time.Time) int {
	n := 0
	for _, s := range e.Steps {
		if isDone(s) && s.Action.Kind.Spec().Destination && s.At.After(since) {
			n++
		}
	}
	return n
}

// tooManyHops says why a message that imapilot moved so many times lately is
// held instead of moved again, "" if it is not.
func tooManyHops(hops int) string {
	if hops < hopLimit {
		return ""
	}
	return fmt.Sprintf("imapilot moved this message %d times within 24 hours, and each time it left again: another program, or a filter of the server, seems to move it as well. "+
		"It stays where it is. Stop the one or the other, then run 'imapilot confirm' to move it once more, or 'imapilot skip' to leave it", hops)
}
