package actions

// webhookSpec has no apply: a webhook never touches the mailbox. The engine
// writes it to the outbox with the decision; package actions/webhook sends it.
func webhookSpec() Spec {
	return Spec{
		Kind: Webhook, Arg: ArgEndpoint, Phase: PhaseOutbox,
		Doc:     "POST a JSON document about the message to an endpoint of the configuration, with the decision or, `when: done`, after the other actions.",
		Needs:   "Nothing of the server. Delivered at least once, with the same webhook-id each time.",
		Example: `webhook: ci`,
	}
}
