package webhook

import "time"

// Next is how long to wait after attempt number n (1 is the first) failed,
// with up to a fifth more for a random number from 0 to 1.
func Next(n int, random float64) time.Duration {
	delays := []time.Duration{
		5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
	}
	d := delays[max(0, min(n, len(delays))-1)]
	return d + time.Duration(random*float64(d)/5)
}

// Attempts is how often a call is tried before it is given up.
const Attempts = 10
