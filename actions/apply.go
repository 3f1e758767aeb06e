package actions

import (
	"context"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// request is one action on a set of messages.
type request struct {
	ctx     context.Context
	mailbox Mailbox
	action  Action
	refs    []MessageRef
}

// Apply performs one action on the messages, which all must be in the
// selected mailbox. For copies and moves, the target must be given in the
// server's own spelling in a.Mailbox, roles resolved.
//
// When the error is nil there is one outcome a message. When it is not, the
// outcomes returned are facts and nothing is known of the others: the caller
// looks before it tries again.
func Apply(ctx context.Context, mb Mailbox, a Action, refs []MessageRef) ([]Outcome, error) {
	spec := a.Kind.Spec()
	if spec.apply == nil {
		return nil, fmt.Errorf("action %q does not act on a mailbox", a.Kind)
	}
	if len(refs) == 0 {
		return nil, nil
	}
	return spec.apply(request{ctx: ctx, mailbox: mb, action: a, refs: refs})
}

func (r request) uids() imap.UIDSet {
	var set imap.UIDSet
	for _, ref := range r.refs {
		set.AddNum(ref.UID)
	}
	return set
}

// all gives every message of the request the same state.
func (r request) all(state State) []Outcome {
	out := make([]Outcome, len(r.refs))
	for i, ref := range r.refs {
		out[i] = Outcome{UID: ref.UID, State: state}
	}
	return out
}
