package engine

import (
	"context"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// doneEntry is an act on a message that had \Answered.
func doneEntry(done ...actions.Action) journal.Entry {
	e := journal.Entry{
		Seq: 9, Mailbox: "INBOX", UIDValidity: 3, UID: 5, State: journal.Done, Trigger: journal.TriggerArrival, Decided: undoNow(),
		Print: journal.Fingerprint{MessageID: "<a@x>", Size: 7}, Flags: []imap.Flag{imap.FlagAnswered},
	}
	for _, a := range done {
		e.Plan.Items = append(e.Plan.Items, actions.Item{Action: &a, Rule: "r", Hash: "h"})
		s := journal.Step{Action: &a, Rule: "r", Hash: "h", State: journal.StepDone, At: undoNow()}
		if a.Kind.Spec().Phase == actions.PhaseMove || a.Kind == actions.Copy {
			s.Target, s.TargetValidity, s.TargetUID = "To."+a.Mailbox, 4, 6
		}
		if a.Account != "" {
			s.Target = journal.Abroad(a.Account, a.Mailbox)
		}
		if a.Kind.Spec().Phase != actions.PhaseOutbox {
			e.Steps = append(e.Steps, s)
		}
	}
	return e
}

func undoNow() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }

func flagAction(kind actions.Kind, flags ...imap.Flag) actions.Action {
	return actions.Action{Kind: kind, Flags: flags}
}

// liesWith is the message of doneEntry in a place.
func liesWith(mailbox string, uid imap.UID, flags ...imap.Flag) lying {
	return lying{place: place{mailbox, 4, uid}, print: doneEntry().Print, flags: flags, sure: true}
}

func reversalText(r reversal) string {
	text := ""
	for _, s := range r.steps {
		text += "+" + s.Action.String() + "(" + s.Target + ") "
	}
	for _, m := range r.removed {
		text += "+" + m.step.Action.String() + "@" + m.copy.mailbox + " "
	}
	for _, c := range r.cannot {
		text += "-" + c.What + ": " + c.Why + " "
	}
	return text[:max(0, len(text)-1)]
}

