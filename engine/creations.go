package engine

import (
	"fmt"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// creations are the mailboxes that rules would make as planned: as many as each may in a
// day.
type creations struct{ byRule map[string]map[string]bool }

// allows reports whether a rule may make a mailbox, and counts it.
func (c *creations) allows(rule, mailbox string) bool {
	made := c.byRule[rule]
	if !made[mailbox] && len(made) >= createsPerDay {
		return false
	}
	put(&made, mailbox, true)
	put(&c.byRule, rule, made)
	return true
}

// countWaiting counts in a plan a message of which something waits for a mailbox that is
// not there, and that an apply could not make now.
func (c *connection) countWaiting(r *Report, p *pass, m *candidate) {
	for _, e := range m.entries {
		if e.State == journal.Open {
			c.countEntryWaiting(r, p, e)
		}
	}
}

func (c *connection) countEntryWaiting(r *Report, p *pass, e journal.Entry) {
	waits := map[string]bool{}
	for _, item := range e.Plan.Effective() {
		why := c.waitsFor(p, e.Mailbox, item)
		if why == "" || waits[item.Rule] {
			continue
		}
		if len(waits) == 0 {
			r.Waiting++
		}
		waits[item.Rule] = true
		o := r.rule(c.cfg.Name, item.Rule)
		o.Waiting, o.WaitingBecause = o.Waiting+1, why
	}
}

// waitsFor is why an item waits for its mailbox, "" if it does not. One in another account
// is looked for when it is needed, and a label's mailbox is the server's.
func (c *connection) waitsFor(p *pass, source string, item actions.Item) string {
	target, reason := c.target(item.Action, source)
	switch {
	case reason != "" || target == "" || journal.IsAbroad(target) || c.dir.exists(target):
		return ""
	case c.cfg.NoCreate:
		return "their mailbox does not exist, and create: false keeps imapilot from making it"
	case p.creates.allows(item.Rule, target):
		return ""
	}
	return fmt.Sprintf("a rule makes at most %d mailboxes in 24 h, and these are for others; they go on by themselves while 'imapilot run' runs", createsPerDay)
}
