package actions

// saveAttachmentsSpec has no apply: files never touch the mailbox. The engine records
// a delivery with the decision; package actions/attachment writes the files.
func saveAttachmentsSpec() Spec {
	return Spec{
		Kind: SaveAttachments, Arg: ArgFolder, Phase: PhaseOutside,
		Doc:     "Save the attachments as files in a folder. What comes after it waits until they are on the disk.",
		Needs:   "Nothing of the server, and its word under `allow:` at the top level. Nothing is overwritten, and what is there already is not saved again.",
		Example: "save_attachments: /srv/invoices",
	}
}