// TestReverse is what can be put back of an act, by what is there now.
func TestReverse(t *testing.T) {
	move, trash := actions.Action{Kind: actions.Move, Mailbox: "B"}, actions.Action{Kind: actions.Trash}
	abroad := actions.Action{Kind: actions.Copy, Account: "work", Mailbox: "C"}
	copied, expunge := actions.Action{Kind: actions.Copy, Mailbox: "C"}, actions.Action{Kind: actions.Expunge}
	snooze := actions.Action{Kind: actions.Snooze, Until: undoNow()}
	seen, unanswered := flagAction(actions.AddFlags, imap.FlagSeen), flagAction(actions.RemoveFlags, imap.FlagAnswered)
	inbox := liesWith("INBOX", 5, imap.FlagAnswered)
	const (
		notOurCopy = "-copy: C: "
		lastCopy   = notOurCopy + "the message itself is not there, so that the copy may be the last: "
	)
	for _, c := range []struct {
		name string
		act  undoable
		want string
	}{
		{"flag added", undoable{Entry: doneEntry(seen), now: liesWith("INBOX", 5, "\\seen")}, `+remove_flags: [\Seen]()`},
		{"flag removed", undoable{Entry: doneEntry(unanswered), now: liesWith("INBOX", 5)}, `+add_flags: [\Answered]()`},
		{"flag was there before", undoable{Entry: doneEntry(flagAction(actions.AddFlags, "\\answered")), now: inbox}, `-: it changed nothing: all flags were so before`},
		{"flag was not there before", undoable{Entry: doneEntry(flagAction(actions.RemoveFlags, imap.FlagSeen)), now: liesWith("INBOX", 5, imap.FlagSeen)}, `-: it changed nothing: all flags were so before`},
		{"some were", undoable{Entry: doneEntry(flagAction(actions.AddFlags, imap.FlagSeen, imap.FlagAnswered)), now: liesWith("INBOX", 5, imap.FlagSeen, imap.FlagAnswered)}, `+remove_flags: [\Seen]()`},
		{"flag changed since", undoable{Entry: doneEntry(seen), now: inbox}, `-add_flags: [\Seen]: the flag was changed since`},
		{"flag given since", undoable{Entry: doneEntry(unanswered), now: inbox}, `-remove_flags: [\Answered]: the flag was changed since`},
		{"flag of two steps", undoable{Entry: doneEntry(seen, seen), now: liesWith("INBOX", 5, imap.FlagSeen)}, `+remove_flags: [\Seen]()`},
		{"flag that cannot be stored", undoable{Entry: doneEntry(unanswered), now: lying{place: place{"INBOX", 3, 5}, permanent: []imap.Flag{imap.FlagSeen}}},
			`-remove_flags: [\Answered]: the server cannot store the flag where the message is now`},
		{"flag that any may be", undoable{Entry: doneEntry(unanswered), now: lying{place: place{"INBOX", 3, 5}, permanent: []imap.Flag{imap.FlagWildcard}}}, `+add_flags: [\Answered]()`},
		{"flags set", undoable{Entry: doneEntry(flagAction(actions.SetFlags, imap.FlagSeen)), now: liesWith("INBOX", 5, imap.FlagSeen)},
			`+remove_flags: [\Seen]() +add_flags: [\Answered]()`},
		{"flags set, and changed since", undoable{Entry: doneEntry(flagAction(actions.SetFlags, imap.FlagSeen)), now: inbox},
			`-add_flags: [\Seen]: the flag was changed since -remove_flags: [\Answered]: the flag was changed since`},
		{"archived", undoable{Entry: doneEntry(actions.Action{Kind: actions.Archive}), now: liesWith("To.", 6)}, `+move: INBOX(INBOX)`},
		{"moved", undoable{Entry: doneEntry(move), now: liesWith("To.B", 6)}, `+move: INBOX(INBOX)`},
		{"snoozed", undoable{Entry: doneEntry(snooze), now: liesWith("To.", 6), asleep: &journal.Snoozed{Back: "Job"}}, `+move: Job(Job)`},
		{"snoozed, and the row lost", undoable{Entry: doneEntry(snooze), now: liesWith("To.", 6)}, `+move: INBOX(INBOX)`},
		{"snoozed once", undoable{Entry: doneEntry(seen, snooze), now: liesWith("INBOX", 7), over: "over"}, `-add_flags: [\Seen]: the flag was changed since -snooze: {until: 2026-06-01T00:00:00Z}: over`},
		{"trashed", undoable{Entry: doneEntry(trash), now: liesWith("To.", 6)}, `+move: INBOX(INBOX)`},
		{"flags before the move", undoable{Entry: doneEntry(seen, move), now: liesWith("To.B", 6, imap.FlagSeen)}, `+remove_flags: [\Seen]() +move: INBOX(INBOX)`},
		{"gone", undoable{Entry: doneEntry(seen, move), now: lying{why: "gone"}}, `-add_flags: [\Seen]: gone -move: B: gone`},
		{"deleted by somebody", undoable{Entry: doneEntry(move), now: liesWith("To.B", 6, imap.FlagDeleted)}, `-move: B: somebody flagged it \Deleted`},
		{"deleted by the rule", undoable{Entry: doneEntry(flagAction(actions.AddFlags, imap.FlagDeleted)), now: liesWith("INBOX", 5, imap.FlagDeleted)}, `+remove_flags: [\Deleted]()`},
		{"expunged", undoable{Entry: doneEntry(expunge), now: lying{why: "it was expunged"}}, `-expunge: what was expunged is gone for good`},
		{"webhook", undoable{Entry: doneEntry(actions.Action{Kind: actions.Webhook, Endpoint: "ci"}, seen), now: liesWith("INBOX", 5, imap.FlagSeen)},
			`+remove_flags: [\Seen]() -webhook: ci: what was sent cannot be called back`},
		{"copied", undoable{Entry: doneEntry(copied), now: inbox, copies: map[int]lying{0: liesWith("To.C", 6, imap.FlagAnswered)}}, `+expunge@To.C`},
		{"copied to another account", undoable{Entry: doneEntry(abroad, move), now: liesWith("To.B", 6), copies: map[int]lying{}},
			`+move: INBOX(INBOX) -copy: {account: work, mailbox: C}: a copy in another account is not removed`},
		{"copied with a flag of the rule", undoable{Entry: doneEntry(seen, copied), now: liesWith("INBOX", 5, imap.FlagSeen), copies: map[int]lying{1: liesWith("To.C", 6, imap.FlagSeen, `\Recent`)}},
			`+remove_flags: [\Seen]() +expunge@To.C`},
		{"copy that somebody read", undoable{Entry: doneEntry(copied), now: inbox, copies: map[int]lying{0: liesWith("To.C", 6, imap.FlagSeen)}}, notOurCopy + `somebody gave the copy the flag \Seen`},
		{"copy that somebody deletes", undoable{Entry: doneEntry(copied), now: inbox, copies: map[int]lying{0: liesWith("To.C", 6, imap.FlagDeleted)}}, notOurCopy + `somebody gave the copy the flag \Deleted`},
		{"copy that we deleted", undoable{Entry: doneEntry(copied), now: inbox, begun: true, copies: map[int]lying{0: liesWith("To.C", 6, imap.FlagDeleted)}}, `+expunge@To.C`},
		{"another message under its UID", undoable{Entry: doneEntry(copied), now: inbox, copies: map[int]lying{0: {place: place{"To.C", 4, 6}, sure: true, print: journal.Fingerprint{MessageID: "<b@x>"}}}},
			notOurCopy + `what is in the place of the copy is another message`},
		{"copy in a renumbered mailbox", undoable{Entry: doneEntry(copied), now: inbox, copies: map[int]lying{0: {place: place{"To.C", 8, 6}, print: doneEntry().Print}}}, notOurCopy + renumberedCopy},
		{"copy that is gone", undoable{Entry: doneEntry(copied), now: inbox, copies: map[int]lying{0: {why: "gone"}}}, notOurCopy + `gone`},
		{"the last copy", undoable{Entry: doneEntry(copied), now: lying{why: "gone"}, copies: map[int]lying{0: liesWith("To.C", 6)}}, lastCopy + `gone`},
		{"the copy of what was expunged", undoable{Entry: doneEntry(copied, expunge), now: lying{why: "it was expunged"}, copies: map[int]lying{0: liesWith("To.C", 6)}},
			lastCopy + `it was expunged -expunge: what was expunged is gone for good`},
		{"the copy is all there is", undoable{Entry: doneEntry(copied), now: liesWith("To.C", 6), copies: map[int]lying{0: liesWith("To.C", 6)}}, notOurCopy + `the message itself cannot be told from the copy`},
	} {
		if got := reversalText(reverse(c.act, func(s string) string { return s }, true)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// A copy of which the server did not tell the UID, or under which UIDVALIDITY, is
// nobody's.
func TestReverseOfACopyThatNobodyNamed(t *testing.T) {
	for _, change := range []func(*journal.Step){
		func(s *journal.Step) { s.TargetUID = 0 }, func(s *journal.Step) { s.TargetValidity = 0 },
	} {
		e := doneEntry(actions.Action{Kind: actions.Copy, Mailbox: "C"})
		change(&e.Steps[0])
		a := undoable{Entry: e, now: liesWith("INBOX", 5), copies: map[int]lying{0: liesWith("To.C", 6)}}
		if got := reversalText(reverse(a, nil, true)); got != "-copy: C: the server did not say which message is the copy" {
			t.Error(got)
		}
	}
}

// Without UIDPLUS a copy is left flagged, and it is said so.
func TestReverseWithoutUIDPlus(t *testing.T) {
	a := undoable{Entry: doneEntry(actions.Action{Kind: actions.Copy, Mailbox: "C"}), now: liesWith("INBOX", 5), copies: map[int]lying{0: liesWith("To.C", 6)}}
	want := `+add_flags: [\Deleted]@To.C -copy: C: the server offers no way to remove one message (UIDPLUS), so the copy is left flagged \Deleted`
	if got := reversalText(reverse(a, nil, false)); got != want {
		t.Error(got)
	}
}

// TestMayUndo is what keeps an entry from being undone.
func TestMayUndo(t *testing.T) {
	seen := flagAction(actions.AddFlags, imap.FlagSeen)
	by := func(states ...journal.EntryState) (out []journal.Entry) {
		for _, s := range states {
			out = append(out, journal.Entry{State: s})
		}
		return out
	}
	change := func(f func(*journal.Entry)) journal.Entry {
		e := doneEntry(seen)
		f(&e)
		return e
	}
	undone := change(func(e *journal.Entry) { e.State = journal.Undone })
	for _, c := range []struct {
		name string
		e    journal.Entry
		by   []journal.Entry
		want string
	}{
		{"done", doneEntry(seen), nil, ""},
		{"failed after a step", change(func(e *journal.Entry) { e.State = journal.Failed }), nil, ""},
		{"an undo", change(func(e *journal.Entry) { e.Trigger = journal.TriggerUndo }), nil, "it is an undo itself; 'imapilot apply --again' does once more what was undone"},
		{"a return", change(func(e *journal.Entry) { e.Trigger = journal.TriggerSnooze }), nil, "it brought back a message whose snooze was over"},
		{"open", change(func(e *journal.Entry) { e.State = journal.Open }), nil, "it is still under way; 'imapilot skip' ends it"},
		{"held", change(func(e *journal.Entry) { e.State, e.Steps = journal.Held, nil }), nil, "nothing was done"},
		{"old", change(func(e *journal.Entry) { e.Decided, e.Steps[0].At = e.Decided.Add(-31*24*time.Hour), time.Time{} }), nil, "it is longer ago than 30 days"},
		{"undone", undone, by(journal.Done), "undone already"},
		{"undone in part", undone, by(journal.Done, journal.Withdrawn), "undone already"},
		{"being undone", undone, by(journal.Done, journal.Open), "it is being undone"},
		{"its undo failed", undone, by(journal.Failed), "it was undone, which did not come to its end; 'imapilot retry' tries it again"},
		{"nothing came of its undo", undone, by(journal.Gone, journal.Skipped), ""},
	} {
		if got := mayUndo(c.e, c.by, undoNow()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// journalOf is a journal that holds some entries, whatever is asked for.
type journalOf struct {
	journal.Journal
	entries []journal.Entry
}

func (j journalOf) Entries(context.Context, journal.Query) ([]journal.Entry, error) {
	return j.entries, nil
}

// The removal of a copy is not bound to a new UID, though its fingerprint is found:
// under another UIDVALIDITY nothing proves that it is ours. Any other entry is.
func TestARemovalIsNotBoundAnew(t *testing.T) {
	e := doneEntry()
	e.State, e.Trigger = journal.Open, journal.TriggerUndo
	for _, removal := range []bool{true, false} {
		e.OfCopy, e.Steps = removal, []journal.Step{{Action: &actions.Action{Kind: actions.Expunge}, State: journal.Recorded}}
		c := &connection{account: &account{journal: journalOf{entries: []journal.Entry{e}}}}
		var batch journal.Batch
		known := []journal.Known{{UID: 8, Print: e.Print}}
		if err := c.rebind(t.Context(), &batch, "INBOX", 3, 4, renumbered(known, known), known); err != nil {
			t.Fatal(err)
		}
		if got := batch.Entries[0]; (got.State == journal.Withdrawn) != removal || (got.UID == 8) == removal {
			t.Errorf("removal %v: it is %s, of UID %d", removal, got.State, got.UID)
		}
	}
}
