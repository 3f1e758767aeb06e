package actions

import (
	"errors"

	"github.com/emersion/go-imap/v2"
)

// ErrNeedsUIDPlus is returned by expunge on a server without UIDPLUS, where
// removing one message would remove every message that anyone flagged.
var ErrNeedsUIDPlus = errors.New("expunge needs UIDPLUS (RFC 4315), which this server does not offer; use trash instead")

func expungeSpec() Spec {
	return Spec{
		Kind: Expunge, Arg: ArgNone, Phase: PhaseExpunge, Destination: true,
		Doc:     "Remove the message for ever. It must be spelled out and cannot be undone.",
		Needs:   "UIDPLUS. Without it the action fails visibly and the message stays.",
		Example: `expunge`,
		apply:   expungeMessages,
	}
}

func expungeMessages(r request) ([]Outcome, error) {
	if !r.mailbox.Can().UIDPlus {
		return nil, ErrNeedsUIDPlus
	}
	if err := r.mailbox.Store(r.ctx, r.uids(), imap.StoreFlagsAdd, []imap.Flag{imap.FlagDeleted}); err != nil {
		return nil, err
	}
	if err := r.mailbox.Expunge(r.ctx, r.uids()); err != nil {
		return nil, err
	}
	return r.all(Done), nil
}
