package engine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// undoable is an entry that is to be undone, and where its message and its copies are now.
type undoable struct {
	journal.Entry
	now lying
	// copies are by the index of the step that made them.
	copies map[int]lying
	// begun is set where the removal of its copies was begun: they may be flagged
	// \Deleted by us.
	begun bool
	// asleep is set while its snooze lasts.
	asleep *journal.Snoozed
	// over is why there is nothing of its snooze to put back, "" where there is.
	over string
}

// lying is a message as it lies on the server, or why it cannot be told where.
type lying struct {
	place
	print journal.Fingerprint
	flags []imap.Flag
	// labels are Gmail's, where an undo asked for them.
	labels []string
	// permanent is what can be stored there, empty: anything.
	permanent []imap.Flag
	// sure is set where it lies under the UID and UIDVALIDITY that are recorded.
	sure bool
	// why it was not found, "" where it was.
	why string
}

// reversal is what can be put back of one act, and what cannot.
type reversal struct {
	// steps are those of the message, flags before the move.
	steps   []journal.Step
	removed []removal
	// wakes is set where the message is no longer snoozed.
	wakes  bool
	cannot []Unable
}

// removal is a copy that is removed.
type removal struct {
	copy lying
	step journal.Step
}

// mayUndo says why an entry cannot be undone, whatever is there now; "" if it may be.
// by are the entries that undid it before.
func mayUndo(e journal.Entry, by []journal.Entry, now time.Time) string {
	switch {
	case e.Trigger == journal.TriggerUndo:
		return "it is an undo itself; 'imapilot apply --again' does once more what was undone"
	case e.Trigger == journal.TriggerSnooze:
		return "it brought back a message whose snooze was over"
	case e.State == journal.Open:
		return "it is still under way; 'imapilot skip' ends it"
	case e.State == journal.Undone && len(by) > 0:
		return undoneAlready(by)
	case !slices.ContainsFunc(e.Steps, mayHappened) && !slices.ContainsFunc(e.Plan.Effective(), isSent(e)):
		return "nothing was done"
	case now.Sub(doneAt(e)) > UndoWithin:
		return "it is longer ago than 30 days"
	}
	return ""
}

// undoneAlready says how an entry was undone before, "" where nothing came of it.
func undoneAlready(by []journal.Entry) string {
	why := ""
	for _, u := range by {
		switch u.State {
		case journal.Open:
			return "it is being undone"
		case journal.Failed, journal.Unsure:
			return "it was undone, which did not come to its end; 'imapilot retry' tries it again"
		case journal.Done:
			why = "undone already"
		}
	}
	return why
}

func mayHappened(s journal.Step) bool { return isDone(s) || s.State == journal.StepUnsure }

// isSent reports whether an item is a message to the outside that an entry caused.
func isSent(e journal.Entry) func(actions.Item) bool {
	sends := e.State != journal.Held && e.State != journal.DryRun && e.State != journal.Kept && e.State != journal.Withdrawn
	return func(i actions.Item) bool { return sends && i.Action.Kind.Spec().Phase == actions.PhaseOutbox }
}

// doneAt is when the last step of an entry was done.
func doneAt(e journal.Entry) time.Time {
	at := e.Decided
	for _, s := range e.Steps {
		if isDone(s) && s.At.After(at) {
			at = s.At
		}
	}
	return at
}

// reverse decides what can be put back of an act. mailbox gives the configuration's
// spelling of one; uidPlus is whether the server can remove single messages.
func reverse(a undoable, mailbox func(string) string, uidPlus bool) reversal {
	var r reversal
	for _, i := range a.Plan.Effective() {
		if isSent(a.Entry)(i) {
			r.unable(i.Action.String(), "what was sent cannot be called back")
		}
	}
	if a.now.why == "" && hasFlag(a.now.flags, imap.FlagDeleted) && !carries(a.Entry, imap.FlagDeleted) {
		a.now.why = "somebody flagged it \\Deleted"
	}
	r.flagsBack(a)
	r.labelsBack(a)
	for i, s := range a.Steps {
		switch {
		case s.State == journal.StepUnsure:
			r.unable(s.Action.String(), "it cannot be told whether it was done")
		case !isDone(s) || s.Action.Kind.Spec().Phase == actions.PhaseFlags:
		case s.Action.Kind.Spec().Phase == actions.PhaseCopy && journal.IsAbroad(s.Target):
			r.unable(s.Action.String(), "a copy in another account is not removed")
		case s.Action.Kind.Spec().Phase == actions.PhaseMove:
			r.moveBack(a, s, mailbox)
		case s.Action.Kind.Letters() && s.Error != "": // nothing was sent
		case s.Action.Kind.Letters():
			r.unable(s.Action.String(), "what was sent cannot be called back")
		case s.Action.Kind.Spec().Phase == actions.PhaseCopy:
			r.removeCopy(a, i, uidPlus)
		case s.Action.Kind == actions.SaveAttachments:
			r.unable(s.Action.String(), "the files stay where they were saved")
		case s.Action.Kind == actions.Unsubscribe:
			r.unable(s.Action.String(), "a list that was left is not joined again")
		case s.Action.Kind == actions.Expunge:
			r.unable(s.Action.String(), "what was expunged is gone for good")
		default:
			r.unable(s.Action.String(), "there is no way back from it")
		}
	}
	if len(r.steps)+len(r.removed)+len(r.cannot) == 0 {
		what := "flags"
		if labelled(a.Entry) {
			what = "labels"
		}
		r.unable("", "it changed nothing: all "+what+" were so before")
	}
	return r
}

func (r *reversal) unable(what, why string) { r.cannot = append(r.cannot, Unable{what, why}) }

