package actions

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
)

// MessageRef names one message in the selected mailbox and what is known of
// its identity: enough to recognise a copy of it elsewhere.
type MessageRef struct {
	UID imap.UID
	// MessageID is the value of the Message-ID field, "" if it has none.
	MessageID string
	// Received is the INTERNALDATE, which COPY and MOVE preserve
	// (RFC 9051 section 6.4.7).
	Received time.Time
	// Size is RFC822.SIZE.
	Size int64
}

// Can says what the server was seen to support.
type Can struct {
	Move    bool // RFC 6851
	UIDPlus bool // RFC 4315
	// Aside is the mailbox that holds every message anyway, where to expunge one
	// elsewhere is not to remove it from there alone; "" on other servers.
	Aside string
}

// The errors of a transfer that are the message's own.
var (
	// ErrGone: the message is not in its mailbox any more.
	ErrGone = errors.New("the message is not in the mailbox any more")
	// ErrTooLarge: it is larger than what can be carried, or than the target takes.
	ErrTooLarge = errors.New("the message is too large")
)

// Mailbox is the selected mailbox as an action sees it. Every method but Transfer and
// Append is one IMAP command that was answered with a plain OK; anything else is an error.
// None of them falls back to another command.
type Mailbox interface {
	// Can tells what the server supports.
	Can() Can
	// Store adds or removes flags with .SILENT (RFC 9051 section 6.4.6).
	Store(ctx context.Context, uids imap.UIDSet, op imap.StoreFlagsOp, flags []imap.Flag) error
	// Label adds Gmail's labels, or removes them (X-GM-EXT-1).
	Label(ctx context.Context, uids imap.UIDSet, add bool, labels []string) error
	// Copy is UID COPY. The result maps source to target UIDs as far as
	// COPYUID told them, and is nil when the server did not.
	Copy(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error)
	// Move is UID MOVE (RFC 6851). Call it only when Can().Move.
	Move(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error)
	// Expunge is UID EXPUNGE (RFC 4315 section 2.1). Call it only when
	// Can().UIDPlus. There is deliberately no unqualified EXPUNGE.
	Expunge(ctx context.Context, uids imap.UIDSet) error
	// Present returns those of the UIDs that the mailbox still holds.
	Present(ctx context.Context, uids imap.UIDSet) (imap.UIDSet, error)
	// Find looks in target for copies of the messages that are not claimed by
	// another step, and selects the source again. Two sources are never given
	// the same copy.
	Find(ctx context.Context, target string, refs []MessageRef) (map[imap.UID]imap.UID, error)
	// Arrived is Find for messages that the source does not hold any more, so
	// that nothing is removed on its word: a copy counts, too, whose date or size
	// the server rewrote.
	Arrived(ctx context.Context, target string, refs []MessageRef) (map[imap.UID]imap.UID, error)
	// Transfer is FETCH of a whole message and APPEND of it to a mailbox of another
	// account, with its flags and INTERNALDATE. It returns the UID that APPENDUID
	// told (RFC 4315 section 3), 0 where the server did not. It changes nothing in
	// this mailbox.
	Transfer(ctx context.Context, ref MessageRef, account, target string) (imap.UID, error)
	// Append is APPEND of what an action adds to its target, with an id by which it is
	// found again, after FETCH of the whole message where that is a copy of it. It
	// returns what Transfer does.
	Append(ctx context.Context, ref MessageRef, a Action) (imap.UID, error)
	// FindThere is Find for a mailbox of another account.
	FindThere(ctx context.Context, account, target string, refs []MessageRef) (map[imap.UID]imap.UID, error)
}

// State is what became of one message in one step.
type State string

// The states of an outcome.
const (
	// Done: the effect was seen or reported by the server.
	Done State = "done"
	// DoneLeft: moved, and the original stays, flagged \Deleted, because the
	// server offers no way to remove only that message (no UIDPLUS).
	DoneLeft State = "done, original left flagged"
	// NotDone: the server did not do it for this message and said nothing.
	NotDone State = "not done"
	// Gone: the message is not in its mailbox any more.
	Gone State = "gone"
)

// Outcome is the result of a step for one message.
type Outcome struct {
	UID   imap.UID
	State State
	// Target is the UID of the copy in the target mailbox, 0 if unknown.
	Target imap.UID
}
