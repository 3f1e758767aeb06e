package actions_test

import (
	"context"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

var away = actions.Action{Kind: actions.Move, Account: "work", Mailbox: "X"}

func TestMoveToAnotherAccount(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*fake)
		source string // what is left
		log    []string
		states []actions.State
	}{
		{"proven by APPENDUID", func(*fake) {}, "",
			[]string{"APPEND 1 work X", "APPEND 2 work X", "STORE 1:2 +[\\Deleted]", "EXPUNGE 1:2"}, []actions.State{actions.Done, actions.Done}},
		{"proven by a look", func(f *fake) { f.noCopyUID = true }, "",
			[]string{"APPEND 1 work X", "APPEND 2 work X", "FIND X", "STORE 1:2 +[\\Deleted]", "EXPUNGE 1:2"}, []actions.State{actions.Done, actions.Done}},
		{"without proof", func(f *fake) { f.noCopyUID, f.noProof = true, true }, "1 2",
			[]string{"APPEND 1 work X", "APPEND 2 work X", "FIND X"}, []actions.State{actions.NotDone, actions.NotDone}},
		{"without UIDPLUS at the source", func(f *fake) { f.can.UIDPlus = false }, "1! 2!",
			[]string{"APPEND 1 work X", "APPEND 2 work X", "STORE 1:2 +[\\Deleted]"}, []actions.State{actions.DoneLeft, actions.DoneLeft}},
		{"where expunging is not removing", func(f *fake) { f.can.Aside = "All Mail" }, "",
			[]string{"APPEND 1 work X", "APPEND 2 work X", "MOVE 1:2 All Mail"}, []actions.State{actions.Done, actions.Done}},
		{"one is gone", func(f *fake) { f.gone = map[imap.UID]bool{1: true} }, "",
			[]string{"APPEND 1 work X", "APPEND 2 work X", "STORE 2 +[\\Deleted]", "EXPUNGE 2"}, []actions.State{actions.Gone, actions.Done}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(actions.Can{Move: true, UIDPlus: true}, 1, 2)
			tc.change(f)
			out, err := actions.Apply(context.Background(), f, away, refs(1, 2))
			if err != nil {
				t.Fatal(err)
			}
			f.wantLog(t, tc.log...)
			f.wantSource(t, tc.source)
			for i, state := range tc.states {
				if out[i].State != state {
					t.Errorf("message %d: %s, want %s", i+1, out[i].State, state)
				}
			}
		})
	}
}

func TestNothingLeavesWhenItsCopyIsRefused(t *testing.T) {
	f := newFake(actions.Can{Move: true, UIDPlus: true}, 1)
	f.refuse = "APPEND"
	if _, err := actions.Apply(context.Background(), f, away, refs(1)); err == nil {
		t.Error("a refused APPEND is no error")
	}
	f.wantLog(t, "APPEND 1 work X")
	f.wantSource(t, "1")
}

func TestCopyToAnotherAccount(t *testing.T) {
	f := newFake(actions.Can{}, 1, 2)
	f.gone = map[imap.UID]bool{2: true}
	out, err := actions.Apply(context.Background(), f, actions.Action{Kind: actions.Copy, Account: "work", Mailbox: "X"}, refs(1, 2))
	if err != nil || out[0].State != actions.Done || out[0].Target != 100 || out[1].State != actions.Gone {
		t.Errorf("%v, %v", out, err)
	}
	f.wantLog(t, "APPEND 1 work X", "APPEND 2 work X")
	f.wantSource(t, "1")
}

// The same mailbox of two accounts is two places.
func TestCopiesIntoTwoAccounts(t *testing.T) {
	var p actions.Plan
	for _, account := range []string{"", "work", "work"} {
		p.Add(actions.Item{Rule: "r", Action: &actions.Action{Kind: actions.Copy, Account: account, Mailbox: "X"}})
	}
	p.Resolve()
	const want = "copy: X, copy: {account: work, mailbox: X}, copy: {account: work, mailbox: X} (superseded by r)"
	if p.String() != want {
		t.Errorf("got %s", p)
	}
	if p.Items[0].Action.Equal(*p.Items[1].Action) {
		t.Error("a copy here equals one there")
	}
}
