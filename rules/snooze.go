package rules

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"imapilot/actions"
)

// errFarOff is an error of evaluation: a date that the configuration names may be
// far off for a message of today and near for one of next year.
var errFarOff = errors.New("a message can be snoozed for at most 366 days")

// from is when a message comes back that is snoozed now, to the second.
func (u *Until) from(now time.Time) (time.Time, error) {
	at := u.At(now).Truncate(time.Second)
	if at.After(now.Add(actions.MaxSnooze)) {
		return time.Time{}, fmt.Errorf("%s is too far off: %w", at.Format("2006-01-02"), errFarOff)
	}
	return at, nil
}

// printed is what the hash of a rule knows of it.
func (u *Until) printed() []string {
	if u == nil {
		return nil
	}
	return []string{"until", u.Text.Value, fmt.Sprint(u.Calendar)}
}

// printSnooze shows a snooze as it was written.
func printSnooze(a ActionSource) string {
	switch {
	case a.Until == nil:
		return a.Kind.Value
	case a.Until.Calendar:
		return a.Kind.Value + ": {until: " + a.Until.Text.Value + "}"
	}
	return a.Kind.Value + ": " + a.Until.Text.Value
}

// checkSnooze finds a snooze mailbox that the rule itself looks at.
func (b *builder) checkSnooze(r RuleSource, a ActionSource) {
	for _, name := range b.snoozeMailboxes(r) {
		b.checkOwnMailbox(r, actions.Snooze, a.Kind, name)
	}
}

// snoozeMailboxes are those of the accounts that a rule is for, each once.
func (b *builder) snoozeMailboxes(r RuleSource) []string {
	return snoozeMailboxes(b.src.Accounts, texts(r.Accounts))
}

func snoozeMailboxes(all []AccountSource, wanted []string) []string {
	var out []string
	for _, a := range all {
		if (len(wanted) == 0 || slices.Contains(wanted, a.Name)) && a.Snooze != "" && !slices.Contains(out, a.Snooze) {
			out = append(out, a.Snooze)
		}
	}
	return out
}
