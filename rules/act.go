package rules

import (
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

// items are what a rule that matched does with the message. They are good until the
// next rule is asked.
func (r *run) items(rule *compiledRule) ([]actions.Item, error) {
	items := r.scratch[:0]
	for i := range rule.actions {
		a, err := r.action(&rule.actions[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Then[i], err)
		}
		if r.isVoid(a) {
			continue
		}
		items = append(items, actions.Item{Action: a, Rule: rule.Name, Hash: rule.Hash, Index: i})
	}
	r.scratch = items
	return items, nil
}

// isVoid reports whether an action would do nothing: the message is where it leads,
// or the time until which it snoozes has come.
func (r *run) isVoid(a *actions.Action) bool {
	if a.Kind == actions.Snooze {
		return !a.Until.After(r.in.Now) || sameMailbox(r.rs.account(r.in.Account).Snooze, r.in.Mailbox.Name)
	}
	return a.Kind.Labels() && len(a.Labels) == 0 || isThere(a, r.in.Mailbox)
}

// isThere reports whether a message is where an action would bring it.
func isThere(a *actions.Action, m Mailbox) bool {
	if role := a.Role(); role != "" {
		return a.Account == "" && a.Append == nil && m.Role == role
	}
	return a.Account == "" && a.Mailbox != "" && a.Append == nil && sameMailbox(a.Mailbox, m.Name)
}

func (r *run) action(c *compiledAction) (*actions.Action, error) {
	if c.same != nil && (c.account == "" || c.account == r.in.Account) {
		return c.same, nil
	}
	return c.fill(r)
}

// fill makes the action for one message.
func (c *compiledAction) fill(r *run) (a *actions.Action, err error) {
	a = &actions.Action{Kind: c.kind, Include: c.message.include, RawLimit: c.message.rawLimit}
	if c.account != r.in.Account && c.arg != actions.ArgUntil {
		a.Account = c.account // a rule for several accounts, of which it is one
	}
	switch c.arg {
	case actions.ArgUntil:
		a.Until, err = c.until.from(r.in.Now)
	case actions.ArgEndpoint:
		a.Endpoint = c.args[0].parts[0].literal
		err = c.message.fill(r, c.args, a)
	case actions.ArgCommand:
		a.Command, err = c.command.fill(r, c.args)
	case actions.ArgLabels:
		a.Labels, err = r.labels(c)
	case actions.ArgFolder:
		a.Save, err = c.saving.fill(r, c.args)
	case actions.ArgRecipients, actions.ArgAnswer:
		a.Letter, err = c.letter.fill(r, c.kind, c.args)
	case actions.ArgAppend:
		if a.Mailbox, err = c.args[0].mailbox(r); err == nil {
			a.Append, err = c.appending.fill(r, c.args)
		}
	case actions.ArgMailbox:
		a.Mailbox, err = c.args[0].mailbox(r)
	case actions.ArgFlags:
		a.Flags, err = c.flags(r)
	}
	return a, err
}

func (c *compiledAction) flags(r *run) (out []imap.Flag, err error) {
	for _, t := range c.args {
		flag, err := t.flag(r)
		if err != nil {
			return nil, err
		}
		out = append(out, flag)
	}
	return out, nil
}

// share makes the action once, where that is enough. What cannot be made says why with
// each message.
func (c *compiledAction) share() {
	if !c.isSame() {
		return
	}
	if a, err := c.fill(&run{}); err == nil {
		a.Account = "" // it is used in its own account alone
		c.same = a
	}
}

// isSame reports whether the action is the same for all messages of its account.
func (c *compiledAction) isSame() bool {
	switch c.arg {
	case actions.ArgNone, actions.ArgMailbox, actions.ArgFlags:
		return !slices.ContainsFunc(c.args, func(t template) bool { return slices.ContainsFunc(t.parts, templatePart.isExpr) })
	}
	return false
}
