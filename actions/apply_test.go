package actions_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

var (
	everything = actions.Can{Move: true, UIDPlus: true}
	uidplus    = actions.Can{UIDPlus: true}
	nothing    = actions.Can{}
)

func apply(f *fake, a actions.Action, uids ...imap.UID) ([]actions.Outcome, error) {
	return actions.Apply(context.Background(), f, a, refs(uids...))
}

func toB(kind actions.Kind) actions.Action { return actions.Action{Kind: kind, Mailbox: "B"} }

func wantOutcomes(t *testing.T, got []actions.Outcome, err error, want ...actions.Outcome) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("outcomes:\n got %+v\nwant %+v", got, want)
	}
}

func TestMoveWhereItIsOffered(t *testing.T) {
	f := newFake(everything, 1, 2, 3)
	out, err := apply(f, toB(actions.Move), 1, 3)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100}, actions.Outcome{UID: 3, State: actions.Done, Target: 101})
	f.wantLog(t, "MOVE 1,3 B")
	f.wantSource(t, "2")
}

// A server may answer OK, move some and name only those (RFC 6851 section 3.3).
func TestMoveOfSome(t *testing.T) {
	f := newFake(everything, 1, 2, 3)
	f.skip = map[imap.UID]bool{2: true}
	f.vanish = map[imap.UID]bool{3: true}
	out, err := apply(f, toB(actions.Move), 1, 2, 3)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100},
		actions.Outcome{UID: 2, State: actions.NotDone}, actions.Outcome{UID: 3, State: actions.Gone})
	f.wantLog(t, "MOVE 1:3 B", "PRESENT 2:3")
}

// A server that names copies and named none may have moved nothing: the target
// tells.
func TestMoveWithoutCopyUID(t *testing.T) {
	f := newFake(everything, 1, 2, 3)
	f.noCopyUID, f.skip, f.vanish = true, map[imap.UID]bool{2: true}, map[imap.UID]bool{3: true}
	out, err := apply(f, toB(actions.Move), 1, 2, 3)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100},
		actions.Outcome{UID: 2, State: actions.NotDone}, actions.Outcome{UID: 3, State: actions.Gone})
	f.wantLog(t, "MOVE 1:3 B", "PRESENT 1:3", "ARRIVED B")
}

// Nothing left: the target has nothing to tell.
func TestMoveOfNothing(t *testing.T) {
	f := newFake(everything, 1)
	f.noCopyUID, f.skip = true, map[imap.UID]bool{1: true}
	out, err := apply(f, toB(actions.Move), 1)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.NotDone})
	f.wantLog(t, "MOVE 1 B", "PRESENT 1")
}

// Without UIDPLUS no server names copies, and the source tells what was moved.
func TestMoveWithoutUIDPlus(t *testing.T) {
	f := newFake(actions.Can{Move: true}, 1, 2)
	f.noCopyUID, f.skip = true, map[imap.UID]bool{2: true}
	out, err := apply(f, toB(actions.Move), 1, 2)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done}, actions.Outcome{UID: 2, State: actions.NotDone})
	f.wantLog(t, "MOVE 1:2 B", "PRESENT 1:2")
}

func TestMoveIsNeverSentWithoutTheCapability(t *testing.T) {
	for _, can := range []actions.Can{uidplus, nothing} {
		f := newFake(can, 1)
		if _, err := apply(f, toB(actions.Move), 1); err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(f.log, func(c string) bool { return strings.HasPrefix(c, "MOVE") }) {
			t.Errorf("%+v: %v", can, f.log)
		}
	}
}

func TestMoveByCopy(t *testing.T) {
	f := newFake(uidplus, 1, 2, 3)
	f.source[3] = true // another client's
	out, err := apply(f, toB(actions.Move), 1, 2)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100}, actions.Outcome{UID: 2, State: actions.Done, Target: 101})
	f.wantLog(t, "COPY 1:2 B", `STORE 1:2 +[\Deleted]`, "EXPUNGE 1:2")
	f.wantSource(t, "3!")
}

