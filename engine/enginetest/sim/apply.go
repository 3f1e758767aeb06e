package sim

import (
	"context"
	"fmt"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal"
)

// applyEvery is how long a user waits before he applies the rules again.
const applyEvery = 25 * time.Minute

// applies is a process that applies the rules, and again after a while: whatever
// was left is done then, and nothing a second time.
func (w *World) applies(ctx context.Context, j journal.Journal) error {
	for {
		scope := w.scenario.Apply(w)
		o := w.options(j)
		o.Apply = &scope
		e := engine.New(w.scenario.cfg, o)
		if err := e.Run(ctx); err != nil {
			return err
		}
		if job, err := e.Job(engine.ApplyJob); ctx.Err() == nil && !w.wasStruck() && (err != nil || job.Running || job.Error != "") {
			w.problem("an apply ended with %+v, %v", job, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(applyEvery):
		}
		w.mu.Lock()
		w.starts++
		w.mu.Unlock()
	}
}

// wasStruck reports whether anything went wrong yet.
func (w *World) wasStruck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		if f.struck {
			return true
		}
	}
	return false
}

// wholeInbox is an apply without a plan.
func wholeInbox(*World) engine.Scope { return engine.Scope{Mailbox: "INBOX"} }

// plan ends what is planned: what arrives from now on is no part of it.
func plan(w *World) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planned = true
}

// asPlanned is the scope of the plan. Where INBOX was renumbered since, it is that
// of a new plan over the same messages.
func asPlanned(w *World) engine.Scope {
	late := map[int]bool{}
	w.mu.Lock()
	for _, l := range w.letters {
		late[l.origin] = !l.asked
	}
	w.mu.Unlock()
	end := engine.Bound{Account: "home", Mailbox: "INBOX"}
	for _, p := range w.Server.All() {
		if p.Mailbox != "INBOX" {
			continue
		}
		end.UIDValidity = p.Validity
		if late[p.Origin] {
			break
		}
		end.UIDNext = p.UID + 1
	}
	return engine.Scope{Mailbox: "INBOX", Bounds: []engine.Bound{end}}
}

// old delivers mail to INBOX that nobody looked at when it came.
func old(subjects ...string) func(w *World) {
	return func(w *World) {
		bystanders(w)
		for _, s := range subjects {
			w.Mail("INBOX", s)
		}
	}
}

// applyOfMany has more acting messages than aheadFrom of package engine, so that what
// it decides is written beside other work. Which command comes before which commit
// then differs from run to run, and with it what a fault at an operation breaks: it
// is no part of the sweep or of random runs, where a line repeats a run.
func applyOfMany() Scenario {
	return Scenario{
		Name: "apply of many", Apply: wholeInbox,
		Before: func(w *World) {
			old()(w)
			for i := range 130 {
				w.Mail("INBOX", fmt.Sprintf("%d %s", i, [...]string{"flag", "move", "copy", "flag move", "hook", "keep"}[i%6]))
			}
			twins(2, "130 copy move", "twin@example.org")(w)
		},
	}
}

// applying are runs over old mail.
func applying() []Scenario {
	return []Scenario{
		{
			Name: "apply", Apply: wholeInbox,
			Before: func(w *World) {
				old("1 hook flag copy move", "2 seen move", "3 flag", "4 away")(w)
				twins(2, "5 copy move", "twin@example.org")(w)
			},
		},
		{
			Name: "apply without MOVE", Apply: wholeInbox, Server: model.Options{NoMove: true},
			Before: func(w *World) {
				old("1 copy move", "2 flag")(w)
				twins(2, "3 flag move", "twin@example.org")(w)
			},
		},
		{
			Name: "apply of a plan", Apply: asPlanned,
			Before: func(w *World) {
				old("1 hook copy move", "2 flag")(w)
				plan(w)
				mail("3 hook move", "4 flag")(w)
			},
			Acts: []Act{then(mail("5 move"))},
		},
	}
}
