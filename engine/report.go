package engine

import (
	"cmp"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

const (
	// maxExamples is how many messages a report shows of each rule.
	maxExamples = 3
	// maxActions is how many different actions of a rule a report tells apart; the
	// rest is counted together.
	maxActions = 200
)

// Report is what rules do, or would do, to the mail that is there.
type Report struct {
	// Mailboxes were looked at; Messages are those in the scope, of which Excluded
	// were left out by the server's own word and Unreadable could not be fetched.
	Mailboxes  int `json:"mailboxes"`
	Messages   int `json:"messages"`
	Excluded   int `json:"excluded"`
	Unreadable int `json:"unreadable,omitempty"`
	// Acted counts the messages for which something is done, Held those that a
	// limit holds back. No message is in both.
	Acted int `json:"acted"`
	Held  int `json:"held"`
	// Unfinished were recorded by an earlier run that did not finish them, and
	// nothing more is asked for: they go on without a decision. They are in neither
	// of the two.
	Unfinished int `json:"unfinished,omitempty"`
	// Waiting are those of Acted that would have to wait, in a plan: their mailboxes
	// cannot be made at once.
	Waiting int `json:"waiting,omitempty"`
	// Rules are those with something to tell, in the order of the configuration.
	Rules []RuleOutcome `json:"rules"`
	// Left are mailboxes that could not be looked at to the end, and why.
	Left []LeftMailbox `json:"left,omitempty"`
	Cost Cost          `json:"cost"`

	byRule map[string]int
}

// RuleOutcome is the part of one rule in a report. Counts are of messages.
type RuleOutcome struct {
	Account string `json:"account"`
	Rule    string `json:"rule"`
	Hash    string `json:"hash"`
	DryRun  bool   `json:"dry_run,omitempty"`
	Acted   int    `json:"acted"`
	Held    int    `json:"held,omitempty"`
	// HeldBecause is why, the first time.
	HeldBecause string `json:"held_because,omitempty"`
	// Waiting are those of Acted that would have to wait, WaitingBecause is for what.
	Waiting        int    `json:"waiting,omitempty"`
	WaitingBecause string `json:"waiting_because,omitempty"`
	// Before were left alone because the rule acted on them before.
	Before int `json:"before,omitempty"`
	// Unfinished are those of them of which an earlier run did not finish that.
	Unfinished int `json:"unfinished,omitempty"`
	// Failed could not be evaluated; Error is why, the last time.
	Failed int    `json:"failed,omitempty"`
	Error  string `json:"error,omitempty"`
	// Actions are what is done, the most frequent first. An action that another
	// rule supersedes is no part of them.
	Actions []ActionOutcome `json:"actions"`
	// Examples are the first messages.
	Examples []Example `json:"examples,omitempty"`

	byAction map[string]int
}

// ActionOutcome counts the messages of one action.
type ActionOutcome struct {
	Action   string `json:"action"` // as it prints: "move: Lists/go"
	Messages int    `json:"messages"`
}

// Example is one message for people.
type Example struct {
	Mailbox  string    `json:"mailbox"` // configuration spelling
	UID      uint32    `json:"uid"`
	From     string    `json:"from,omitempty"`
	Subject  string    `json:"subject,omitempty"`
	Received time.Time `json:"received"`
}

// LeftMailbox is a mailbox that was not looked at to the end.
type LeftMailbox struct {
	Account string `json:"account"`
	Mailbox string `json:"mailbox"`
	Why     string `json:"why"`
}

// Cost is what a run took from the server.
type Cost struct {
	Took       time.Duration `json:"took_ns"`
	RoundTrips int64         `json:"round_trips"`
	Commands   int64         `json:"commands"`
	Received   int64         `json:"received_bytes"`
	Sent       int64         `json:"sent_bytes"`
}

func (c Cost) plus(o Cost) Cost {
	return Cost{
		Took: max(c.Took, o.Took), RoundTrips: c.RoundTrips + o.RoundTrips, Commands: c.Commands + o.Commands,
		Received: c.Received + o.Received, Sent: c.Sent + o.Sent,
	}
}

// rule returns the part of a rule, which it makes where there is none.
func (r *Report) rule(account, name string) *RuleOutcome {
	i, known := r.byRule[name] // of one account
	if !known {
		i = len(r.Rules)
		if r.byRule == nil {
			r.byRule = map[string]int{}
		}
		r.byRule[name] = i
		r.Rules = append(r.Rules, RuleOutcome{Account: account, Rule: name, Actions: []ActionOutcome{}, byAction: map[string]int{}})
	}
	return &r.Rules[i]
}

// count adds one decided message.
func (r *Report) count(account, mailbox string, m *candidate) {
	for rule, why := range m.skip {
		o := r.rule(account, rule)
		o.Before++
		if m.unfinished(rule, why) {
			o.Unfinished++
		}
	}
	if m.waits() {
		r.Unfinished++
	}
	for rule, why := range errorsOf(m.decision) {
		o := r.rule(account, rule)
		o.Failed, o.Error = o.Failed+1, why
	}
	for _, e := range m.entries {
		switch e.State {
		case journal.Open:
			r.Acted++
		case journal.Held:
			r.Held++
		}
		r.countEntry(account, mailbox, m, e)
	}
}

// unfinished reports whether a rule that is left out has recorded before what it
// does to this message, and that is not done yet.
func (m *candidate) unfinished(rule, why string) bool {
	return why == waitsText || slices.ContainsFunc(m.earlier, func(e journal.Entry) bool {
		return e.State == journal.Open && slices.ContainsFunc(e.Plan.Items, func(i actions.Item) bool { return i.Rule == rule })
	})
}

// waits reports whether all that is done to this message was recorded before.
func (m *candidate) waits() bool {
	for _, e := range m.entries {
		if e.State == journal.Open || e.State == journal.Held {
			return false
		}
	}
	for rule, why := range m.skip {
		if m.unfinished(rule, why) {
			return true
		}
	}
	return false
}

func (r *Report) countEntry(account, mailbox string, m *candidate, e journal.Entry) {
	seen := map[string]bool{}
	for _, item := range e.Plan.Effective() {
		o := r.rule(account, item.Rule)
		if !seen[item.Rule] {
			seen[item.Rule] = true
			o.Hash, o.DryRun = item.Hash, o.DryRun || e.State == journal.DryRun
			o.message(mailbox, m, e)
		}
		if e.State != journal.Held {
			o.action(item.Action)
		}
	}
}

// message counts a message of the rule.
func (o *RuleOutcome) message(mailbox string, m *candidate, e journal.Entry) {
	if e.State == journal.Held {
		o.Held, o.HeldBecause = o.Held+1, cmp.Or(o.HeldBecause, e.Reason)
		return
	}
	o.Acted++
	if len(o.Examples) < maxExamples {
		o.Examples = append(o.Examples, Example{
			Mailbox: mailbox, UID: uint32(m.fetched.UID), From: e.From, Subject: e.Subject, Received: m.fetched.Received,
		})
	}
}

func (o *RuleOutcome) action(a *actions.Action) {
	text := a.String()
	i, known := o.byAction[text]
	if !known && len(o.Actions) >= maxActions {
		text = "others"
		i, known = o.byAction[text]
	}
	if !known {
		i = len(o.Actions)
		o.byAction[text] = i
		o.Actions = append(o.Actions, ActionOutcome{Action: text})
	}
	o.Actions[i].Messages++
}

// finished is a copy in the order in which it is shown: the rules as in the
// configuration, their actions by how often they occur.
func (r *Report) finished(order []string) Report {
	out := *r
	out.Rules = slices.Clone(r.Rules)
	out.Left, out.byRule = slices.Clone(r.Left), nil
	place := map[string]int{}
	for i, name := range order {
		place[name] = i
	}
	slices.SortStableFunc(out.Rules, func(a, b RuleOutcome) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(place[a.Rule], place[b.Rule]))
	})
	for i := range out.Rules {
		list := slices.Clone(out.Rules[i].Actions)
		slices.SortStableFunc(list, func(a, b ActionOutcome) int { return cmp.Compare(b.Messages, a.Messages) })
		out.Rules[i].Actions, out.Rules[i].Examples, out.Rules[i].byAction = list, slices.Clone(out.Rules[i].Examples), nil
	}
	return out
}

// merged joins the reports of several accounts.
func merged(reports []Report) Report {
	out := Report{Rules: []RuleOutcome{}}
	for _, r := range reports {
		out.Add(r)
	}
	return out
}

// Add joins the report of another account, whose run was beside this one: the
// longer of both counts.
func (r *Report) Add(o Report) {
	r.Mailboxes += o.Mailboxes
	r.Messages += o.Messages
	r.Excluded += o.Excluded
	r.Unreadable += o.Unreadable
	r.Acted += o.Acted
	r.Held += o.Held
	r.Unfinished += o.Unfinished
	r.Waiting += o.Waiting
	r.Rules = append(r.Rules, o.Rules...)
	r.Left = append(r.Left, o.Left...)
	r.Cost = r.Cost.plus(o.Cost)
}