// Only what COPYUID names is flagged and expunged.
func TestMoveByCopyRemovesOnlyWhatWasCopied(t *testing.T) {
	f := newFake(uidplus, 1, 2, 3)
	f.skip = map[imap.UID]bool{2: true}
	out, err := apply(f, toB(actions.Move), 1, 2, 3)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100},
		actions.Outcome{UID: 2, State: actions.NotDone}, actions.Outcome{UID: 3, State: actions.Done, Target: 101})
	f.wantLog(t, "COPY 1:3 B", `STORE 1,3 +[\Deleted]`, "EXPUNGE 1,3")
	f.wantSource(t, "2")
}

// An OK without COPYUID is a claim; the target is the proof.
func TestMoveByCopyLooksForTheProof(t *testing.T) {
	f := newFake(uidplus, 1, 2)
	f.noCopyUID, f.skip = true, map[imap.UID]bool{2: true}
	out, err := apply(f, toB(actions.Move), 1, 2)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100}, actions.Outcome{UID: 2, State: actions.NotDone})
	f.wantLog(t, "COPY 1:2 B", "FIND B", `STORE 1 +[\Deleted]`, "EXPUNGE 1")
	f.wantSource(t, "2")
}

func TestMoveByCopyWithoutProofTouchesNothing(t *testing.T) {
	for _, noCopyUID := range []bool{true, false} {
		f := newFake(uidplus, 1)
		f.noCopyUID, f.noProof, f.skip = noCopyUID, true, map[imap.UID]bool{1: true}
		out, err := apply(f, toB(actions.Move), 1)
		wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.NotDone})
		f.wantSource(t, "1")
		for _, c := range f.log {
			if strings.HasPrefix(c, "STORE") || strings.HasPrefix(c, "EXPUNGE") {
				t.Errorf("COPYUID withheld %v: sent %s", noCopyUID, c)
			}
		}
	}
}

// Without UIDPLUS there is no way to remove one message only.
func TestMoveWithoutUIDPlusLeavesTheOriginal(t *testing.T) {
	f := newFake(nothing, 1, 2)
	f.source[2] = true
	f.noCopyUID = true
	out, err := apply(f, toB(actions.Move), 1)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.DoneLeft, Target: 100})
	f.wantLog(t, "COPY 1 B", "FIND B", `STORE 1 +[\Deleted]`)
	f.wantSource(t, "1! 2!")
}

// TestRefusals lets each command of each action be refused: nothing that
// comes after it is sent, no outcome is claimed, and nothing is lost.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		kind   actions.Kind
		can    actions.Can
		refuse string
		sent   int
		source string
	}{
		{actions.Move, everything, "MOVE", 1, "1 2"},
		{actions.Move, uidplus, "COPY", 1, "1 2"},
		{actions.Move, uidplus, "STORE", 2, "1 2"},
		{actions.Move, uidplus, "EXPUNGE", 3, "1! 2!"},
		{actions.Trash, uidplus, "COPY", 1, "1 2"},
		{actions.Copy, everything, "COPY", 1, "1 2"},
		{actions.Expunge, everything, "STORE", 1, "1 2"},
		{actions.Expunge, everything, "EXPUNGE", 2, "1! 2!"},
		{actions.AddFlags, everything, "STORE", 1, "1 2"},
		{actions.RemoveFlags, everything, "STORE", 1, "1 2"},
	} {
		t.Run(fmt.Sprint(c.kind, " ", c.refuse), func(t *testing.T) {
			f := newFake(c.can, 1, 2)
			f.refuse = c.refuse
			out, err := apply(f, toB(c.kind), 1, 2)
			if !errors.Is(err, errRefused) || len(out) != 0 || len(f.log) != c.sent {
				t.Errorf("%+v, %v after %v", out, err, f.log)
			}
			f.wantSource(t, c.source)
		})
	}
}

