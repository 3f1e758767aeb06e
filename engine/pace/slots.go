package pace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rate is at most N calls in any stretch of time that is Per long.
type Rate struct {
	N   int
	Per time.Duration
}

// MaxRate is the highest N of a rate.
const MaxRate = 10_000

// ParseRate reads a rate as in "10/h", "3/24h" or "1/7d".
func ParseRate(text string) (Rate, error) {
	number, per, ok := strings.Cut(text, "/")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 16)
	per = strings.TrimSpace(per)
	if per == "m" || per == "h" || per == "d" {
		per = "1" + per
	}
	days := 1
	if d, found := strings.CutSuffix(per, "d"); found {
		days, per = 24, d+"h"
	}
	length, errPer := time.ParseDuration(per)
	length *= time.Duration(days)
	if !ok || err != nil || errPer != nil || n < 1 || n > MaxRate || length < time.Minute || length > 31*24*time.Hour {
		return Rate{}, fmt.Errorf("%q is no rate", text)
	}
	return Rate{int(n), length}, nil
}

// Slots gives out times under limits. It is not safe for concurrent use. The zero
// value is ready.
type Slots struct {
	taken map[string][]time.Time // in order
}

// Limit is a rate of something, as of one sender.
type Limit struct {
	Key  string
	Rate Rate
}

// Take notes a time that was given out before.
func (s *Slots) Take(at time.Time, limits ...Limit) {
	if s.taken == nil {
		s.taken = map[string][]time.Time{}
	}
	for _, l := range limits {
		all := s.taken[l.Key]
		i, _ := slices.BinarySearchFunc(all, at, time.Time.Compare)
		s.taken[l.Key] = slices.Insert(all, i, at)
	}
}

// Reserve gives out the first time from now on that keeps to all limits and that is
// free, and takes it. free gives the first time from another one on that may be
// given out.
func (s *Slots) Reserve(now time.Time, free func(time.Time) time.Time, limits ...Limit) time.Time {
	s.forget(now, limits)
	at := free(now)
	for again := true; again; {
		again = false
		for _, l := range limits {
			if next := l.Rate.first(s.taken[l.Key], at); next.After(at) {
				at, again = free(next), true
			}
		}
	}
	s.Take(at, limits...)
	return at
}

// forget drops what no limit looks at any more.
func (s *Slots) forget(now time.Time, limits []Limit) {
	for _, l := range limits {
		all := s.taken[l.Key]
		i, _ := slices.BinarySearchFunc(all, now.Add(-l.Rate.Per), time.Time.Compare)
		if i == len(all) {
			delete(s.taken, l.Key)
			continue
		}
		s.taken[l.Key] = all[i:]
	}
}

// first is the first time from at on at which one more may be taken.
func (r Rate) first(taken []time.Time, at time.Time) time.Time {
	for {
		next, ok := r.blocked(taken, at)
		if !ok {
			return at
		}
		at = next
	}
}

// blocked reports whether one more at some time would be too many within Per, and
// the next time to try.
func (r Rate) blocked(taken []time.Time, at time.Time) (next time.Time, ok bool) {
	i, _ := slices.BinarySearchFunc(taken, at, time.Time.Compare)
	for ; i < len(taken) && taken[i].Equal(at); i++ { // behind those of the same time
	}
	// Of N+1 in a row, at among them, the last comes Per after the first.
	for first := max(0, i-r.N); first <= i; first++ {
		last := first + r.N // in the row with at, which stands at i
		if last < i || last > len(taken) {
			continue
		}
		from, to := with(taken, i, at, first), with(taken, i, at, last)
		switch {
		case to.Sub(from) >= r.Per:
		case first < i:
			return from.Add(r.Per), true
		default:
			return taken[i], true // those that follow are too near: behind the next one
		}
	}
	return at, false
}

// with is element n of a list that has at inserted at place i.
func with(taken []time.Time, i int, at time.Time, n int) time.Time {
	switch {
	case n < i:
		return taken[n]
	case n == i:
		return at
	}
	return taken[n-1]
}
