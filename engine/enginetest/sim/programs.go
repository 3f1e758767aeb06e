package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions/exec"
	"imapilot/engine/enginetest/model"
)

// runProgram is the machine that programs run on.
func (w *World) runProgram(_ context.Context, c exec.Command) exec.Result {
	failed := exec.Result{Code: exec.TempFail, Err: errors.New("it ended with the code 75"), Retry: true}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return failed
	}
	for _, f := range w.faults {
		if f.Kind.area() == hooks && f.strikes() {
			return failed
		}
	}
	id := ""
	for _, v := range c.Env {
		if after, ok := strings.CutPrefix(v, "IMAPILOT_ID="); ok {
			id = after
		}
	}
	w.programs = append(w.programs, call{id, string(c.Stdin)})
	return exec.Result{}
}

// notRunFor says which programs of a group did not succeed, or did as more than one.
func (w *World) notRunFor(group []*letter) []string {
	want := 0
	for _, l := range group {
		if l.wants("program") {
			want++
		}
	}
	got := len(w.ids(group[0].Subject, &w.programs))
	if got == want || got > want && w.renumberedAndRestored() {
		return nil
	}
	return []string{fmt.Sprintf("%q: %d programs with ids of their own, want %d", group[0].Subject, got, want)}
}

// tooEarly: no rule of ours moves a message whose program did not succeed.
func (w *World) tooEarly(group []*letter, all []model.Place) []string {
	l := group[0]
	if !l.wants("program") || !l.wants("move") || slices.ContainsFunc(group, func(l *letter) bool { return l.touched }) {
		return nil
	}
	moved := 0
	for _, p := range all {
		if p.Subject == l.Subject && p.Mailbox == "Moved" && !p.Has(imap.FlagDeleted) {
			moved++
		}
	}
	if ran := len(w.ids(l.Subject, &w.programs)); moved > ran {
		return []string{fmt.Sprintf("%q: %d were moved, and %d programs succeeded", l.Subject, moved, ran)}
	}
	return nil
}

// running is mail for which programs run before it is moved.
func running() []Scenario {
	return []Scenario{{
		Name: "programs",
		Acts: []Act{then(bystanders), then(mail("1 program copy move", "2 program")), then(mail("3 program hook flag move"))},
	}, {
		Name: "apply with programs", Apply: wholeInbox, Server: model.Options{NoMove: true},
		Before: func(w *World) { old("1 program copy move", "2 program flag")(w) },
	}}
}
