package rules

import (
	"fmt"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

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
func (r *run) isVoid(a actions.Action) bool {
	if a.Kind == actions.Snooze {
		return !a.Until.After(r.in.Now) || sameMailbox(r.rs.account(r.in.Account).Snooze, r.in.Mailbox.Name)
	}
	return a.Kind.Labels() && len(a.Labels) == 0 || isThere(a, r.in.Mailbox)
}

// isThere reports whether a message is where an action would bring it.
func isThere(a actions.Action, m Mailbox) bool {
	if role := a.Role(); role != "" {
		return a.Account == "" && a.Append == nil && m.Role == role
	}
	return a.Account == "" && a.Mailbox != "" && a.Append == nil && sameMailbox(a.Mailbox, m.Name)
}

func (r *run) action(c *compiledAction) (actions.Action, error) {
	a := actions.Action{Kind: c.kind, Include: c.message.include, RawLimit: c.message.rawLimit}
	if c.arg == actions.ArgUntil {
		var err error
		a.Until, err = c.until.from(r.in.Now)
		return a, err
	}
	if c.account != r.in.Account {
		a.Account = c.account // a rule for several accounts, of which it is one
	}
	if c.arg == actions.ArgEndpoint {
		a.Endpoint = c.args[0].parts[0].literal
		return a, c.message.fill(r, c.args, &a)
	}
	var err error
	switch c.arg {
	case actions.ArgCommand:
		a.Command, err = c.command.fill(r, c.args)
		return a, err
	case actions.ArgLabels:
		a.Labels, err = r.labels(c)
		return a, err
	case actions.ArgFolder:
		a.Save, err = c.saving.fill(r, c.args)
		return a, err
	}
	if c.kind.Letters() {
		a.Include, a.RawLimit = c.message.include, c.message.rawLimit
		a.Letter, err = c.letter.fill(r, c.kind, c.args)
		return a, err
	}
	if c.arg == actions.ArgAppend {
		if a.Mailbox, err = c.args[0].mailbox(r); err != nil {
			return actions.Action{}, err
		}
		a.Append, err = c.appending.fill(r, c.args)
		return a, err
	}
	for _, t := range c.args {
		switch c.arg {
		case actions.ArgMailbox:
			a.Mailbox, err = t.mailbox(r)
		default:
			var flag imap.Flag
			flag, err = t.flag(r)
			a.Flags = append(a.Flags, flag)
		}
		if err != nil {
			return actions.Action{}, err
		}
	}
	return a, nil
}
