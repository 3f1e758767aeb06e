package actions

import (
	"context"

	"github.com/emersion/go-imap/v2"
)

// FinishMove removes the originals of messages whose copies are proven: it
// flags exactly those \Deleted and expunges exactly those; where Can().Aside is set they
// are moved there in place of that. copied maps source
// to target UIDs; a message that it does not name is left alone and reported
// as not done. Recovery uses it to complete a move that was cut off after its
// copy, which must never be sent again.
func FinishMove(ctx context.Context, mb Mailbox, refs []MessageRef, copied map[imap.UID]imap.UID) ([]Outcome, error) {
	proven, out := split(refs, copied)
	if len(proven) == 0 {
		return out, nil
	}
	if aside := mb.Can().Aside; aside != "" {
		if _, err := mb.Move(ctx, proven, aside); err != nil {
			return nil, err
		}
		return removed(out, proven, Done), nil
	}
	if err := mb.Store(ctx, proven, imap.StoreFlagsAdd, []imap.Flag{imap.FlagDeleted}); err != nil {
		return nil, err
	}
	state := DoneLeft
	if mb.Can().UIDPlus {
		if err := mb.Expunge(ctx, proven); err != nil {
			return nil, err
		}
		state = Done
	}
	return removed(out, proven, state), nil
}

// removed are the outcomes when the originals of these are out of the way.
func removed(out []Outcome, proven imap.UIDSet, state State) []Outcome {
	for i := range out {
		if proven.Contains(out[i].UID) {
			out[i].State = state
		}
	}
	return out
}

func split(refs []MessageRef, copied map[imap.UID]imap.UID) (imap.UIDSet, []Outcome) {
	var proven imap.UIDSet
	out := make([]Outcome, len(refs))
	for i, ref := range refs {
		out[i] = Outcome{UID: ref.UID, State: NotDone}
		if target, ok := copied[ref.UID]; ok {
			proven.AddNum(ref.UID)
			out[i].Target = target
		}
	}
	return proven, out
}
