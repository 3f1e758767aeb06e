// Package provider is what is known of servers beside what they announce: one table,
// with the reason and the source of each line.
//
// [Of] finds the profile of a server by what it announces, by how it introduces itself,
// by its greeting and by its host, in this order: the first says most, and a proxy may
// hide the others. A server that is not in the table has the zero [Profile], of which
// nothing is assumed.
//
// A profile asks for more care: it lowers a limit, or forbids a way that is announced.
// Nothing here makes a server trusted to remove mail, because anybody can call a server
// Dovecot: what it takes back is one hold of new mail after a renumbering, and a search
// that finds parts of words is tried before it is believed. The session acts on it (ID, QRESYNC, how many messages a command names, how
// long an IDLE lasts) and so does the engine (connections, expunges, searches of texts,
// one event for a restart that renumbers everything).
//
// The package imports nothing of ours, does no I/O and has no state.
package provider
