// Package model is an IMAP server in memory that can be made to fail at any
// command, and that knows where every message came from. The simulator runs the
// daemon against it; it speaks what the daemon speaks and no more.
//
// Each message that is delivered has an origin, which COPY and MOVE keep, so
// that a test can count the copies of one even of two identical messages. What
// the protocol forbids the daemon to do (EXPUNGE without UIDs, CLOSE, sequence
// numbers, setting \Seen by a FETCH) is kept as a violation.
//
// It is as difficult as the protocol allows: a SEARCH answers from the view
// that the session had before the news, as Dovecot's does; "n:*" always finds
// the last message (RFC 9051 section 6.4.8); who has a mailbox selected that is
// renumbered or removed is disconnected.
//
// Every command takes some time, another one on each connection: with the
// clock of a synctest bubble there is one order of events, and a run can be
// repeated.
package model
