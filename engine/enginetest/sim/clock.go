package sim

import (
	"fmt"
	"strings"
	"time"

	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal"
)

// aging is a mailbox that nobody watches, at which rules on a clock look.
const aging = "Promotions"

// runs are what the journal was told of a scheduled rule.
type runs struct {
	clock time.Time // from when on what is due counts
	last  journal.Run
	count int // how many times that were due were run or caught up
	// begun and ended say that the journal has the beginning, and perhaps the end,
	// of the last one; over that it has the end for sure.
	begun, ended, over bool
}

// noteRuns follows the runs of the scheduled rules. sure is set where the journal
// has them now, else it may or may not. One that was cut off has to go on, no other
// may begin before its end, and none again after that.
func (w *World) noteRuns(all []journal.Run, sure bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, run := range all {
		r := w.runs[run.Rule]
		if r == nil {
			r = &runs{}
			w.runs[run.Rule] = r
		}
		if run.Started.IsZero() {
			r.clock = run.Due
			continue
		}
		if wrong := r.note(run, sure); wrong != "" {
			w.problems = append(w.problems, fmt.Sprintf("rule %s, due %s: %s", run.Rule, run.Due.UTC().Format(time.DateTime), wrong))
		}
	}
}

// note takes one run as it is written, and says what is wrong with that.
func (r *runs) note(run journal.Run, sure bool) (wrong string) {
	switch {
	case run.Due.Equal(r.last.Due):
		if r.over && run.Ended.IsZero() {
			wrong = "it was run a second time"
		}
	case run.Due.Before(r.last.Due):
		return "it was run after a later one"
	default:
		if r.begun && !r.ended {
			wrong = "it began before the one before had ended"
		}
		r.begun, r.ended, r.over = false, false, false
	}
	if sure && !r.begun {
		r.begun = true
		r.count += 1 + run.Missed
	}
	r.last = run
	r.ended = r.ended || !run.Ended.IsZero()
	r.over = r.over || sure && !run.Ended.IsZero()
	return wrong
}

// notRun says which times that were due were neither run nor caught up, or more
// than once, and what is under way.
func (w *World) notRun() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, s := range w.scenario.cfg.Schedules {
		r := w.runs[s.Rule]
		if r == nil || r.clock.IsZero() {
			out = append(out, fmt.Sprintf("the clock of rule %s has not begun", s.Rule))
			continue
		}
		due := 0
		for at := s.At.Next(r.clock); at.Before(time.Now().Add(-time.Minute)); at = s.At.Next(at) {
			due++
		}
		if r.count != due {
			out = append(out, fmt.Sprintf("rule %s was run or caught up for %d times, and %d were due", s.Rule, r.count, due))
		}
		if r.begun && !r.over {
			out = append(out, fmt.Sprintf("the run of rule %s that was due %s has not ended", s.Rule, r.last.Due.UTC().Format(time.DateTime)))
		}
	}
	return out
}

// aged delivers messages to the mailbox that grows old.
func aged(age time.Duration, subjects ...string) func(w *World) {
	return func(w *World) {
		for _, s := range subjects {
			w.Deliver(aging, model.Letter{Subject: s, From: "ann@example.org", MessageID: strings.ReplaceAll(s, " ", ".") + "@example.org",
				Received: time.Now().Add(-age), Body: "Hello."})
		}
	}
}

// turnOff ends the daemon with its machine, for so long.
func turnOff(d time.Duration) func(w *World) {
	return func(w *World) {
		w.mu.Lock()
		w.off = d
		w.mu.Unlock()
		w.kill(false)
		time.Sleep(d)
	}
}

// clocks are rules that look at the clock. A bubble begins at midnight.
func clocks() []Scenario {
	nightly := func(name, then string) string {
		return fmt.Sprintf("  - {name: nightly %s, on: {cron: '0 3 * * *'}, in: [%s], if: 'age > days(1) and has(subject, \"%s\")', then: [%s]}\n", name, aging, name, then)
	}
	return []Scenario{{
		Name: "a clock", Server: model.Options{NoIdle: true}, Account: []string{"connections: 1"}, Poll: "12h", Reconcile: 48 * time.Hour, Sparse: 2,
		Rules: []string{nightly("move", "move: Moved"), nightly("copy", "copy: Copies, webhook: hook")},
		Before: func(w *World) {
			aged(48*time.Hour, "1 move", "2 hook copy", "0 keep")(w)
			aged(0, "3 move", "4 hook copy")(w) // of age in the second night
		},
		Acts: []Act{
			{After: 44 * time.Hour, Do: aged(20*time.Hour, "5 move", "6 hook copy")},
			then(turnOff(40 * time.Hour)), // two nights, which are caught up at once
			{After: time.Hour, Do: aged(0, "7 fresh move copy")},
		},
	}}
}
