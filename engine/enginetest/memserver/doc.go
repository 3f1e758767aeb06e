// Package memserver is an IMAP server in this process, for the demo and for
// tests: go-imap's server and its memory store, with what they lack.
//
// It adds capability switches that hold (a command that is not offered is
// refused, and what belongs to it is not answered), mailboxes with roles
// (RFC 6154), refusals on demand, and connections without a socket. It keeps
// everything in memory, for one user.
package memserver
