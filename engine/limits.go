package engine

import (
	"fmt"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// quota counts how many messages each rule moved or expunged, so that a rule
// gone wrong stops before it has emptied a mailbox.
type quota struct {
	uses map[string][]time.Time // by rule, ascending
}

// window is the time over which arrivals are counted.
const window = 60 * time.Minute

// newQuota counts what the journal holds of the last hour.
func newQuota(entries []journal.Entry) *quota {
	q := &quota{uses: map[string][]time.Time{}}
	for i := range entries {
		if entries[i].State == journal.Held || entries[i].State == journal.DryRun {
			continue
		}
		if item, ok := entries[i].Plan.Destination(); ok {
			q.uses[item.Rule] = append(q.uses[item.Rule], entries[i].Decided)
		}
	}
	return q
}

// take counts one message against its rule's limit, or says why it is held.
// hours is the time since the mailbox's last scan: a week offline has a
// week's allowance of moves. Expunges get none: they cannot be undone.
func (q *quota) take(rule rules.Rule, kind actions.Kind, now time.Time, hours int) (string, bool) {
	limit := rule.MaxMoves * max(1, hours)
	if kind == actions.Expunge {
		limit = rule.MaxExpunges
	}
	q.prune(rule.Name, now)
	if len(q.uses[rule.Name]) >= limit {
		return fmt.Sprintf("limit reached: rule %q may take away %d messages in %d h", rule.Name, limit, max(1, hours)), false
	}
	q.uses[rule.Name] = append(q.uses[rule.Name], now)
	return "", true
}

func (q *quota) prune(rule string, now time.Time) {
	uses := q.uses[rule]
	for len(uses) > 0 && now.Sub(uses[0]) > window {
		uses = uses[1:]
	}
	q.uses[rule] = uses
}

// isImport reports whether the arrivals of one scan look like a migration or
// a restored backup rather than new mail.
func isImport(received []time.Time, lastScan time.Time) bool {
	if lastScan.IsZero() {
		return false
	}
	old := 0
	for _, at := range received {
		if at.Before(lastScan.Add(-24 * time.Hour)) {
			old++
		}
	}
	return old > importSize
}
