package actions

// forwardSpec has no apply: a forward never touches the mailbox. The engine records a
// delivery with the decision; package actions/smtp builds and sends the message.
func forwardSpec() Spec {
	return Spec{
		Kind: Forward, Arg: ArgRecipients, Phase: PhaseOutside,
		Doc:     "Send the message on, within a new one of yours, to addresses of the configuration. What comes after it waits until the mail server has taken it.",
		Needs:   "Nothing of the server, but `smtp:` and `allow: [forward]` at the top level. Sent at least once, with the same Message-ID each time; bulk and automatic mail only with `anyway: true`.",
		Example: `forward: ann@example.net`,
	}
}
