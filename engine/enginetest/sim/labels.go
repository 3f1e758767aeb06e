package sim

import (
	"slices"
	"strings"

	"imapilot/engine/enginetest/model"
)

// labelRules add and remove Gmail's labels. A message "7 strip shelved" comes with the label
// Old. The last rule fires on what arrives in Tagged by itself, never by a label of ours.
func labelRules() []string {
	return []string{
		"  - {name: tag, if: 'has(subject, \"tag\")', then: [add_labels: [Tagged, Fresh/One, \\Important]]}\n",
		"  - {name: strip, if: 'has(subject, \"strip\") and \"Old\" in gmail.labels', then: [remove_labels: [Old]]}\n",
		"  - {name: tagged, in: [Tagged], if: 'true', then: [add_flags: [$Again]]}\n",
	}
}

// labelled delivers messages, those that are shelved with that label.
func labelled(subjects ...string) func(w *World) {
	return func(w *World) {
		for _, subject := range subjects {
			if origin := w.Mail("INBOX", subject); slices.Contains(strings.Fields(subject), "shelved") {
				w.Server.Label(origin, "Old", true)
			}
		}
	}
}

// labels are those of Gmail.
func labels() []Scenario {
	return []Scenario{
		{
			Name: "Gmail's labels", Server: model.Options{Gmail: true}, Rules: labelRules(), Target: "Fresh/One", Sparse: 2,
			Account: []string{"watch: [INBOX, Tagged]"}, Mailboxes: []string{"Tagged", "Old"},
			Acts: []Act{then(bystanders), then(labelled("1 flag tag move", "2 strip shelved copy", "3 shelved")), then(labelled("4 strip tag shelved hook", "5 tag"))},
		},
		{
			Name: "Gmail's labels that are made", Server: model.Options{Gmail: true, NoMove: true}, Rules: labelRules(), Target: "Fresh/One", Sparse: 4,
			Acts: []Act{then(labelled("1 tag", "2 tag move", "3 strip shelved"))},
		},
	}
}
