// Package sqlite keeps the journal in one SQLite file: the embedded default.
//
// # What it promises
//
//   - A commit that returned nil survives power loss: write-ahead log with
//     synchronous=FULL, so every commit is synced before it is reported.
//   - One process writes. [Open] takes an operating-system lock on a file
//     beside the journal and says who holds it when it cannot; the lock dies
//     with the process. [OpenReadOnly] may look at any time.
//   - The file is readable by its owner only, for it holds senders, subjects
//     and webhook payloads.
//   - A file of a newer version is refused ([journal.ErrNewer]), one of an
//     older version is upgraded, one of another program is left alone.
//   - What is finished is forgotten [Retention] after it was last written:
//     entries, events and deliveries, a bounded number with each commit. Open
//     and held entries and pending deliveries are kept for as long as they
//     are. So "once per message" reaches back 90 days: beyond that only the
//     cursor remembers a message. References are kept for as long, and the
//     newest 100,000 of an account at most.
//
// # How it is stored
//
// A row holds in columns what is searched for, compared or may contain bytes
// that are not UTF-8 (names and identifiers as the server sent them), and the
// rest of an entry as JSON. Times are microseconds since 1970 in UTC, which
// holds every date that a server can send; they come back in UTC.
//
// Fingerprints are indexed by Message-ID and by the order in which the account
// handled them, which costs a commit of decisions 7 % more CPU and 11 % more writing
// (measured; a hash in place of the Message-ID costs more, for it scatters what
// came together).
//
// # Many accounts
//
// Whoever comes while a commit is written waits and is written with all others that
// wait, up to 128 batches in one transaction: one sync for all of them. When one of
// them fails each is written by itself. A message in each of 2,000 accounts at once, on
// two cores: 5,200 a second, and 190 with a transaction for each batch
// (BenchmarkManyAccounts).
//
// # The driver
//
// github.com/ncruces/go-sqlite3 is SQLite without cgo, with its VFS written in
// Go, so that a test can take the disk away at any write. Measured beside
// modernc.org/sqlite on two cores, 10,000 rows in transactions of 500: 14 MB
// resident and 50,000 rows a second here, 15.6 MB and 110,000 there. Both are
// far beyond what mail needs; the VFS decided.
package sqlite
