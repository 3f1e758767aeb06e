package engine

import (
	"slices"
	"strings"
	"time"

	"imapilot/engine/journal"
	"imapilot/rules"
)

// walk says which rules are asked about a message, and why. The zero walk is that
// of an arrival: it asks every rule that is for arrivals.
type walk struct {
	trigger string
	// names are the rules that are asked, none on arrival.
	names []string
	// occasion tells one firing of the trigger from the next.
	occasion string
	// run is when the apply began that asks them, zero for others.
	run time.Time
}

// walkOf is the walk in which an entry was decided.
func walkOf(e journal.Entry) walk {
	return walk{trigger: e.Trigger, names: e.Walk, occasion: e.Occasion, run: e.Run}
}

// kind is the trigger as entries spell it.
func (w walk) kind() string {
	if w.trigger == "" {
		return journal.TriggerArrival
	}
	return w.trigger
}

// key tells walks apart that ask other rules.
func (w walk) key() string { return strings.Join(w.names, "\x00") }

// is reports whether two walks are one: the same rules on the same occasion.
func (w walk) is(o walk) bool {
	return w.kind() == o.kind() && w.occasion == o.occasion && w.key() == o.key()
}

// asks reports whether the walk is about a rule.
func (w walk) asks(r rules.Rule) bool {
	if len(w.names) == 0 {
		return r.On == rules.OnArrival
	}
	return slices.Contains(w.names, r.Name)
}

// watching returns the rules that look at what is watched: on arrival, and on
// flags.
func (a *account) watching() *rules.Ruleset {
	rs, _ := a.current()
	return rs.Only(func(r rules.Rule) bool { return r.On != rules.OnSchedule })
}

// rulesOf returns the rules of a walk as they are in force, and their generation.
func (a *account) rulesOf(w walk) (*rules.Ruleset, int) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	rs, ok := a.narrowed[w.key()]
	if !ok {
		rs = a.rules.Only(w.asks)
		a.narrowed[w.key()] = rs
	}
	return rs, a.generation
}
