package actions

import "github.com/emersion/go-imap/v2"

func addFlagsSpec() Spec {
	return Spec{
		Kind: AddFlags, Arg: ArgFlags, Phase: PhaseFlags, Repeatable: true,
		Doc:     "Add system flags or keywords.",
		Needs:   "Nothing beyond IMAP4rev1. A keyword that the server cannot store fails visibly.",
		Example: `add_flags: [\Seen, $Invoice]`,
		apply:   func(r request) ([]Outcome, error) { return store(r, imap.StoreFlagsAdd) },
	}
}

func removeFlagsSpec() Spec {
	return Spec{
		Kind: RemoveFlags, Arg: ArgFlags, Phase: PhaseFlags, Repeatable: true,
		Doc:     "Remove system flags or keywords.",
		Needs:   "Nothing beyond IMAP4rev1.",
		Example: `remove_flags: [\Flagged]`,
		apply:   func(r request) ([]Outcome, error) { return store(r, imap.StoreFlagsDel) },
	}
}

func setFlagsSpec() Spec {
	return Spec{
		Kind: SetFlags, Arg: ArgFlags, Phase: PhaseFlags, Repeatable: true,
		Doc:     "Give the message these system flags and keywords and no others.",
		Needs:   "Nothing beyond IMAP4rev1. A keyword that the server cannot store fails visibly.",
		Example: `set_flags: [\Seen, $Done]`,
		apply:   func(r request) ([]Outcome, error) { return store(r, imap.StoreFlagsSet) },
	}
}

func store(r request, op imap.StoreFlagsOp) ([]Outcome, error) {
	if err := r.mailbox.Store(r.ctx, r.uids(), op, r.action.Flags); err != nil {
		return nil, err
	}
	return r.all(Done), nil
}
