package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
)

// undoFlags are the flags of undo.
type undoFlags struct {
	selection
	lastRun, yes, dryRun bool
}

func (a *app) undoCommand() *cobra.Command {
	var f undoFlags
	cmd := &cobra.Command{
		Use: "undo [ID ...]", Short: "Put back what rules did",
		Long: `undo puts back what was done with messages in the last 30 days: select it by the IDs
that 'imapilot history' shows, by flags, or say --last-run for all that the last
apply or scheduled run did which is not undone. It looks at the server, shows what
it would do and what cannot be undone, and asks. Of one message the newest act is
undone first.

  flags    get the value that they had, where a rule changed them. One that somebody
           changed since is left as it is.
  move, trash   the message goes back to its old mailbox, which is made again if it is
           gone. One that somebody moved on is left where it is.
  snooze   the message comes back at once, for as long as it is snoozed.
  copy, append
           the copy is removed where the server named it, it is the same still, nobody
           gave it a flag, and the message itself is there. Without UIDPLUS no copy
           is named, and all of them stay.
  expunge, webhooks, and whatever was sent cannot be undone, nor can a copy or move
           to another account.

What is undone is not done again by the same rule as long as the rule stays as it is;
'imapilot apply --again' does it. The history shows both, the act and its undo.

A daemon that runs does the work; without one this process does. After an interruption
or a crash what was recorded is finished by the next 'imapilot run', or by undo.

--json needs --yes or --dry-run. It prints one document:
  acts     {id, account, seq, from, subject, message_id, mailbox, uid, back, cannot,
           entries, state, reason}: mailbox and uid are where the message is now, back
           is what is put back, cannot is {what, why}, entries are those that put it
           back, and state is how far they came, as 'imapilot history' names it
  undone_before   how many acts were selected that are undone already
  dry_run, stopped, error

Exit codes: 0 also when something cannot be undone, 2 the command line is wrong,
3 something failed or it was interrupted.`,
		Example: `  imapilot undo home/12
  imapilot undo --last-run
  imapilot undo --rule newsletters --since 2h --dry-run`,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.undo(cmd.Context(), args, &f) },
		ValidArgsFunction: a.completeEntries(undoableStates()),
	}
	f.add(a, cmd)
	cmd.Flags().BoolVar(&f.lastRun, "last-run", false, "what the last apply or scheduled run did")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be undone, and change nothing")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// check refuses what cannot be meant.
func (f *undoFlags) check(a *app, args []string) error {
	asks := isTerminal(a.in) && isTerminal(a.out) && !a.json
	switch {
	case !f.any(args) && !f.lastRun:
		return usagef("select what to undo with an ID as in 'imapilot history', with --account, --mailbox, --rule, --uid or --since, or say --last-run")
	case f.lastRun && len(args) > 0:
		return usagef("say either --last-run or which acts")
	case !f.yes && !f.dryRun && !asks:
		return usagef("this cannot be asked about here: say --yes to undo without a question, or --dry-run to see what would be undone")
	}
	return nil
}

func (a *app) undo(ctx context.Context, args []string, f *undoFlags) error {
	if err := f.check(a, args); err != nil {
		return err
	}
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	chosen, err := a.chooseActs(ctx, cfg, args, f)
	if err != nil {
		return err
	}
	out := undoResult{DryRun: f.dryRun, Before: chosen.before, of: chosen.of, short: len(cfg.Accounts) == 1}
	if chosen.n == 0 {
		return a.printUndone(out, true)
	}
	if f.dryRun || !f.yes {
		if out.acts, err = a.planUndo(ctx, cfg, chosen); err != nil {
			return err
		}
		if err := a.printUndone(out, true); err != nil || f.dryRun || out.possible() == 0 {
			return err
		}
		if !a.agrees("Undo " + count(out.possible(), "act")) {
			fmt.Fprintln(a.out, "Nothing was changed.")
			return nil
		}
	}
	return a.doUndo(ctx, cfg, chosen, out, f.yes)
}

// planUndo looks at the server for what would be undone.
func (a *app) planUndo(ctx context.Context, cfg *config.Config, chosen chosenActs) ([]engine.Undone, error) {
	archive, err := openArchive(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer archive.close()
	bar := a.progressBar("Looking")
	defer bar.end()
	return engine.PlanUndo(ctx, cfg, engine.Options{Version: version}, archive, chosen.Undo, func(p engine.Progress) { bar.show(p, "") })
}

// doUndo has acts undone and shows what came of it: all of it, or what is not as it
// was shown before.
func (a *app) doUndo(ctx context.Context, cfg *config.Config, chosen chosenActs, out undoResult, all bool) error {
	interrupted, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	context.AfterFunc(interrupted, release) // a second signal ends the process at once
	bar := a.progressBar("Undoing")
	w, err := a.startUndo(ctx, interrupted, cfg, chosen.Undo, bar)
	if interrupted.Err() != nil && err != nil {
		return errors.New("interrupted before it began; nothing was changed")
	}
	if err != nil {
		return err
	}
	job, err := follow(ctx, interrupted, releasing{w, release}, bar)
	bar.end()
	w.end()
	err = errors.Join(err, w.close())
	out.done, out.acts, out.Stopped, out.Error = true, job.Undone, job.Stopped, job.Error
	return errors.Join(a.printUndone(out, all), err)
}

// startUndo begins in the running daemon, or in this process where none runs.
func (a *app) startUndo(ctx, interrupted context.Context, cfg *config.Config, u engine.Undo, bar *progressBar) (worker, error) {
	return a.startWorker(ctx, interrupted, &daemonWorker{cfg: cfg, command: "undo"}, methodUndo, u, engine.Options{Undo: &u}, bar)
}

// undoSince is how far back acts are looked for.
func undoSince(now time.Time) time.Time { return now.Add(-engine.UndoWithin) }
