package sim

import (
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/model"
)

// then is an act a little later, within which everything is done when nothing
// goes wrong.
func then(do func(w *World)) Act { return Act{After: 5 * time.Second, Do: do} }

// mail delivers messages with these subjects to INBOX.
func mail(subjects ...string) func(w *World) {
	return func(w *World) {
		for _, s := range subjects {
			w.Mail("INBOX", s)
		}
	}
}

// bystanders are messages that nobody may touch.
func bystanders(w *World) {
	w.Mail("INBOX", "0 keep")
	w.Mail("INBOX", "0 keep read", imap.FlagSeen)
	w.Mail("INBOX", "0 move deleted by another", imap.FlagDeleted)
}

// Scenarios is what the sweep breaks.
func Scenarios() []Scenario {
	return []Scenario{
		{
			Name:   "everything",
			Before: func(w *World) { w.Mail("INBOX", "0 move before the start") },
			Acts: []Act{then(bystanders),
				then(mail("1 hook flag copy move", "2 copy", "3 seen move")), then(mail("4 hook", "5 away", "6 flag"))},
		},
		{
			Name: "everything without MOVE", Server: model.Options{NoMove: true},
			Acts: []Act{then(bystanders), then(mail("1 hook flag copy move", "2 seen move", "3 away"))},
		},
		{
			Name: "everything without MOVE and UIDPLUS", Server: model.Options{NoMove: true, NoUIDPlus: true},
			Acts: []Act{then(bystanders), then(mail("1 flag copy move", "2 seen move", "3 copy"))},
		},
		{
			Name: "COPYUID withheld", Server: model.Options{NoCopyUID: true},
			Acts: []Act{then(bystanders), then(mail("1 copy move", "2 move", "3 copy"))},
		},
	}
}