// isLeaving reports whether an entry took its message out of the mailbox.
func isLeaving(e journal.Entry) bool {
	return slices.ContainsFunc(e.Steps, func(s journal.Step) bool { return isDone(s) && s.Action.Kind.Spec().Destination })
}

// flagsBack puts flags back: each once, as the last step left it.
func (r *reversal) flagsBack(a undoable) {
	var seen []imap.Flag
	for _, s := range slices.Backward(a.Steps) {
		if !isDone(s) || s.Action.Kind.Spec().Phase != actions.PhaseFlags {
			continue
		}
		back := map[actions.Kind][]imap.Flag{}
		for _, f := range toldOf(s.Action, a.Flags) {
			added, _ := s.Action.Says(f)
			if hasFlag(seen, f) {
				continue
			}
			if seen = append(seen, f); added == hasFlag(a.Flags, f) {
				continue // it was so before
			}
			did, undoes := flagChange(added)
			if why := flagStays(a, f, added); why != "" {
				r.unable(actions.Action{Kind: did, Flags: []imap.Flag{f}}.String(), why)
				continue
			}
			back[undoes] = append(back[undoes], f)
		}
		for _, kind := range []actions.Kind{actions.RemoveFlags, actions.AddFlags} {
			if len(back[kind]) > 0 {
				r.steps = append(r.steps, journal.Step{Action: &actions.Action{Kind: kind, Flags: back[kind]},
					Rule: s.Rule, Hash: s.Hash, Index: s.Index, State: journal.Recorded})
			}
		}
	}
}

// toldOf are the flags that an action told of, on a message that had some.
func toldOf(a *actions.Action, had []imap.Flag) []imap.Flag {
	if a.Kind == actions.SetFlags {
		return slices.Concat(a.Flags, slices.DeleteFunc(slices.Clone(had), func(f imap.Flag) bool { return hasFlag([]imap.Flag{recent}, f) }))
	}
	return a.Flags
}

// flagChange is what changes a flag so, and what changes it back.
func flagChange(added bool) (did, undoes actions.Kind) {
	if added {
		return actions.AddFlags, actions.RemoveFlags
	}
	return actions.RemoveFlags, actions.AddFlags
}

// flagStays says why a flag that an act changed is left as it is, "" if it is not.
func flagStays(a undoable, f imap.Flag, added bool) string {
	switch {
	case a.now.why != "":
		return a.now.why
	case added != hasFlag(a.now.flags, f):
		return "the flag was changed since"
	case added:
		return ""
	case strings.EqualFold(string(f), string(imap.FlagDeleted)) && isLeaving(a.Entry):
		return "a message that is moved is not flagged \\Deleted again"
	case len(a.now.permanent) > 0 && !hasFlag(a.now.permanent, imap.FlagWildcard) && !hasFlag(a.now.permanent, f):
		return "the server cannot store the flag where the message is now"
	}
	return ""
}

func (r *reversal) moveBack(a undoable, s journal.Step, mailbox func(string) string) {
	if why := cmp.Or(a.over, a.now.why); why != "" {
		r.unable(s.Action.String(), why)
		return
	}
	r.wakes = a.asleep != nil
	r.steps = append(r.steps, journal.Step{Action: &actions.Action{Kind: actions.Move, Mailbox: mailbox(a.back())},
		Rule: s.Rule, Hash: s.Hash, Index: s.Index, Target: a.back(), State: journal.Recorded})
}

// removeCopy removes the copy that a step made, where that is proven. Without a way
// to remove one message it is left flagged.
func (r *reversal) removeCopy(a undoable, step int, uidPlus bool) {
	s := a.Steps[step]
	copied := a.copies[step]
	if why := notOurs(a, step, copied); why != "" {
		r.unable(s.Action.String(), why)
		return
	}
	back := journal.Step{Action: &actions.Action{Kind: actions.Expunge}, Rule: s.Rule, Hash: s.Hash, Index: s.Index, State: journal.Recorded}
	if !uidPlus {
		back.Action = &actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{imap.FlagDeleted}}
		r.unable(s.Action.String(), "the server offers no way to remove one message (UIDPLUS), so the copy is left flagged \\Deleted")
	}
	r.removed = append(r.removed, removal{copied, back})
}

// notOurs says why a copy cannot be removed, "" where it is proven that the step made
// it, that nobody did anything with it, and that the message is there without it.
func notOurs(a undoable, step int, copied lying) string {
	s := a.Steps[step]
	free := []imap.Flag{recent}
	if a.begun {
		free = append(free, imap.FlagDeleted)
	}
	note := s.Action.Append != nil && s.Action.Append.Note // it has no flags, and is no copy
	extra := func(f imap.Flag) bool { return (note || !carriesAt(a.Entry, step, f)) && !hasFlag(free, f) }
	i := slices.IndexFunc(copied.flags, extra)
	switch {
	case s.TargetUID == 0 || s.TargetValidity == 0:
		return "the server did not say which message is the copy"
	case copied.why != "":
		return copied.why
	case !copied.sure:
		return renumberedCopy
	case !identical(copied.print, s.Arrives(a.Entry)):
		return "what is in the place of the copy is another message"
	case !note && a.now.why != "":
		return "the message itself is not there, so that the copy may be the last: " + a.now.why
	case a.now.is(copied.place):
		return "the message itself cannot be told from the copy"
	case i >= 0:
		return "somebody gave the copy the flag " + string(copied.flags[i])
	}
	return ""
}

// recent is the one flag that nobody gives (RFC 3501 section 2.3.2).
const recent = imap.Flag("\\Recent")

// carriesAt is carries before a step.
func carriesAt(e journal.Entry, step int, f imap.Flag) bool {
	e.Steps = e.Steps[:step]
	return carries(e, f)
}
