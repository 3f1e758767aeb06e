package main

import (
	"context"
	"fmt"
	"slices"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/rules"
)

// lookedNowhere is why a run that met no trouble looked at no mailbox. The error is
// a mistake on the command line: --mailbox names one that no account of the scope
// has. Else the reason is in the rules, and why says it, "" where the run did look
// at some.
func lookedNowhere(ctx context.Context, cfg *config.Config, scope engine.Scope, r engine.Report) (why string, err error) {
	if r.Mailboxes > 0 || len(r.Left) > 0 {
		return "", nil
	}
	if scope.Mailbox != "" {
		if err := mailboxExists(ctx, cfg, scope); err != nil {
			return "", err
		}
	}
	return noMailbox(cfg, scope), nil
}

// mailboxExists is nil if an account of the scope has the mailbox that it names.
func mailboxExists(ctx context.Context, cfg *config.Config, scope engine.Scope) error {
	var known []string
	for _, acc := range cfg.Accounts {
		if scope.Account != "" && acc.Name != scope.Account {
			continue
		}
		found, names, err := engine.FindMailbox(ctx, acc, scope.Mailbox)
		if err != nil {
			return fmt.Errorf("account %q: %w", acc.Name, err)
		}
		if found {
			return nil
		}
		known = append(known, names...)
	}
	where := ""
	if scope.Account != "" {
		where = fmt.Sprintf(" in the account %q", scope.Account)
	}
	return usagef("there is no mailbox %q%s%s", scope.Mailbox, where, choice(scope.Mailbox, known, "'imapilot mailboxes' lists them"))
}

// noMailbox says which rules are to blame where no mailbox was looked at.
func noMailbox(cfg *config.Config, scope engine.Scope) string {
	arrival := func(r rules.Rule) bool { return r.On == rules.OnArrival }
	if len(scope.Rules) == 0 && !slices.ContainsFunc(cfg.Rules.Rules(), arrival) {
		return "No rule is for arrivals. One for flags or on a clock is asked by --rule NAME."
	}
	if scope.Mailbox != "" {
		return fmt.Sprintf("None of these rules looks at the mailbox %q; 'imapilot rules' shows where they look.", scope.Mailbox)
	}
	return "None of these rules looks at a mailbox that there is."
}
