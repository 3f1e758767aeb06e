package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// whatOf says in one line what was done with a message, or why not.
func whatOf(r record, zone *time.Location) string {
	parts := []string{outcomeText(r, zone)}
	for _, d := range r.webhooks {
		if isStep(d) {
			continue // the outcome tells of it
		}
		if d.State == journal.Dead || d.State == journal.Pending {
			parts = append(parts, "webhook "+d.Endpoint+" "+webhookText(d, zone))
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

func outcomeText(r record, zone *time.Location) string {
	switch r.State {
	case journal.Done:
		if r.Undoes != 0 {
			return undoesText(r)
		}
		return doneText(r)
	case journal.Undone:
		return "undone since; it was " + doneText(r)
	case journal.DryRun:
		return "would " + actionList(r.Plan)
	case journal.Open:
		return openText(r, zone)
	case journal.Withdrawn:
		return cmp.Or(r.Reason, "no longer wanted")
	case journal.Gone:
		return "left meanwhile"
	case journal.Skipped:
		return "skipped by you"
	case journal.Kept:
		return keptText(r)
	}
	if r.Reason == "" {
		return actionList(r.Plan)
	}
	return r.Reason
}

// undoesText says what was put back.
func undoesText(r record) string {
	what := doneText(r)
	if r.OfCopy {
		what = "remove the copy"
	}
	return fmt.Sprintf("undoes %d: %s", r.Undoes, what)
}

// doneText lists what was done, where the message went first. What rules asked
// for beside the steps, such as a webhook, is in the plan only.
func doneText(r record) string {
	var done []string
	for _, s := range slices.Backward(r.Steps) { // a destination is the last step
		switch s.State {
		case journal.StepDone:
			done = append(done, actionText(s.Action)+inBrackets(s.Error))
		case journal.StepLeft:
			done = append(done, actionText(s.Action)+" (the original stays, flagged \\Deleted)")
		}
	}
	for _, item := range r.Plan.Effective() {
		if item.Action.Kind.Spec().Phase == actions.PhaseOutbox {
			done = append(done, actionText(item.Action))
		}
	}
	if len(done) == 0 {
		return actionList(r.Plan)
	}
	return strings.Join(done, ", ")
}

// inBrackets is what there is to say of a step that is done all the same.
func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// actionList lists what rules asked for, a destination first.
func actionList(p actions.Plan) string {
	var out []string
	for _, item := range slices.Backward(p.Effective()) {
		out = append(out, actionText(item.Action))
	}
	if len(out) == 0 {
		return "keep"
	}
	return strings.Join(out, ", ")
}

// actionText is an action for people.
func actionText(a *actions.Action) string {
	if a.Kind == actions.Snooze {
		return "snooze until " + a.Until.Format("2006-01-02 15:04")
	}
	return a.String()
}

// openText says what an open entry waits for.
func openText(r record, zone *time.Location) string {
	next := r.Next()
	if next < 0 {
		return "it is decided again first"
	}
	s := r.Steps[next]
	text := "next " + actionText(s.Action)
	switch {
	case r.paused != nil && s.Delivery == "":
		return fmt.Sprintf("%s; it waits, for %s is paused: %s", text, pauseTarget(*r.paused), r.paused.Reason)
	case s.Delivery != "":
		return "waits for " + s.Action.String() + ": " + stepText(r, s, zone)
	case s.Error != "":
		text += ": " + s.Error
	}
	if !r.NextTry.IsZero() {
		text += fmt.Sprintf("; try %d %s", r.Tries+1, when(r.NextTry, zone))
	}
	return text
}

// isStep reports whether a delivery is a step of its message that leaves the mailbox,
// and no call of a webhook.
func isStep(d journal.Delivery) bool { return actions.Kind(d.Endpoint).Outside() }

// stepText says how far a step came that leaves the mailbox.
func stepText(r record, s journal.Step, zone *time.Location) string {
	for _, d := range r.webhooks {
		switch {
		case d.ID != s.Delivery:
		case d.Attempts == 0 && d.Held == "":
			return "not begun yet"
		case d.State == journal.Pending && d.LastError == "":
			return "under way"
		default:
			return webhookText(d, zone)
		}
	}
	return "not begun yet"
}

func pauseTarget(p journal.Pause) string {
	if p.Target == "" {
		return "the account"
	}
	return journal.ShowTarget(p.Target)
}

func keptText(r record) string {
	var why []string
	if r.Reason != "" {
		why = append(why, r.Reason)
	}
	for _, rule := range slices.Sorted(maps.Keys(r.Errors)) {
		why = append(why, fmt.Sprintf("rule %q failed: %s", rule, r.Errors[rule]))
	}
	for _, rule := range slices.Sorted(maps.Keys(r.Skipped)) {
		why = append(why, fmt.Sprintf("rule %q passed over: %s", rule, r.Skipped[rule]))
	}
	return strings.Join(why, "; ")
}

// webhookText says how far a webhook came, and what the last answer was.
func webhookText(d journal.Delivery, zone *time.Location) string {
	tries := count(d.Attempts, "try")
	if d.Attempts != 1 {
		tries = fmt.Sprintf("%d tries", d.Attempts)
	}
	last := ""
	switch {
	case d.LastError != "":
		last = ": " + d.LastError
	case d.LastStatus != 0 && !isStep(d):
		last = fmt.Sprintf(": HTTP %d", d.LastStatus)
	}
	switch d.State {
	case journal.Delivered:
		return "delivered" + last + " (" + tries + ")"
	case journal.Dead:
		return "given up after " + tries + last
	case journal.Gathered:
		return "said with others, in the call " + shortID(d.Digest, leastShown)
	case journal.Cancelled:
		return "not made, for the actions before it were not done"
	case journal.Waiting:
		return "waits for the other actions"
	}
	if why := heldBack(d); why != "" {
		if isStep(d) {
			why += last
		}
		return "held back by " + why + "; made " + when(d.Next, zone)
	}
	if d.Attempts == 0 {
		return "not called yet"
	}
	return "waits after " + tries + last + "; again " + when(d.Next, zone)
}

// heldBack is what holds a call back now, "" where nothing does.
func heldBack(d journal.Delivery) string {
	if d.State != journal.Pending || !d.Next.After(time.Now()) {
		return ""
	}
	return strings.ReplaceAll(d.Held, "_", " ")
}

// when says at what time something comes, and how far that is.
func when(at time.Time, zone *time.Location) string {
	in := time.Until(at)
	if in <= 0 {
		return "now"
	}
	text := "at " + at.In(zone).Format("15:04:05")
	if in > 20*time.Hour {
		text = "on " + at.In(zone).Format("2006-01-02 15:04")
	}
	return text + " (" + soon(in) + ")"
}

func soon(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("in %d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("in %d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("in %d h", int(d.Hours()))
	}
	return fmt.Sprintf("in %d days", int(d.Hours()/24))
}
