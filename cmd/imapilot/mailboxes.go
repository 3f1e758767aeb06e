package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
)

func (a *app) mailboxesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "mailboxes [ACCOUNT]", Short: "List the mailboxes of an account: names, roles and counts",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.mailboxes(cmd.Context(), args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			cfg, _ := config.Load(a.configPath())
			if cfg == nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, acc := range cfg.Accounts {
				names = append(names, acc.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

func (a *app) mailboxes(ctx context.Context, args []string) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	found := false
	for _, acc := range cfg.Accounts {
		if len(args) == 1 && acc.Name != args[0] {
			continue
		}
		found = true
		list, err := engine.ListMailboxes(ctx, acc)
		if err != nil {
			return fmt.Errorf("account %q: %w", acc.Name, err)
		}
		if err := a.printMailboxes(acc.Name, list, len(cfg.Accounts) > 1 && len(args) == 0); err != nil {
			return err
		}
	}
	if !found {
		return usagef("there is no account %q in %s", args[0], cfg.Path)
	}
	return nil
}

func (a *app) printMailboxes(account string, list []engine.MailboxInfo, heading bool) error {
	if a.json {
		return a.printJSON(map[string]any{"account": account, "mailboxes": list})
	}
	if heading {
		fmt.Fprintf(a.out, "%s:\n", account)
	}
	rows := [][]string{{"MAILBOX", "ROLE", "MESSAGES"}}
	for _, m := range list {
		count := fmt.Sprint(m.Messages)
		if m.NoSelect {
			count = "-"
		}
		rows = append(rows, []string{m.Name, m.Role, count})
	}
	table(a.out, rows)
	return nil
}
