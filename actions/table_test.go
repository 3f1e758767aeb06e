package actions_test

import (
	"strings"
	"testing"

	"imapilot/actions"
)

// TestTableIsComplete holds each action to what the reference and the dry run
// print of it.
func TestTableIsComplete(t *testing.T) {
	seen := map[actions.Kind]bool{}
	last := actions.Phase(0)
	for _, s := range actions.Table() {
		if s.Kind == "" || seen[s.Kind] || !s.Kind.Known() {
			t.Errorf("%q is empty, double or unknown", s.Kind)
		}
		seen[s.Kind] = true
		if !strings.HasSuffix(s.Doc, ".") || !strings.HasSuffix(s.Needs, ".") {
			t.Errorf("%s: Doc and Needs are sentences: %q, %q", s.Kind, s.Doc, s.Needs)
		}
		if s.Example != string(s.Kind) && !strings.HasPrefix(s.Example, string(s.Kind)+": ") || (s.Arg == actions.ArgNone) != (s.Example == string(s.Kind)) {
			t.Errorf("%s: the example is %q", s.Kind, s.Example)
		}
		if s.Phase < last {
			t.Errorf("%s is out of order", s.Kind)
		}
		last = s.Phase
		if s.Destination && (s.Repeatable || s.Phase < actions.PhaseMove) {
			t.Errorf("%s leaves its mailbox, so it comes last and is never repeated", s.Kind)
		}
		if s.Kind.Spec().Doc != s.Doc {
			t.Errorf("%s: Spec gives another one", s.Kind)
		}
		checkApply(t, s)
	}
	for _, k := range []actions.Kind{
		actions.AddFlags, actions.RemoveFlags, actions.SetFlags, actions.AddLabels, actions.RemoveLabels, actions.Copy, actions.AppendTo, actions.Move,
		actions.Trash, actions.Archive, actions.Junk, actions.Snooze, actions.Expunge, actions.Webhook, actions.Exec,
		actions.SaveAttachments, actions.Unsubscribe,
		actions.Forward, actions.Reply,
	} {
		if !seen[k] {
			t.Errorf("%s is not in the table", k)
		}
	}
	if actions.Kind("teleport").Known() || actions.Kind("").Known() {
		t.Error("an unknown kind is known")
	}
}

// checkApply: what is in the chain of a message acts on the mailbox, and what
// the outbox does cannot.
func checkApply(t *testing.T, s actions.Spec) {
	t.Helper()
	f := newFake(everything, 1)
	out, err := apply(f, toB(s.Kind), 1)
	if s.Phase == actions.PhaseOutbox || s.Kind.Outside() {
		if err == nil || len(f.log) > 0 {
			t.Errorf("%s is in the outbox and acted on the mailbox", s.Kind)
		}
		return
	}
	if err != nil || len(out) != 1 || len(f.log) == 0 {
		t.Errorf("%s: %+v, %v, sent %v", s.Kind, out, err, f.log)
	}
}
