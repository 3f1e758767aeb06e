package webhook

import "time"

// waits are the pauses between the attempts: the example schedule of Standard
// Webhooks ("Deliverability and reliability"), 75 hours in all, so that a
// receiver that fails on a Friday may be mended on Monday.
func waits() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// Attempts is how often a call is made before it is given up.
func Attempts() int { return len(waits()) + 1 }

// Next is how long to wait after attempt number n (1 is the first) failed,
// with up to a fifth more for a random number from 0 to 1. It is false after
// the last attempt: there is no other.
func Next(n int, random float64) (time.Duration, bool) {
	all := waits()
	if n > len(all) {
		return 0, false
	}
	d := all[max(n, 1)-1]
	return d + time.Duration(random*float64(d)/5), true
}
