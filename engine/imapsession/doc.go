// Package imapsession is one authenticated IMAP connection, and the only user
// of go-imap's imapclient.
//
// Its layers, bottom up: a socket that is handed in, TLS, the guard, and
// imapclient. The guard is a net.Conn of ours: it owns every deadline, reads one
// whole response at a time (the line and its literals) under a byte budget, and
// keeps all data that a server sends for the parsers of this package.
// imapclient encodes the commands, all but those that it has no words for (the
// header FETCH, with EMAILID), and sees only four things, in a form that the
// guard writes itself: a greeting, a capability list, continuation requests and
// tagged completions. So no response, however odd, hostile or unasked for,
// reaches a parser that would end the connection over it, and no FETCH that
// nobody asked for is taken for an answer. In the other direction the guard
// lets out only the commands that were begun, each once: a command is never
// replaced by another one behind the caller's back. Several go out before the
// first is answered only where none changes anything.
//
// What the package promises:
//
//   - Each method sends the command it is named for, and nothing destructive
//     beside it. MOVE and UID EXPUNGE are sent where they are offered and are
//     errors elsewhere; EXPUNGE is never sent, CLOSE never on a mailbox that was
//     selected for writing.
//   - Each method returns within its deadline, and at once when its context
//     ends. A command that was cut off so has [Error.Unknown] set, and the
//     connection is closed.
//   - What a FETCH returns is complete: a message of which an item did not come
//     back is absent. A structure that can never be read is there, and says so; a
//     part that was cut says so, too.
//   - No message, however its sender made it, ends the connection: a FETCH that
//     is over the limits is cut, up to Limits.Announced.
//   - Every error is an [*Error] with a [Class]. An OK that is not plain success
//     (OVERQUOTA, MESSAGELIMIT) is an error.
//   - No argument can break out of its command: CR, LF and NUL are refused. A
//     search goes out as it is meant or not at all.
//   - STARTTLS is finished before anything that the server said in clear text
//     is believed, and there is no fall-back to clear text.
//   - A session keeps no more than the limits of [Limits] in memory.
package imapsession
