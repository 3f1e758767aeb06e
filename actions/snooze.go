package actions

// snoozeSpec is a move to the account's snooze mailbox. The engine notes with its
// outcome when the message comes back.
func snoozeSpec() Spec {
	return Spec{
		Kind: Snooze, Arg: ArgUntil, Phase: PhaseMove, Destination: true,
		Doc: "Move the message to the snooze mailbox of the account, and at a time back to where it was, unseen: " +
			"after a while, as in 3d, or at a time, as in {until: monday 08:00}, {until: tomorrow 08:00}, {until: '08:00'} or {until: 2026-05-08 08:00}.",
		Needs:   "As move. For at most 366 days, and at most 10,000 messages of an account at once; beyond that the action fails visibly and the message stays.",
		Example: "snooze: {until: tomorrow 08:00}",
		apply:   moveMessages,
	}
}
