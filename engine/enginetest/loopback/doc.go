// Package loopback gives test servers ports of their own.
//
// A server that is a program of its own is told its port before it starts. A
// port that was free a moment ago may be given away again meanwhile, to the
// server of a test that runs beside, and then both tests talk to whichever
// server was first. [Reserve] gives no port twice, not even to two processes.
package loopback
