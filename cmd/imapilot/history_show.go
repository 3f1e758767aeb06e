package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// labelWidth is where the values of a whole entry begin.
const labelWidth = 11

// field prints a label and a value below each other's.
func (s *screen) field(label, value string) {
	if value != "" {
		s.line(fmt.Sprintf("  %-*s", labelWidth, label), plain, value)
	}
}

// whole shows everything that is recorded of one message.
func (s *screen) whole(r record, zone *time.Location, command func(words ...string) string) {
	s.b.WriteString(s.paint(bold, visible(idOf(r.account, r.Seq, false))) + "  ")
	s.b.WriteString(s.paint(outcomeColor(r), string(r.State)) + ": " + meaning(r.State) + "\n")
	s.field("why", r.Reason)
	s.field("from", r.From)
	s.field("subject", r.Subject)
	s.field("message", fmt.Sprintf("%s, %s, received %s", orNone(r.Print.MessageID), sizeOf(r.Print.Size), stamp(r.Print.Received, zone)))
	s.field("mailbox", fmt.Sprintf("%s, UID %d (UIDVALIDITY %d)", r.Mailbox, r.UID, r.UIDValidity))
	s.field("decided", fmt.Sprintf("%s, on %s, flags %s", stamp(r.Decided, zone), r.Trigger, flagList(r.Flags)))
	s.undo(r)
	s.plan(r.Plan)
	s.steps(r, zone)
	s.webhooks(r, zone)
	s.rulesThatDidNot(r)
	s.tries(r, zone)
	s.field("changed", stamp(r.Updated, zone))
	s.field("next", nextOf(r, command))
}

func orNone(id string) string {
	if id == "" {
		return "no Message-ID"
	}
	return id
}

func sizeOf(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

func stamp(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return "never"
	}
	return at.In(zone).Format("2006-01-02 15:04:05 MST")
}

func flagList(flags []imap.Flag) string {
	if len(flags) == 0 {
		return "none"
	}
	out := make([]string, len(flags))
	for i, f := range flags {
		out[i] = string(f)
	}
	return strings.Join(out, " ")
}

// undo shows what an entry undoes, and by which it was undone.
func (s *screen) undo(r record) {
	if r.Undoes != 0 {
		s.field("undoes", idOf(r.account, r.Undoes, false))
	}
	var by []string
	for _, seq := range r.UndoneBy {
		by = append(by, idOf(r.account, seq, false))
	}
	s.field("undone by", strings.Join(by, ", "))
}

// plan shows which rules asked for what.
func (s *screen) plan(p actions.Plan) {
	label := "rules"
	for _, rule := range rulesOf(p) {
		var asked []string
		hash := ""
		for _, item := range p.Items {
			if item.Rule != rule {
				continue
			}
			hash = item.Hash
			text := actionText(item.Action)
			if item.SupersededBy != "" {
				text += fmt.Sprintf(" (not done: %q wins)", item.SupersededBy)
			}
			asked = append(asked, text)
		}
		if hash != "" {
			hash = " (as of " + hash[:min(12, len(hash))] + ")"
		}
		s.field(label, fmt.Sprintf("%q%s: %s", rule, hash, strings.Join(asked, ", ")))
		label = ""
	}
	if len(p.Items) == 0 {
		s.field(label, "none asks for anything")
	}
}

func (s *screen) steps(r record, zone *time.Location) {
	for i, step := range r.Steps {
		label := ""
		if i == 0 {
			label = "steps"
		}
		text := fmt.Sprintf("%d. %s: %s", i+1, step.Action, stepState(r, i))
		if !step.At.IsZero() {
			text += " at " + stamp(step.At, zone)
		}
		if step.Target != "" {
			text += ", " + targetOf(step)
		}
		if why := cmp.Or(step.Error, r.answers[step.Delivery]); why != "" {
			text += ": " + why
		}
		s.line(fmt.Sprintf("  %-*s", labelWidth, label), plain, text)
	}
}

func stepState(r record, i int) string {
	state := r.Steps[i].State
	switch {
	case state != journal.Recorded:
		return string(state)
	case r.State == journal.Open && i == r.Next():
		return "next"
	case r.State == journal.Open:
		return "to do"
	}
	return "not done"
}

func targetOf(step journal.Step) string {
	target := journal.ShowTarget(step.Target)
	if step.TargetUID == 0 {
		return "in " + target
	}
	return fmt.Sprintf("in %s as UID %d", target, step.TargetUID)
}

func (s *screen) webhooks(r record, zone *time.Location) {
	for i, d := range r.webhooks {
		label := ""
		if i == 0 {
			label = "webhooks"
		}
		s.line(fmt.Sprintf("  %-*s", labelWidth, label), plain, fmt.Sprintf("%s, by rule %q: %s; id %s, last changed %s",
			d.Endpoint, d.Rule, webhookText(d, zone), d.ID, stamp(d.Updated, zone)))
	}
}

func (s *screen) rulesThatDidNot(r record) {
	for _, rule := range slices.Sorted(maps.Keys(r.Errors)) {
		s.field("failed", fmt.Sprintf("rule %q: %s", rule, r.Errors[rule]))
	}
	for _, rule := range slices.Sorted(maps.Keys(r.Skipped)) {
		s.field("passed by", fmt.Sprintf("rule %q: %s", rule, r.Skipped[rule]))
	}
}

func (s *screen) tries(r record, zone *time.Location) {
	if r.Tries > 0 {
		text := fmt.Sprintf("%d failed", r.Tries)
		if r.State == journal.Open && !r.NextTry.IsZero() {
			text += ", next " + when(r.NextTry, zone)
		}
		s.field("tries", text)
	}
	if p := r.paused; p != nil {
		s.field("paused", fmt.Sprintf("%s since %s, tried again %s: %s", pauseTarget(*p), stamp(p.Since, zone), when(p.Probe, zone), p.Reason))
	}
}

// nextOf says what the user can do about an entry.
func nextOf(r record, command func(words ...string) string) string {
	id := idOf(r.account, r.Seq, false)
	skip := "'" + command("skip", id) + "' leaves it alone"
	switch r.State {
	case journal.Held:
		return "'" + command("confirm", id) + "' acts on it, " + skip
	case journal.Failed, journal.Unsure:
		return "'" + command("retry", id) + "' tries it again, " + skip
	case journal.Open:
		return "it goes on by itself; '" + command("retry", id) + "' tries it now, " + skip
	}
	return ""
}
