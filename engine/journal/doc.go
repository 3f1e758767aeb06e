// Package journal is the durable record of what imapilot decided and did.
//
// Decide, record, do: nothing touches a mailbox before the journal holds the
// intent, and every outcome is written when it is known. After a crash the
// journal says what may have been under way, and the engine looks at the
// server before it does anything again.
//
// # What it promises
//
//   - [Journal.Commit] is all or nothing and durable when it returns nil.
//   - It is fenced: every commit carries the epoch of the account's lease, and
//     one with an old epoch fails with [ErrFenced] and changes nothing.
//   - Cursors move by compare-and-set: [ErrConflict] means that somebody else
//     moved it.
//   - Keys are (account, sequence). There is no transaction over two accounts
//     and no SQL in the interface, so that a fleet can share a journal later.
//
// Drivers live below this package, each runs the suite in journaltest.
package journal
