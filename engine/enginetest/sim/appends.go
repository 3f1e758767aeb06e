package sim

import (
	"time"

	"imapilot/engine/enginetest/model"
)

// notes is where notes are put. They have no flags, and are no copies of the message.
const notes = "Notes"

// appending is mail of which notes and changed copies are made before it is moved.
func appending() []Scenario {
	watch := []string{"watch: [Notes, INBOX, Labelled]"}
	return []Scenario{{
		Name: "appends", Account: watch, Sparse: 6,
		Acts: []Act{then(bystanders), then(mail("1 note label copy move")), then(mail("2 note flag"))},
	}, {
		Name: "appends without MOVE and UIDPLUS", Account: watch, Mailboxes: []string{notes, "Labelled"}, Server: model.Options{NoMove: true, NoUIDPlus: true}, Sparse: 6,
		Acts: []Act{then(mail("1 note flag label move"))},
	}, {
		Name: "appends and a journal from a backup", Sparse: 12,
		Acts: []Act{then(mail("1 note")), then(backUp), then(mail("2 note label copy", "3 flag move")), {After: 3 * time.Hour, Do: restore}},
	}}
}
