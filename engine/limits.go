package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// quota counts how many messages each rule moved or expunged, so that a rule
// gone wrong stops before it has emptied a mailbox.
type quota struct {
	uses map[string][]time.Time // by rule, ascending
	// run counts what one run takes away, however long it lasts; most, if it is
	// not 0, is then the limit of every rule.
	run  bool
	most int
}

// window is the time over which arrivals are counted.
const window = 60 * time.Minute

// newQuota counts what the journal holds of the last hour.
func newQuota(entries []journal.Entry) *quota {
	return (&quota{}).count(slices.DeleteFunc(entries, func(e journal.Entry) bool {
		return e.Trigger == journal.TriggerSchedule || e.Trigger == journal.TriggerApply || e.Trigger == journal.TriggerUndo || // they have their own, or none
			e.Trigger == journal.TriggerSnooze // what comes back is not taken away
	}))
}

// runQuota counts for one run; entries are what it recorded before it was cut
// off.
func runQuota(most int, entries []journal.Entry) *quota {
	return (&quota{run: true, most: most}).count(entries)
}

func (q *quota) count(entries []journal.Entry) *quota {
	q.uses = map[string][]time.Time{}
	q.add(entries)
	return q
}

// add counts what these entries take away.
func (q *quota) add(entries []journal.Entry) {
	for i := range entries {
		if entries[i].State == journal.Held || entries[i].State == journal.DryRun {
			continue
		}
		if item, ok := entries[i].Plan.Destination(); ok {
			q.uses[item.Rule] = append(q.uses[item.Rule], entries[i].Decided)
		}
	}
}

// take counts one message against its rule's limit, or says why it is held.
// hours is the time since the mailbox's last scan: a week offline has a
// week's allowance of moves. Expunges get none: they cannot be undone.
func (q *quota) take(rule rules.Rule, kind actions.Kind, now time.Time, hours int) (string, bool) {
	limit := q.limit(rule, kind, hours)
	q.prune(rule.Name, now)
	if len(q.uses[rule.Name]) >= limit {
		if q.run {
			return fmt.Sprintf("limit reached: rule %q may take away %s in one run", rule.Name, messageCount(limit)), false
		}
		return fmt.Sprintf("limit reached: rule %q may take away %s in %d h", rule.Name, messageCount(limit), max(1, hours)), false
	}
	q.uses[rule.Name] = append(q.uses[rule.Name], now)
	return "", true
}

// giveBack takes the last message of a rule out of the count: it was not recorded
// after all.
func (q *quota) giveBack(rule string) {
	if uses := q.uses[rule]; len(uses) > 0 {
		q.uses[rule] = uses[:len(uses)-1]
	}
}

func messageCount(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}

func (q *quota) limit(rule rules.Rule, kind actions.Kind, hours int) int {
	switch {
	case q.most > 0:
		return q.most
	case kind == actions.Expunge:
		return rule.MaxExpunges
	case q.run:
		return rule.MaxMoves
	}
	return rule.MaxMoves * max(1, hours)
}

// marked returns what was counted so far, for reset.
func (q *quota) marked() map[string][]time.Time { return maps.Clone(q.uses) }

// reset forgets what was counted since: it was not recorded.
func (q *quota) reset(mark map[string][]time.Time) { q.uses = mark }

func (q *quota) prune(rule string, now time.Time) {
	if q.run {
		return
	}
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
