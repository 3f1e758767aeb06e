package actions

import (
	"github.com/emersion/go-imap/v2"
)

func moveSpec() Spec {
	return Spec{
		Kind: Move, Arg: ArgMailbox, Phase: PhaseMove, Destination: true,
		Doc: "Move the message to another mailbox, which is created when missing, or to the one with a role, as in role:archive. With {account: NAME, mailbox: ...} to one of another account.",
		Needs: "MOVE. Without it: COPY, proof of the copy, \\Deleted, UID EXPUNGE of just that message. " +
			"Without UIDPLUS too, the original stays, flagged \\Deleted. Another account: FETCH, APPEND, proof of the copy, then the same; at most 64 MiB a message.",
		Example: `move: Lists/${list.name}`,
		apply:   moveMessages,
	}
}

func trashSpec() Spec {
	return byRoleSpec(Trash, "Move the message to the mailbox with the \\Trash role.")
}

func archiveSpec() Spec {
	return byRoleSpec(Archive, "Move the message to the mailbox with the \\Archive role.")
}

func junkSpec() Spec {
	return byRoleSpec(Junk, "Move the message to the mailbox with the \\Junk role.")
}

// byRoleSpec is a move to the mailbox that has the role of that name.
func byRoleSpec(kind Kind, doc string) Spec {
	spec := moveSpec()
	spec.Kind, spec.Arg, spec.Role, spec.Doc = kind, ArgNone, string(kind), doc
	spec.Needs = "As move. The role is that of SPECIAL-USE; without it, the mailbox with the usual name of one is taken, and where there is none the action fails visibly and the message stays."
	spec.Example = string(kind)
	return spec
}

func moveMessages(r request) ([]Outcome, error) {
	if r.action.Account != "" {
		return r.moveAway()
	}
	if r.mailbox.Can().Move {
		return moveAtOnce(r)
	}
	return moveByCopy(r)
}

// moveAtOnce sends MOVE. A server may move only some of the messages and say so
// with COPYUID alone (RFC 6851 section 3.3), and it says OK to messages that left
// before. So what COPYUID does not name is looked at: still here means not done,
// gone and in the target means done.
func moveAtOnce(r request) ([]Outcome, error) {
	moved, err := r.mailbox.Move(r.ctx, r.uids(), r.action.Mailbox)
	if err != nil {
		return nil, err
	}
	here, err := r.stillHere(moved)
	if err != nil {
		return nil, err
	}
	named := moved != nil
	if !named && r.mailbox.Can().UIDPlus {
		if moved, err = r.arrived(here); err != nil {
			return nil, err
		}
		named = true
	}
	out := make([]Outcome, len(r.refs))
	for i, ref := range r.refs {
		out[i] = moveOutcome(ref.UID, moved, named, here.Contains(ref.UID))
	}
	return out, nil
}

// stillHere returns those messages that COPYUID does not name and that are
// still in the source. It asks the server only when there are such messages.
func (r request) stillHere(moved map[imap.UID]imap.UID) (imap.UIDSet, error) {
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

// arrived looks in the target for the messages that left the source. A server that
// names copies and named none may have moved nothing, or keep it to itself.
func (r request) arrived(here imap.UIDSet) (map[imap.UID]imap.UID, error) {
	var left []MessageRef
	for _, ref := range r.refs {
		if !here.Contains(ref.UID) {
			left = append(left, ref)
		}
	}
	if len(left) == 0 {
		return nil, nil
	}
	return r.mailbox.Arrived(r.ctx, r.action.Mailbox, left)
}

// moveOutcome is what became of one message. named says that moved names all that
// were moved; without it a message that left counts as moved.
func moveOutcome(uid imap.UID, moved map[imap.UID]imap.UID, named, here bool) Outcome {
	target, ok := moved[uid]
	switch {
	case here:
		return Outcome{UID: uid, State: NotDone}
	case ok || !named:
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
