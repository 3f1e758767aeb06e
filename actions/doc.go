// Package actions holds what can be done to a message, as plain values.
//
// An [Action] is one thing with its arguments resolved ("move: Lists/go"). A
// [Plan] is what a rule set decided for one message: it can print itself, it
// knows the fixed order in which its actions are applied, and which of two
// conflicting destinations wins. Nothing in this package performs I/O by
// itself; an action acts through the narrow [Mailbox] interface that the
// engine hands it.
//
// Adding an action is one file (its Apply function) and one line in [Table].
//
// # The order of apply
//
// For one message the steps form a chain: flags first, then copies, then what
// leaves the mailbox (exec, forward, reply, save_attachments, unsubscribe), then the
// one destination (move, trash, archive, junk or snooze), then expunge. A step is begun
// only after every earlier step of that message is done,
// because a COPY that is refused after a MOVE was sent would lose the copy for
// good, and a message must not be trashed whose program failed.
//
// Webhooks are not in the chain: they are written to the outbox with the decision
// and are delivered independently of the mailbox. What leaves the mailbox is in
// both: the outbox does it, attempt after attempt as it delivers a webhook, and the
// chain waits until it succeeded. Where it failed for good the message stays.
//
// # Another account
//
// Copy and move can lead to another account. No IMAP command does that: a message
// is fetched and appended ([Mailbox.Transfer]), one at a time, and a move removes
// the original once the copy is proven, by APPENDUID or by a look into the target.
//
// # What is appended
//
// Append makes a message: a note, or the message with fields before it ([Append.Message]).
// The same origin makes the same message, octet for octet, and its id is in the
// header, so that after a crash the target tells whether it is there.
package actions
