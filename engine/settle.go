package engine

import (
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// settle writes what became of one step of an entry into it. The entry's
// state follows from its steps.
func settle(e *journal.Entry, step int, o actions.Outcome, now time.Time) {
	s := &e.Steps[step]
	s.At = now
	switch o.State {
	case actions.Done:
		s.State, s.TargetUID, s.Error = journal.StepDone, o.Target, ""
	case actions.DoneLeft:
		s.State, s.TargetUID, s.Error = journal.StepLeft, o.Target, ""
	case actions.Gone:
		s.State, s.Error = journal.StepReplaced, "the message was not in the mailbox any more"
		e.State, e.Reason = journal.Gone, s.Error
		return
	case actions.NotDone:
		failTry(e, step, "the server did not do it and did not say why", now)
		return
	}
	conclude(e)
}

// conclude derives the state of an entry from its steps.
func conclude(e *journal.Entry) {
	e.State = stateOf(*e)
	if e.State == journal.Done {
		e.Reason = "" // why it waited
	}
	for _, s := range e.Steps {
		if e.State == journal.Failed && s.State == journal.StepFailed && e.Reason == "" {
			e.Reason = s.Action.String() + ": " + s.Error
		}
	}
}

// retryDelay spreads a message's own failures over about a day.
func retryDelay(tries int) time.Duration {
	delays := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 4 * time.Hour, 18 * time.Hour}
	return delays[min(tries, len(delays))-1]
}

// failTry counts a failure that was the message's own. After the last try the
// step has failed and the message stays where it is.
func failTry(e *journal.Entry, step int, reason string, now time.Time) {
	e.Tries++
	e.Steps[step].Error = reason
	if e.Tries < maxTries {
		e.NextTry = now.Add(retryDelay(e.Tries))
		return
	}
	fail(e, step, reason, now)
}

// fail closes a step for good.
func fail(e *journal.Entry, step int, reason string, now time.Time) {
	e.Steps[step].State, e.Steps[step].Error, e.Steps[step].At = journal.StepFailed, reason, now
	e.State, e.Reason = journal.Failed, e.Steps[step].Action.String()+": "+reason
}

// unsure closes a step of which it cannot be told whether it happened.
func unsure(e *journal.Entry, step int, reason string, now time.Time) {
	e.Steps[step].State, e.Steps[step].Error, e.Steps[step].At = journal.StepUnsure, reason, now
	e.State, e.Reason = journal.Unsure, e.Steps[step].Action.String()+": "+reason
}

// stateOf derives the state of an entry whose steps were just made or changed.
func stateOf(e journal.Entry) journal.EntryState {
	done, withdrawn := 0, 0
	for _, s := range e.Steps {
		switch s.State {
		case journal.StepFailed:
			return journal.Failed
		case journal.StepUnsure:
			return journal.Unsure
		case journal.Recorded:
			return journal.Open
		case journal.StepReplaced:
			withdrawn++
		default:
			done++
		}
	}
	if done == 0 && withdrawn > 0 {
		return journal.Withdrawn
	}
	return journal.Done
}
