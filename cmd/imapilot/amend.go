package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/control"
)

func (a *app) confirmCommand() *cobra.Command {
	return a.amendCommand(engine.Confirm, "Release what a limit or an import holds",
		"confirm decides held messages again and acts on them.", "is decided again and acted on", "are decided again and acted on")
}

func (a *app) retryCommand() *cobra.Command {
	return a.amendCommand(engine.Retry, "Try what failed again",
		"retry looks at what became of failed and unsure messages and tries them again;\nit also probes paused mailboxes now.", "is tried again", "are tried again")
}

func (a *app) skipCommand() *cobra.Command {
	return a.amendCommand(engine.Skip, "Leave held and failed messages alone",
		"skip closes held, failed, unsure and waiting messages: nothing more is done for them.", "is left alone", "are left alone")
}

func (a *app) amendCommand(verb engine.Verb, short, long, one, many string) *cobra.Command {
	var sel selection
	var all bool
	cmd := &cobra.Command{
		Use: string(verb), Short: short, Args: noArgs,
		Long: long + "\nSelect by flags, or say --all. It works with and without a running daemon.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, any := sel.chosen()
			if !any && !all {
				return usagef("select what to %s with --account, --mailbox, --rule, --uid or --since, or say --all", verb)
			}
			n, err := a.amend(cmd.Context(), verb, chosen)
			if err != nil {
				return err
			}
			done := many
			if n == 1 {
				done = one
			}
			fmt.Fprintln(a.out, count(n, "message"), done)
			return nil
		},
	}
	sel.add(a, cmd)
	cmd.Flags().BoolVar(&all, "all", false, "everything")
	return cmd
}

// amend goes through the running daemon, or takes the leases itself.
func (a *app) amend(ctx context.Context, verb engine.Verb, sel engine.Selection) (int, error) {
	cfg, err := a.load(false)
	if err != nil {
		return 0, err
	}
	var n int
	err = call(ctx, cfg, string(verb), sel, &n)
	if !errors.Is(err, control.ErrNoDaemon) {
		return n, err
	}
	db, err := open(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var names []string
	for _, acc := range cfg.Accounts {
		names = append(names, acc.Name)
	}
	return engine.AmendOffline(ctx, db, holder(), names, verb, sel)
}
