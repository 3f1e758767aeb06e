// Package pace says when people may be told something: not in their quiet hours,
// and not more often than they want.
//
// It reads no clock, starts no goroutine and waits for nothing; the times are handed
// in. [Quiet] are the hours, [Rate] is a limit, and [Slots] gives each call that is
// limited a time of its own, so that what is held back is late and never lost.
package pace
