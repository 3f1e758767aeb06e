// Package memory says when the garbage of a process is collected, and in what pages its
// memory comes. A command that works once and ends calls [Hurry] at its begin: it takes
// what is there, and collects late. The daemon calls [Collect] once it knows its accounts:
// it lives for months, on small machines, too, and with thousands of accounts nearly all
// that it holds waits.
//
// Who sets GOGC is left alone.
package memory
