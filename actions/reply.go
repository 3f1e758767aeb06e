package actions

// replySpec has no apply: an answer never touches the mailbox. The engine records a
// delivery with the decision; package actions/smtp builds and sends the message.
func replySpec() Spec {
	return Spec{
		Kind: Reply, Arg: ArgAnswer, Phase: PhaseOutside,
		Doc:     "Answer the sender with a text, once in seven days or what `every:` says (RFC 3834). What comes after it waits until the mail server has taken the answer, or it is clear that there is none.",
		Needs:   "Nothing of the server, but `smtp:` and `allow: [reply]` at the top level. Sent at least once, with the same Message-ID each time; bulk and automatic mail is not answered.",
		Example: `reply: 'Thank you, ${from.name}. I am back on Monday.'`,
	}
}
