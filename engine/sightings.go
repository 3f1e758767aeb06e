package engine

import (
	"imapilot/actions"
	"imapilot/engine/journal"
)

// historyOf decides from the sightings of one Message-ID, in the order of
// handling and with their fates known, whether m is a duplicate, and from
// which mailbox it was moved, "" if it was not.
//
// A message that was seen exactly like m in a place that it left may be m
// itself. Which one it is cannot be proven, but it can be counted: each
// departure explains one later arrival in another mailbox, and the newest that
// is left over is where m came from.
func historyOf(m *sighting, group []*sighting) (duplicate bool, from string) {
	if m.unplaced {
		return false, "" // when it was handled is not known any more
	}
	var left []place
	for _, s := range group {
		if s.order >= m.order {
			break
		}
		if s.moved || s.now.is(m.first) {
			continue // another name of a message that is looked at already
		}
		duplicate = duplicate || isOriginal(s, m)
		if exact(s.print, m.print) {
			left = after(left, s)
		}
	}
	if m.copied || m.moved {
		return duplicate, ""
	}
	from, _ = explain(left, m.first.mailbox)
	return duplicate, from
}

// isOriginal reports whether s was delivered and makes m, which came after it, a
// second delivery. What may be m itself, or a copy, is none.
func isOriginal(s, m *sighting) bool {
	switch {
	case s.copied || m.copied || s.own || m.own:
		return false
	case exact(s.print, m.print):
		// A twin in another mailbox is what a client copied, perhaps on the way
		// of moving it, or what we did; only one beside it came twice.
		return wasBeside(s, m) && (s.fate == present || s.fate == destroyed)
	case same(s.print, m.print):
		// Some servers rewrite the date or the size of what they move.
		return s.fate == present
	default:
		return true
	}
}

// wasBeside reports whether s lies in the mailbox of m, or did so when m was
// decided first: a rule took it away only later.
func wasBeside(s, m *sighting) bool {
	met := !m.at.IsZero() && s.left.After(m.at)
	return sameName(s.now.mailbox, m.first.mailbox) || met && sameName(s.first.mailbox, m.first.mailbox)
}

// after are the departures that are left to be explained after s.
func after(left []place, s *sighting) []place {
	if !s.copied {
		_, left = explain(left, s.first.mailbox)
	}
	if s.fate == departed {
		left = append(left, s.now)
	}
	return left
}

// explain takes the newest departure that can explain an arrival: one from
// another mailbox.
func explain(left []place, arrival string) (from string, rest []place) {
	for i := len(left) - 1; i >= 0; i-- {
		if !sameName(left[i].mailbox, arrival) {
			return left[i].mailbox, append(left[:i:i], left[i+1:]...)
		}
	}
	return "", left
}

// followGroup applies what our entries say to the sightings of one Message-ID:
// where a rule moved a message, what it expunged, and what it copied.
func followGroup(group []*sighting, acted []journal.Entry) {
	for _, s := range group {
		if !s.look {
			continue
		}
		if step, ok := departure(s.first, acted); ok {
			s.left = step.At
		}
		s.now, s.fate, s.look = whereabouts(s.first, acted)
	}
	for i, s := range group {
		for _, o := range group[i+1:] {
			if o.now.is(s.now) {
				o.moved, o.look = true, false
			}
		}
	}
	for _, e := range acted {
		markCopies(group, e)
	}
}

// whereabouts follows a message through our own moves. look is set when the
// server must tell whether it is still there.
func whereabouts(p place, acted []journal.Entry) (now place, f fate, look bool) {
	for range len(acted) + 1 { // a ring of moves ends too
		step, ok := departure(p, acted)
		if !ok {
			break
		}
		if step.Action.Kind == actions.Expunge {
			return p, destroyed, false
		}
		if step.TargetUID == 0 || journal.IsAbroad(step.Target) {
			return p, untold, false
		}
		p = place{mailbox: step.Target, validity: step.TargetValidity, uid: step.TargetUID}
	}
	return p, present, true
}

// departure is the step of ours by which a message left a place.
func departure(p place, acted []journal.Entry) (journal.Step, bool) {
	for _, e := range acted {
		if !p.is(place{mailbox: e.Mailbox, validity: e.UIDValidity, uid: e.UID}) {
			continue
		}
		for _, s := range e.Steps {
			if isDone(s) && s.Action.Kind.Spec().Destination {
				return s, true
			}
		}
	}
	return journal.Step{}, false
}

func isDone(s journal.Step) bool { return s.State == journal.StepDone || s.State == journal.StepLeft }

// markCopies marks the copies that an entry made, with another date or size
// too, for some servers rewrite them. Where the server did not tell their UID,
// whatever is like it in the target is one.
func markCopies(group []*sighting, e journal.Entry) {
	for _, step := range e.Steps {
		if !isDone(step) || step.Action.Kind.Spec().Phase != actions.PhaseCopy {
			continue
		}
		at := place{mailbox: step.Target, validity: step.TargetValidity, uid: step.TargetUID}
		for _, s := range group {
			unknown := step.TargetUID == 0 && sameName(s.first.mailbox, step.Target)
			if same(s.print, step.Arrives(e)) && (unknown || s.first.is(at)) {
				s.copied = true
			}
		}
	}
}
