package actions_test

import (
	"context"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

// note is an append of a note, labelled one of a changed copy.
func note(mailbox, subject string) actions.Action {
	return actions.Action{Kind: actions.AppendTo, Mailbox: mailbox, Append: &actions.Append{Note: true, Subject: subject}}
}

func labelled(mailbox, value string) actions.Action {
	return actions.Action{Kind: actions.AppendTo, Mailbox: mailbox, Append: &actions.Append{Header: []actions.Field{{Name: "X-Label", Value: value}}}}
}

func TestAppend(t *testing.T) {
	f := newFake(actions.Can{UIDPlus: true}, 1, 2)
	f.gone = map[imap.UID]bool{2: true}
	out, err := actions.Apply(context.Background(), f, note("B", "Hello"), refs(1, 2))
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100}, actions.Outcome{UID: 2, State: actions.Gone})
	f.wantLog(t, "APPEND 1  B", "APPEND 2  B")
	f.wantSource(t, "1")
}

// What was appended before a refusal is a fact.
func TestAppendThatIsRefused(t *testing.T) {
	f := newFake(actions.Can{}, 1)
	f.refuse = "APPEND"
	if out, err := actions.Apply(context.Background(), f, note("B", "Hello"), refs(1)); err == nil || len(out) > 0 {
		t.Errorf("%v, %v", out, err)
	}
	f.wantSource(t, "1")
}

// A rule that asks for the same twice gets it once; two rules, or two texts, do not.
func TestAppendOfTheSameTwice(t *testing.T) {
	var p actions.Plan
	for _, i := range []actions.Item{
		{Rule: "a", Action: new(note("N", "one"))}, {Rule: "a", Action: new(note("N", "one"))}, {Rule: "a", Action: new(note("N", "two"))},
		{Rule: "b", Action: new(note("N", "one"))}, {Rule: "b", Action: new(labelled("N", "x"))}, {Rule: "b", Action: new(labelled("N", "y"))},
	} {
		p.Add(i)
	}
	p.Resolve()
	const want = "append: {to: N, subject: one}, append: {to: N, subject: one} (superseded by a), append: {to: N, subject: two}, " +
		"append: {to: N, subject: one}, append: {to: N, header: {X-Label: x}}, append: {to: N, header: {X-Label: y}}"
	if p.String() != want {
		t.Errorf("got  %s\nwant %s", p, want)
	}
	there := note("N", "one")
	there.Account = "work"
	if there.Equal(note("N", "one")) || there.String() != "append: {account: work, to: N, subject: one}" {
		t.Errorf("%s equals one here", there)
	}
}
