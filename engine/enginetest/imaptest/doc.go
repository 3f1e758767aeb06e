// Package imaptest starts IMAP servers for tests: go-imap's memory server, a
// real Dovecot and a real Cyrus IMAP, each on loopback, with its own folder and
// a free port, and stopped at the end of the test. Tests look at the result
// through a connection of their own, not through the code under test.
package imaptest
