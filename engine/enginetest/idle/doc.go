// Command idle measures what many idle accounts cost in one process: memory and CPU
// while nothing happens, and how soon mail is filed that comes to all of them at once.
//
// Run it in the root of the repository (make bench-idle N=2000):
//
//	go run ./engine/enginetest/idle [flags]
//
// It starts a small IMAP server in a process of its own, once with TLS and once without,
// and the daemon, as make build makes it, with -n accounts that have one connection
// each and one journal for all. A hundred of them log in a second, twenty times what is
// the default for one host. When every account idles and the memory has come to rest,
// it reads what the system says of the daemon's process: the memory that is resident
// (what it had with no account at all is taken off before that is shared out), the time of
// the CPU over -quiet, in which five accounts a second are looked at whole, and the threads.
// Then one message comes to every account at once; the clock of each runs from the
// announcement on the wire until its MOVE was answered. At the end each message must lie
// in its place exactly once.
//
// The server knows as much of IMAP as the daemon asks of it, and holds a message as
// a few words, so that both fit on one machine. Its memory and its time are not counted,
// but on a machine with few cores it takes its share of them.
package main
