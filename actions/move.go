package actions

import (
	"github.com/emersion/go-imap/v2"
)

func moveSpec() Spec {
	return Spec{
		Kind: Move, Arg: ArgMailbox, Phase: PhaseMove, Destination: true,
		Doc: "Move the message to another mailbox, which is created when missing.",
		Needs: "MOVE. Without it: COPY, proof of the copy, \\Deleted, UID EXPUNGE of just that message. " +
			"Without UIDPLUS too, the original stays, flagged \\Deleted.",
		Example: `move: Lists/${list.name}`,
		apply:   moveMessages,
	}
}

func trashSpec() Spec {
	spec := moveSpec()
	spec.Kind, spec.Arg = Trash, ArgNone
	spec.Doc = "Move the message to the mailbox with the \\Trash role."
	spec.Example = `trash`
	return spec
}

func moveMessages(r request) ([]Outcome, error) {
	if r.mailbox.Can().Move {
		return moveAtOnce(r)
	}
	return moveByCopy(r)
}

// moveAtOnce sends MOVE. A server may move only some of the messages and say so
// with COPYUID alone (RFC 6851 section 3.3), so what COPYUID does not name is
// looked at: still here means not done, gone means that it left.
func moveAtOnce(r request) ([]Outcome, error) {
	moved, err := r.mailbox.Move(r.ctx, r.uids(), r.action.Mailbox)
	if err != nil {
		return nil, err
	}
	left, err := r.unnamed(moved)
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(r.refs))
	for i, ref := range r.refs {
		out[i] = moveOutcome(ref.UID, moved, left.Contains(ref.UID))
	}
	return out, nil
}

// unnamed returns those messages that COPYUID does not name and that are
// still in the source. It asks the server only when there are such messages.
func (r request) unnamed(moved map[imap.UID]imap.UID) (imap.UIDSet, error) {
	var ask imap.UIDSet
	for _, ref := range r.refs {
		if _, ok := moved[ref.UID]; !ok {
			ask.AddNum(ref.UID)
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	return r.mailbox.Present(r.ctx, ask)
}

func moveOutcome(uid imap.UID, moved map[imap.UID]imap.UID, stillHere bool) Outcome {
	target, named := moved[uid]
	switch {
	case stillHere:
		return Outcome{UID: uid, State: NotDone}
	case named || moved == nil:
		return Outcome{UID: uid, State: Done, Target: target}
	default:
		// It was not there when the server moved the others.
		return Outcome{UID: uid, State: Gone}
	}
}

// moveByCopy is MOVE spelled out for a server without it. Each command waits
// for the answer of the one before, so that nothing is removed whose copy was
// not proven.
func moveByCopy(r request) ([]Outcome, error) {
	copied, err := r.mailbox.Copy(r.ctx, r.uids(), r.action.Mailbox)
	if err != nil {
		return nil, err
	}
	if copied == nil {
		// No COPYUID: an unqualified OK is a claim, the target is the proof.
		if copied, err = r.mailbox.Find(r.ctx, r.action.Mailbox, r.refs); err != nil {
			return nil, err
		}
	}
	return FinishMove(r.ctx, r.mailbox, r.refs, copied)
}
