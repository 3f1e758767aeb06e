package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
)

// doctorTime bounds an examination: mailboxes are many on some servers.
const doctorTime = 2 * time.Minute

func (a *app) doctorCommand() *cobra.Command {
	fix := false
	cmd := &cobra.Command{
		Use: "doctor [ACCOUNT]", Short: "Examine an account's server, and how imapilot works there",
		Long: `doctor connects to the server of an account and reports what it met: addresses,
TLS, ways to log in, capabilities, namespaces, roles, quota, counts, its clock,
and how imapilot would work there and why. It changes nothing.

The page can be pasted into a bug report: it holds no password, no user name and
no subject of a mail, and of mailboxes the names of those alone that have a role.
Look at the name of the host before you do.

It exits 3 when it could not log in or the connection ended.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			account := ""
			if len(args) == 1 {
				account = args[0]
			}
			return a.doctor(cmd.Context(), account, fix)
		},
		ValidArgsFunction: a.completeAccount,
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&fix, "fix", false, "print only the configuration lines that it suggests")
	return cmd
}

func (a *app) doctor(ctx context.Context, account string, fix bool) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	acc, err := onlyAccount(cfg, account)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	x := engine.Examine(ctx, acc)
	switch {
	case a.json:
		err = a.printJSON(newExamined(x))
	case fix:
		a.printFixes(x)
	default:
		a.printExamination(x, time.Now())
	}
	if err == nil && x.Failure != nil {
		err = fmt.Errorf("account %q: %w%s", acc.Name, x.Failure, whatToLookAt(x))
	}
	return err
}

// onlyAccount is the account that was named, or the only one that there is.
func onlyAccount(cfg *config.Config, name string) (config.Account, error) {
	if name == "" && len(cfg.Accounts) > 1 {
		names := make([]string, len(cfg.Accounts))
		for i, acc := range cfg.Accounts {
			names[i] = acc.Name
		}
		return config.Account{}, usagef("there are several accounts: say which, as in 'imapilot doctor %s'", names[0])
	}
	i := slices.IndexFunc(cfg.Accounts, func(acc config.Account) bool { return name == "" || acc.Name == name })
	if i < 0 {
		return config.Account{}, noAccount(cfg, name)
	}
	return cfg.Accounts[i], nil
}
