package actions

import (
	"errors"
	"maps"

	"github.com/emersion/go-imap/v2"
)

// copyAway copies the messages to a mailbox of another account. A plain OK counts
// for a copy of which nobody tells the UID: nothing is removed on its word.
func (r request) copyAway() ([]Outcome, error) {
	sent, gone, err := r.transfer()
	out := r.all(Done)
	for i := range out {
		out[i].Target = sent[out[i].UID]
		if gone.Contains(out[i].UID) {
			out[i].State = Gone
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// moveAway moves the messages to a mailbox of another account. Only those are
// removed of which the other server named the copy, or which were found there.
func (r request) moveAway() ([]Outcome, error) {
	sent, gone, err := r.transfer()
	if err != nil {
		return nil, err
	}
	var here []MessageRef
	var out []Outcome
	for _, ref := range r.refs {
		if gone.Contains(ref.UID) {
			out = append(out, Outcome{UID: ref.UID, State: Gone})
		} else {
			here = append(here, ref)
		}
	}
	finished, err := FinishMove(r.ctx, r.mailbox, here, sent)
	return append(out, finished...), err
}

// transfer carries the messages over, one after the other, and returns the UIDs of
// those copies that are proven, and which messages are not there any more. It stops
// at the first error.
func (r request) transfer() (proven map[imap.UID]imap.UID, gone imap.UIDSet, err error) {
	proven = map[imap.UID]imap.UID{}
	var untold []MessageRef
	for _, ref := range r.refs {
		uid, err := r.mailbox.Transfer(r.ctx, ref, r.action.Account, r.action.Mailbox)
		switch {
		case errors.Is(err, ErrGone):
			gone.AddNum(ref.UID)
		case err != nil:
			return proven, gone, err
		case uid == 0:
			untold = append(untold, ref)
		default:
			proven[ref.UID] = uid
		}
	}
	if len(untold) == 0 {
		return proven, gone, nil
	}
	// No APPENDUID: the OK is a claim, the target is the proof.
	found, err := r.mailbox.FindThere(r.ctx, r.action.Account, r.action.Mailbox, untold)
	maps.Copy(proven, found)
	return proven, gone, err
}
