package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"imapilot/engine/config/strictyaml"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	// maxLong is the longest time that can be written in hours, days or weeks: a
	// hundred years.
	maxLong = 36_500 * day
)

// duration reads a time within limits. It reports false, and leaves out as it
// is, when a problem was reported.
func (l *loader) duration(n *strictyaml.Node, low, high time.Duration, out *time.Duration) bool {
	unit, example := "s", "90s or 5m"
	switch {
	case low >= day:
		unit, example = "d", "3d or 2w"
	case high > day && low >= time.Minute:
		unit, example = "d", "12h, 30d or 2w"
	}
	d, ok := parseDuration(n.Value)
	if n.Kind == strictyaml.Scalar && n.Type == strictyaml.Integer {
		l.problem(n, "this number has no unit", unitHint(n.Value+unit, example, low, high))
		return false
	}
	if n.Kind != strictyaml.Scalar || !ok || d < low || d > high {
		l.problem(n, fmt.Sprintf("this must be a time from %s to %s", spell(low), spell(high)), "write it as in "+example)
		return false
	}
	*out = d
	return true
}

// unitHint is the cure for a number without a unit. What would be refused in its turn
// is not offered, even where it is what was meant.
func unitHint(meant, example string, low, high time.Duration) string {
	if d, ok := parseDuration(meant); !ok || d < low || d > high {
		return fmt.Sprintf("write a time from %s to %s, as in %s", spell(low), spell(high), example)
	}
	return fmt.Sprintf("write %s, or another time from %s to %s", meant, spell(low), spell(high))
}

// parseDuration reads what time.ParseDuration reads, and what parseLong does, up
// to maxLong.
func parseDuration(s string) (time.Duration, bool) {
	if d, ok := parseLong(s); ok {
		return d, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d <= maxLong
}

// parseLong reads a whole number of hours, days or weeks, as in 12h, 30d and 2w,
// up to maxLong.
func parseLong(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	unit := map[byte]time.Duration{'h': time.Hour, 'd': day, 'w': week}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if err != nil || unit == 0 || n > uint64(maxLong/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// spell writes a time as parseDuration reads it, in days where it is more than
// one.
func spell(d time.Duration) string {
	if d > day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