// What cannot be looked at is not known: neither done nor undone.
func TestLookRefused(t *testing.T) {
	f := newFake(everything, 1)
	f.skip, f.refuse = map[imap.UID]bool{1: true}, "PRESENT"
	if out, err := apply(f, toB(actions.Move), 1); !errors.Is(err, errRefused) || out != nil {
		t.Errorf("%+v, %v", out, err)
	}
	f = newFake(everything, 1)
	f.noCopyUID, f.refuse = true, "ARRIVED"
	if out, err := apply(f, toB(actions.Move), 1); !errors.Is(err, errRefused) || out != nil {
		t.Errorf("%+v, %v", out, err)
	}
	f = newFake(uidplus, 1)
	f.noCopyUID, f.refuse = true, "FIND"
	if out, err := apply(f, toB(actions.Move), 1); !errors.Is(err, errRefused) || out != nil {
		t.Errorf("%+v, %v", out, err)
	}
	f.wantSource(t, "1")
}

func TestTrashIsAMove(t *testing.T) {
	f := newFake(everything, 1)
	out, err := apply(f, toB(actions.Trash), 1)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100})
	f.wantLog(t, "MOVE 1 B")
}

func TestCopy(t *testing.T) {
	f := newFake(uidplus, 1, 2)
	f.skip = map[imap.UID]bool{2: true}
	out, err := apply(f, toB(actions.Copy), 1, 2)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100}, actions.Outcome{UID: 2, State: actions.NotDone})
	f.wantLog(t, "COPY 1:2 B")
	f.wantSource(t, "1 2")
	f = newFake(nothing, 1)
	f.noCopyUID = true
	out, err = apply(f, toB(actions.Copy), 1)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done})
}

func TestExpunge(t *testing.T) {
	f := newFake(everything, 1, 2)
	f.source[2] = true
	out, err := apply(f, actions.Action{Kind: actions.Expunge}, 1)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done})
	f.wantLog(t, `STORE 1 +[\Deleted]`, "EXPUNGE 1")
	f.wantSource(t, "2!")
}

func TestExpungeWithoutUIDPlusIsRefusedBeforeAnything(t *testing.T) {
	f := newFake(actions.Can{Move: true}, 1)
	if out, err := apply(f, actions.Action{Kind: actions.Expunge}, 1); !errors.Is(err, actions.ErrNeedsUIDPlus) || out != nil {
		t.Errorf("%+v, %v", out, err)
	}
	f.wantLog(t)
}

func TestFlags(t *testing.T) {
	f := newFake(nothing, 1, 2)
	out, err := apply(f, actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{imap.FlagSeen, "$Invoice"}}, 1, 2)
	done := []actions.Outcome{{UID: 1, State: actions.Done}, {UID: 2, State: actions.Done}}
	wantOutcomes(t, out, err, done...)
	out, err = apply(f, actions.Action{Kind: actions.RemoveFlags, Flags: []imap.Flag{imap.FlagFlagged}}, 1, 2)
	wantOutcomes(t, out, err, done...)
	f.wantLog(t, `STORE 1:2 +[\Seen $Invoice]`, `STORE 1:2 -[\Flagged]`)
}

// FinishMove completes a move whose copy was found after a crash.
func TestFinishMove(t *testing.T) {
	f := newFake(uidplus, 1, 2, 3)
	out, err := actions.FinishMove(t.Context(), f, refs(1, 2), map[imap.UID]imap.UID{1: 100, 3: 101})
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.Done, Target: 100}, actions.Outcome{UID: 2, State: actions.NotDone})
	f.wantLog(t, `STORE 1 +[\Deleted]`, "EXPUNGE 1")
	f.wantSource(t, "2 3")

	f = newFake(uidplus, 1)
	out, err = actions.FinishMove(t.Context(), f, refs(1), nil)
	wantOutcomes(t, out, err, actions.Outcome{UID: 1, State: actions.NotDone})
	f.wantLog(t)
}

func TestApplyRefusesWhatIsNoMailboxAction(t *testing.T) {
	f := newFake(everything, 1)
	for _, kind := range []actions.Kind{actions.Webhook, "teleport", ""} {
		if _, err := apply(f, actions.Action{Kind: kind}, 1); err == nil {
			t.Errorf("%q was applied", kind)
		}
	}
	if out, err := apply(f, toB(actions.Move)); out != nil || err != nil {
		t.Errorf("no messages: %+v, %v", out, err)
	}
	f.wantLog(t)
}
