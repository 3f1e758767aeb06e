package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// A snooze is undone for as long as it lasts: the message comes back at once, and its
// row goes with the commit that says so. Once it comes back of itself nothing of the
// snooze is left to put back, and what else its act did is looked for where it came to.

// back is where a message goes whose leaving is undone.
func (a *undoable) back() string {
	if a.asleep != nil {
		return a.asleep.Back
	}
	return a.Mailbox
}

// undoClock is the time by which it is told whether an entry is too old to be undone:
// a snooze that lasts is not.
func (c *connection) undoClock(e journal.Entry) time.Time {
	if _, ok := c.snoozed[e.Seq]; ok {
		return doneAt(e)
	}
	return time.Now()
}

// snoozeOf is the step by which an entry put its message away.
func snoozeOf(e journal.Entry) (journal.Step, bool) {
	s, ok := leaving(e)
	return s, ok && s.Action.Kind == actions.Snooze
}

// snoozedActs notes which of some acts put messages away that are asleep, and adds to
// what was done what just now brings back those of others.
func (c *connection) snoozedActs(ctx context.Context, acts []*undoable, acted []journal.Entry) ([]journal.Entry, error) {
	over := false
	for _, a := range acts {
		_, snoozed := snoozeOf(a.Entry)
		if s, ok := c.snoozed[a.Seq]; ok {
			a.asleep = &s.Snoozed
		} else if snoozed {
			over = true
		}
	}
	if !over {
		return acted, nil
	}
	coming, err := c.journal.Entries(ctx, journal.Query{Account: c.cfg.Name, Trigger: journal.TriggerSnooze, States: []journal.EntryState{journal.Open}})
	out := slices.Concat(acted, coming)
	slices.SortStableFunc(out, func(a, b journal.Entry) int { return cmp.Compare(b.Seq, a.Seq) })
	return slices.CompactFunc(out, func(a, b journal.Entry) bool { return a.Seq == b.Seq }), err
}

// returnOf is the entry by which a message comes back that another entry put away. why
// is that it cannot be told which one, or that it is under way; both are zero where
// there is none.
func returnOf(e journal.Entry, acted []journal.Entry) (back journal.Entry, why string) {
	s, ok := snoozeOf(e)
	if !ok {
		return back, ""
	}
	put := place{mailbox: s.Target, validity: s.TargetValidity, uid: s.TargetUID}
	n, twins := 0, 0
	for _, other := range acted {
		t, snoozes := snoozeOf(other)
		switch {
		case !identical(other.Print, e.Print) || other.State != journal.Open && other.State != journal.Done:
		case snoozes && t.Action.Until.Equal(s.Action.Until) && other.Seq != e.Seq:
			twins++
		case other.Trigger != journal.TriggerSnooze:
		case put.uid != 0 && put.is(place{mailbox: other.Mailbox, validity: other.UIDValidity, uid: other.UID}):
			return other, comingText(other)
		case other.Occasion == occasionOf(s.Action.Until):
			back = other
			n++
		}
	}
	if n > 0 && n+twins > 1 {
		return journal.Entry{}, "it cannot be told from others that are like it"
	}
	return back, comingText(back)
}

// awake is the entry by which a message is no longer where another entry snoozed it:
// one that undid that, or that brought it back. It is the entry itself where there is
// none.
func awake(e journal.Entry, acted []journal.Entry) journal.Entry {
	if _, ok := snoozeOf(e); !ok {
		return e
	}
	for _, u := range acted {
		if _, left := leaving(u); left && u.Undoes == e.Seq {
			return u
		}
	}
	if back, _ := returnOf(e, acted); back.Seq != 0 && back.State == journal.Done {
		return back
	}
	return e
}

func comingText(back journal.Entry) string {
	if back.State == journal.Open {
		return "it is just coming back"
	}
	return ""
}

// occasionOf is the occasion of what brings a message back.
func occasionOf(due time.Time) string { return due.UTC().Format(time.RFC3339) }
