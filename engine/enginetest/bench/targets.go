package main

import (
	"fmt"
	"slices"
	"time"
)

// What imapilot is held to.
const (
	mostOfLimit = 1.6  // its time over the limit's
	mostOfFetch = 1.2  // the same when there is nothing to do
	mostRSS     = 60   // MB, with 20,000 messages
	mostMillion = 100  // MB, with 1,000,000
	megabyte    = 1e6  // as people count
	allMessages = 20e3 // what the targets are for
)

// fewerTimes is how many times faster than imapfilter imapilot is, by the
// number of rules.
func fewerTimes(rules int) (float64, bool) {
	least, ok := map[int]float64{50: 9, 500: 12}[rules]
	return least, ok
}

// verdict is one target and how it was met.
type verdict struct {
	what      string
	got, want float64
	met       bool
}

// targets judges what was measured. What was not measured, or with another
// number of messages than the targets are for, is not judged.
func targets(s shape, all []result) []verdict {
	var out []verdict
	most := func(what string, got, limit float64) {
		out = append(out, verdict{what, got, limit, got <= limit})
	}
	for _, r := range all {
		own := of(all, r.rules)
		switch {
		case r.contender.name == imapilotName && s.messages == million:
			most(fmt.Sprintf("%d rules: memory with %d messages, MB", r.rules, million), float64(r.rss())/megabyte, mostMillion)
		case s.messages != allMessages:
		case r.contender.name == imapilotName:
			if l, ok := own[limitName]; ok {
				most(fmt.Sprintf("%d rules: times the limit", r.rules), ratio(r, l), mostOfLimit)
			}
			if least, ok := fewerTimes(r.rules); ok {
				if other, ok := better(own); ok {
					got := ratio(other, r)
					out = append(out, verdict{fmt.Sprintf("%d rules: times as fast as imapfilter", r.rules), got, least, got >= least})
				}
			}
			most(fmt.Sprintf("%d rules: memory, MB", r.rules), float64(r.rss())/megabyte, mostRSS)
		case r.contender.name == passName:
			if f, ok := own[bareName]; ok {
				most(fmt.Sprintf("%d rules, a pass with nothing to do: times the bare FETCH", r.rules), ratio(r, f), mostOfFetch)
			}
		}
	}
	return out
}

// of are the results with so many rules, by name.
func of(all []result, rules int) map[string]result {
	out := map[string]result{}
	for _, r := range all {
		if r.rules == rules {
			out[r.contender.name] = r
		}
	}
	return out
}

// better is imapfilter in that one of its manual's two ways that is faster; both must
// have run. The table in Lua is no rules any more.
func better(own map[string]result) (result, bool) {
	search, a := own[searchName]
	match, b := own[matchName]
	if !a || !b {
		return result{}, false
	}
	if match.wall() < search.wall() {
		return match, true
	}
	return search, true
}

// ratio is the time of one in times of another: the median over the turns, in each of which
// one ran soon after the other.
func ratio(a, b result) float64 {
	n := min(len(a.runs), len(b.runs))
	all := make([]float64, n)
	for i := range n {
		x, y := a.runs[i*(len(a.runs)/n)].Wall, b.runs[i*(len(b.runs)/n)].Wall
		all[i] = float64(x) / float64(max(y, time.Nanosecond))
	}
	slices.Sort(all)
	return all[n/2]
}
