package main

import (
	"fmt"
	"io"
	"time"
)

// What imapilot is held to.
const (
	mostPlain   = 30.0 // kB a connection
	mostSecured = 45.0
	mostCPU     = 2.0 // per cent of a core while nothing happens
	mostTook    = 10 * time.Second
)

// show prints what was measured, and reports whether a target was missed.
func show(out io.Writer, n int, quiet time.Duration, all []result) (missed bool) {
	fmt.Fprintf(out, "%d accounts, one connection each\n\n", n)
	for _, r := range all {
		fmt.Fprintf(out, "%s: all idle after %s; %.1f MB resident, %.1f MB at most, %.1f MB after the burst, %.1f MB with one account; %d threads\n",
			r.way, r.connect.Round(100*time.Millisecond), mb(r.idle), mb(r.peak), mb(r.after), mb(r.empty), r.threads)
		most := mostPlain
		if r.way == secured {
			most = mostSecured
		}
		perCent := 100 * r.cpu.Seconds() / quiet.Seconds()
		lines := []struct {
			what, unit string
			got, limit float64
		}{
			{"memory a connection", "kB", r.perConnection(n) / 1e3, most},
			{"CPU while nothing happens", "% of a core", perCent, mostCPU},
			{"a message to each at once, p50", "s", quantile(r.took, 50).Seconds(), 0},
			{"the same, p99", "s", quantile(r.took, 99).Seconds(), mostTook.Seconds()},
			{"the same, the last", "s", quantile(r.took, 100).Seconds(), 0},
			{"the same, CPU for all", "s", r.burst.Seconds(), 0},
		}
		for _, l := range lines {
			verdict := ""
			if l.limit > 0 {
				verdict = fmt.Sprintf("at most %g: met", l.limit)
				if l.got > l.limit {
					verdict, missed = fmt.Sprintf("at most %g: MISSED", l.limit), true
				}
			}
			fmt.Fprintf(out, "  %-32s %8.2f %-12s %s\n", l.what, l.got, l.unit, verdict)
		}
		fmt.Fprintln(out)
	}
	return missed
}

func mb(octets int64) float64 { return float64(octets) / 1e6 }

// quantile is that of sorted times, in per cent.
func quantile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
