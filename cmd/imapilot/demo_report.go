package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"imapilot/actions"
	"imapilot/engine"
	"imapilot/engine/journal"
)

// line prints what became of one message.
func (d *demo) line(n int, e journal.Entry, after time.Duration) {
	paint := func(code, s string) string {
		if !color(d.app.out) {
			return s
		}
		return code + s + "\x1b[0m"
	}
	subject := e.Subject
	if subject == "" {
		subject = "(no subject)"
	}
	outcome := string(e.State)
	if outcome == "" {
		outcome = "kept"
	}
	did := "no rule matched"
	if len(e.Plan.Items) > 0 {
		var parts []string
		for _, rule := range rulesOf(e.Plan) {
			parts = append(parts, paint("\x1b[36m", rule)+": "+strings.Join(actionsOf(e.Plan, rule), ", "))
		}
		did = strings.Join(parts, "; ")
	}
	const width = 34
	title := fit(subject, width)
	title += strings.Repeat(" ", width-utf8.RuneCountInString(title))
	fmt.Fprintf(d.app.out, "%2d  %s  %s  %s after %d ms\n", n, paint("\x1b[1m", title), did, paint("\x1b[32m", outcome), after.Milliseconds())
}

func rulesOf(p actions.Plan) []string {
	var out []string
	for _, item := range p.Items {
		if !slices.Contains(out, item.Rule) {
			out = append(out, item.Rule)
		}
	}
	return out
}

func actionsOf(p actions.Plan, rule string) []string {
	var out []string
	for _, item := range p.Items {
		if item.Rule != rule {
			continue
		}
		s := item.Action.String()
		if item.SupersededBy != "" {
			s += " (left to " + item.SupersededBy + ")"
		}
		out = append(out, s)
	}
	return out
}

// report prints where everything lies now and which webhooks arrived.
func (d *demo) report(ctx context.Context) error {
	d.receiver.await(d.hooks)
	list, err := engine.ListMailboxes(ctx, d.cfg.Accounts[0])
	if err != nil {
		return err
	}
	fmt.Fprint(d.app.out, "\nWhere everything is now:\n\n")
	rows := [][]string{{"MAILBOX", "MESSAGES"}}
	for _, m := range list {
		if m.Messages > 0 {
			rows = append(rows, []string{m.Name, fmt.Sprint(m.Messages)})
		}
	}
	table(d.app.out, rows)
	fmt.Fprint(d.app.out, "\nWebhooks that arrived, signatures checked:\n\n")
	rows = [][]string{{"RULE", "SUBJECT", "ID"}}
	for _, call := range d.receiver.all() {
		rows = append(rows, []string{call.Rule, fit(call.Subject, 36), call.ID})
		if call.wrong != "" {
			d.wrong = append(d.wrong, "webhook "+call.ID+": "+call.wrong)
		}
	}
	table(d.app.out, rows)
	if got := len(rows) - 1; got != d.hooks {
		d.wrong = append(d.wrong, fmt.Sprintf("%d webhooks arrived, %d are owed", got, d.hooks))
	}
	return d.verdict()
}

func (d *demo) verdict() error {
	if len(d.wrong) == 0 {
		fmt.Fprint(d.app.out, "\nEvery outcome is what the tests in examples/demo want.\nNext: 'imapilot init' sets up your own account; it starts with a dry run.\n")
		return nil
	}
	fmt.Fprintln(d.app.out, "\nThese outcomes differ from the tests in examples/demo:")
	for _, w := range d.wrong {
		fmt.Fprintln(d.app.out, "  "+w)
	}
	return errProblems
}
