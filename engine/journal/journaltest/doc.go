// Package journaltest holds the behaviour that every journal promises, as
// tests. A driver proves itself with one call of [Run]; what the suite does
// not test, the engine must not rely on.
//
// Each case runs in a testing/synctest bubble with a store of its own, so a
// driver has to work there too: no timers or goroutines that outlive Close.
//
// Beside the interface's own words the suite holds drivers to this: times come
// back in UTC and precise to the microsecond; strings come back byte for byte,
// also where they are no UTF-8; in one batch Forget goes before Cursors and
// Known, Resume before Pauses, Expect before Arrived; and an account is fresh
// until a cursor or a listing was committed.
package journaltest
