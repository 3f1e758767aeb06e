package sim

import (
	"fmt"
	"time"

	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal"
)

// asleep is the mailbox of snoozed messages.
const asleep = "Snoozed"

// snoozes are messages that are put away and come back, some of them while the machine
// is off.
func snoozes() []Scenario {
	rule := "  - {name: snooze, if: 'has(subject, \"snooze\")', then: [snooze: 2h]}\n"
	acts := []Act{
		then(bystanders), then(mail("1 snooze", "2 hook snooze", "3 seen copy snooze")), then(twins(2, "4 snooze", "twin@example.org")),
		{After: 3 * time.Hour, Do: mail("5 snooze")}, {After: time.Hour, Do: turnOff(5 * time.Hour)},
	}
	return []Scenario{
		{Name: "snooze", Rules: []string{rule}, Target: asleep, Sparse: 6, Acts: acts, Account: []string{"watch: [INBOX, Snoozed]", "connections: 1"}, Mailboxes: []string{asleep}},
		{Name: "snooze, COPYUID withheld", Rules: []string{rule}, Target: asleep, Sparse: 6, Acts: acts, Server: model.Options{NoCopyUID: true, NoIdle: true}},
	}
}

// notBack says how many messages of a group have not been away and come back, or more
// than once. Where they are then is for others to say.
func notBack(group []*letter, entries []journal.Entry) []string {
	want, got := 0, 0
	for _, l := range group {
		if l.wants("snooze") {
			want++
		}
	}
	for _, e := range entries {
		if e.Subject == group[0].Subject && e.Trigger == journal.TriggerSnooze && e.State != journal.Open {
			got++
		}
	}
	if got != want {
		return []string{fmt.Sprintf("%q: %d came back, want %d", group[0].Subject, got, want)}
	}
	return nil
}
