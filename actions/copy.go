package actions

import "github.com/emersion/go-imap/v2"

func copySpec() Spec {
	return Spec{
		Kind: Copy, Arg: ArgMailbox, Phase: PhaseCopy,
		Doc:     "Copy the message to another mailbox, which is created when missing, or to the one with a role, as in role:archive. With {account: NAME, mailbox: ...} to one of another account.",
		Needs:   "UIDPLUS proves the copy; without it the target is searched after a crash. Another account: FETCH and APPEND, at most 64 MiB a message.",
		Example: `copy: Accounting/${year(received)}`,
		apply:   copyMessages,
	}
}

func copyMessages(r request) ([]Outcome, error) {
	if r.action.Account != "" {
		return r.copyAway()
	}
	copied, err := r.mailbox.Copy(r.ctx, r.uids(), r.action.Mailbox)
	if err != nil {
		return nil, err
	}
	if copied == nil && r.mailbox.Can().UIDPlus {
		return r.copyOfWhatIsThere()
	}
	return r.copyOutcomes(copied)
}

// copyOfWhatIsThere is for a server that names copies and named none. It may have
// copied nothing, since COPY says OK to messages that left before (RFC 9051
// section 6.4.9).
func (r request) copyOfWhatIsThere() ([]Outcome, error) {
	there, err := r.mailbox.Present(r.ctx, r.uids())
	if err != nil {
		return nil, err
	}
	out := r.all(Done)
	for i := range out {
		if !there.Contains(out[i].UID) {
			out[i].State = Gone
		}
	}
	return out, nil
}

// copyOutcomes turns COPYUID into outcomes. A server that has UIDPLUS names
// the messages that it copied, so one that it leaves out was not copied
// (RFC 4315 section 3). Without COPYUID the unqualified OK covers them all.
func (r request) copyOutcomes(copied map[imap.UID]imap.UID) ([]Outcome, error) {
	if copied == nil {
		return r.all(Done), nil
	}
	out := make([]Outcome, len(r.refs))
	for i, ref := range r.refs {
		target, ok := copied[ref.UID]
		out[i] = Outcome{UID: ref.UID, State: NotDone}
		if ok {
			out[i] = Outcome{UID: ref.UID, State: Done, Target: target}
		}
	}
	return out, nil
}
