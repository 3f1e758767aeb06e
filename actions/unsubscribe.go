package actions

// unsubscribeSpec has no apply: the request never touches the mailbox. The engine
// records a delivery with the decision; package actions/unsubscribe makes the request.
func unsubscribeSpec() Spec {
	return Spec{
		Kind: Unsubscribe, Phase: PhaseOutside, Free: true,
		Doc:     "Leave the list that sent the message, with one request (RFC 8058). What comes after it waits until the list has confirmed it.",
		Needs:   "Nothing of the server. Only an offer is taken that the sender signed (DKIM); without one it fails, and the message stays.",
		Example: "unsubscribe",
	}
}
