package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
)

// applyFlags are the flags of apply.
type applyFlags struct {
	scopeFlags
	yes bool
}

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use: "apply", Short: "Apply the rules to the mail that is there",
		Long: `apply does what 'imapilot plan' shows. Without --yes it makes the plan first, shows
it, and asks; it then does just that, and nothing to mail that came meanwhile. With
--yes it looks and acts in one go.

A daemon that runs does the work, and goes on watching; without one this process
does. What a limit holds back waits for 'imapilot confirm', or for the next apply
with a higher limit: --max, or a number typed at the question.

apply --rule NAME runs one rule now, also one that runs on a clock.

Interrupted once (Ctrl-C, SIGTERM) it finishes what it has recorded, says what was
done and ends; interrupted twice it ends at once. In either case, and after a crash,
the next apply goes on where it ended: nothing is done twice.

--json needs --yes. It prints one document, that of 'imapilot plan --json', with
  stopped, error   it was interrupted; why an account could not be done
  outcomes         messages of this run by outcome, as 'imapilot history' names
                   them: done, held, failed, unsure, open, gone, kept, withdrawn,
                   dry-run
  webhooks_pending calls of webhooks that are still to be made, by whatever run
and without accounts.

Exit codes: 0 all is well, 2 the command line is wrong, 3 something failed or it was
interrupted.`,
		Example: `  imapilot apply --mailbox INBOX --since 90d
  imapilot apply --rule newsletters --yes
  imapilot apply --max 5000`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.apply(cmd.Context(), &f) },
	}
	f.add(a, cmd)
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask, and make no plan first")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

func (a *app) apply(ctx context.Context, f *applyFlags) error {
	asks := isTerminal(a.in) && isTerminal(a.out) && !a.json
	if !f.yes && !asks {
		return usagef("this cannot be asked about here: say --yes to apply without a question ('imapilot plan' shows what would be done)")
	}
	bar := a.progressBar("Applying")
	var ahead *engine.Ahead
	cfg, err := a.loadAnd(func(early config.Config) {
		if f.yes {
			ahead = logInUnlessDaemon(ctx, &early, f.account, engine.Options{Logger: a.applyLogger(bar)})
		}
	})
	defer ahead.Close()
	if err != nil {
		return err
	}
	if failed := failedTests(cfg); failed != "" {
		return fmt.Errorf("%s, and rules come into force only when their own tests pass; 'imapilot test' shows them", failed)
	}
	scope, err := f.scope(cfg, time.Now())
	if err != nil {
		return err
	}
	if !f.yes {
		agreed, err := a.agree(ctx, cfg, &scope)
		if err != nil || !agreed {
			return err
		}
	}
	scope.Content = engine.ContentOf(cfg, scope)
	return a.applyScope(ctx, cfg, scope, f, bar, ahead)
}

// agree shows a plan of a scope and asks. The scope is then restricted to what was
// shown.
func (a *app) agree(ctx context.Context, cfg *config.Config, scope *engine.Scope) (bool, error) {
	p, err := a.makePlan(ctx, cfg, *scope, a.progressBar("Looking"), nil)
	if err != nil {
		return false, err
	}
	for _, acc := range p.accounts {
		if acc.Error != "" {
			return false, errors.New(acc.Error + "; nothing was changed. --account applies the rules to one of the others")
		}
	}
	s := a.screen()
	s.plannedMail(p)
	s.gap()
	if p.toDo() == 0 {
		s.line("", plain, "Nothing to apply: it would "+nothingToDo(p)+".")
	}
	if _, err := fmt.Fprint(a.out, s.b.String()); err != nil || p.toDo() == 0 {
		return false, errors.Join(err, p.trouble())
	}
	agreed, most := question{a.answers(), a.out}.ask(p)
	if !agreed {
		fmt.Fprintln(a.out, "Nothing was changed.")
		return false, nil
	}
	if most > 0 {
		scope.Max = most
	}
	scope.Bounds = p.bounds
	return true, nil
}
