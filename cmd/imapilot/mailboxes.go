package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
)

func (a *app) mailboxesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "mailboxes [ACCOUNT]", Short: "List the mailboxes of an account, and which are watched",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			account := ""
			if len(args) == 1 {
				account = args[0]
			}
			return a.mailboxes(cmd.Context(), account)
		},
		ValidArgsFunction: a.completeAccount,
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// accountMailboxes is what mailboxes prints of one account as JSON.
type accountMailboxes struct {
	Account   string               `json:"account"`
	Mailboxes []engine.MailboxInfo `json:"mailboxes"`
	Error     string               `json:"error,omitempty"`
}

// mailboxes lists one account, or all. One that fails does not keep the others
// from being listed.
func (a *app) mailboxes(ctx context.Context, account string) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	var all []accountMailboxes
	var errs []error
	for _, acc := range cfg.Accounts {
		if account != "" && acc.Name != account {
			continue
		}
		found := accountMailboxes{Account: acc.Name}
		if found.Mailboxes, err = listMailboxes(ctx, acc); err != nil {
			found.Error = err.Error()
			errs = append(errs, err)
		}
		all = append(all, found)
	}
	if len(all) == 0 {
		return noAccount(cfg, account)
	}
	if a.json {
		return errors.Join(append(errs, a.printJSON(all))...)
	}
	for _, found := range all {
		if len(all) > 1 {
			fmt.Fprintf(a.out, "%s:\n", found.Account)
		}
		if found.Error == "" {
			a.printMailboxes(found.Mailboxes)
		}
	}
	return errors.Join(errs...)
}

func listMailboxes(ctx context.Context, acc config.Account) ([]engine.MailboxInfo, error) {
	list, err := engine.ListMailboxes(ctx, acc)
	if err != nil {
		return nil, fmt.Errorf("account %q: %w", acc.Name, err)
	}
	return list, nil
}

func (a *app) printMailboxes(list []engine.MailboxInfo) {
	rows := [][]string{{"MAILBOX", "ROLE", "WATCHED", "MESSAGES"}}
	for _, m := range list {
		count := fmt.Sprint(m.Messages)
		if m.NoSelect {
			count = "-"
		}
		watched := ""
		if m.Watched {
			watched = "yes"
		}
		rows = append(rows, []string{m.Name, m.Role, watched, count})
	}
	if !isTerminal(a.out) { // a line for each, for other programs
		table(a.out, rows)
		return
	}
	s := a.screen()
	s.table(rows)
	fmt.Fprint(a.out, s.b.String())
}
