package actions

// execSpec has no apply: a program never touches the mailbox. The engine records a
// delivery with the decision; package actions/exec runs the program.
func execSpec() Spec {
	return Spec{
		Kind: Exec, Arg: ArgCommand, Phase: PhaseOutside,
		Doc:     "Run a program of yours, with a JSON document about the message on its standard input. What comes after it waits until it has succeeded.",
		Needs:   "Nothing of the server, and `allow: [exec]` at the top level. Run at least once, with the same IMAPILOT_ID each time.",
		Example: `exec: [/usr/local/bin/notify, '--from=${from.address}', --, '${subject}']`,
	}
}
