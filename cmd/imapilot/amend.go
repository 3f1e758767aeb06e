package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/control"
	"imapilot/engine/journal"
)

// maxPreview is how many of the messages are shown that are about to change.
const maxPreview = 20

// amendment is one of the commands that change what waits.
type amendment struct {
	verb        engine.Verb
	short, long string
	one, many   string // what is done: "is tried again"
}

func (a *app) confirmCommand() *cobra.Command {
	return a.amendCommand(amendment{engine.Confirm, "Release what a limit or an import holds",
		"confirm decides held messages again and acts on them.", "is decided again and acted on", "are decided again and acted on"})
}

func (a *app) retryCommand() *cobra.Command {
	return a.amendCommand(amendment{engine.Retry, "Try what failed again",
		`retry looks at what became of failed and unsure messages and tries them again,
and those that wait for their next try at once. It also probes paused mailboxes
that are selected, or that are in the way, now.`, "is tried again", "are tried again"})
}

func (a *app) skipCommand() *cobra.Command {
	return a.amendCommand(amendment{engine.Skip, "Leave held and failed messages alone",
		"skip closes held, failed, unsure and waiting messages: nothing more is done for\nthem.", "is left alone", "are left alone"})
}

// amendFlags are the flags of confirm, retry and skip.
type amendFlags struct {
	selection
	all, yes, dryRun bool
}

func (a *app) amendCommand(what amendment) *cobra.Command {
	var f amendFlags
	verb := string(what.verb)
	cmd := &cobra.Command{
		Use: verb + " [ID ...]", Short: what.short,
		Long: what.long + `

Select by flags, by the IDs that 'imapilot history' shows, or say --all. On a
terminal what would change is shown, and asked about where it is more than one
message. It works with and without a running daemon.

Exit codes: 0 also when nothing had to change, 2 the command line is wrong,
3 something failed.`,
		Example: fmt.Sprintf("  imapilot %s home/12 home/13\n  imapilot %s --rule newsletters --since 2h --dry-run", verb, verb),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !f.any(args) && !f.all {
				return usagef("select what to %s with an ID as in 'imapilot history', with --account, --mailbox, --rule, --message-id, --uid, --outcome or --since, or say --all", verb)
			}
			return a.amend(cmd.Context(), what, args, &f)
		},
		ValidArgsFunction: a.completeEntries(what.verb.States()),
	}
	f.addEntries(a, cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "everything")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would change, and change nothing")
	return cmd
}

// amend shows what would change, asks, and has it changed.
func (a *app) amend(ctx context.Context, what amendment, args []string, f *amendFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	scopes, err := f.scopes(cfg, args, time.Now())
	if err != nil {
		return err
	}
	if err := f.fits(what.verb, scopes); err != nil {
		return err
	}
	for i := range scopes {
		scopes[i].Until = time.Now()
	}
	archive, err := openArchive(ctx, cfg)
	if err != nil {
		return err
	}
	defer archive.close()
	found, err := archive.amendable(ctx, what.verb, scopes)
	if err != nil {
		return err
	}
	asks := isTerminal(a.in) && isTerminal(a.out)
	if len(found) > 0 && (asks || f.dryRun) {
		a.preview(cfg, found)
	}
	switch {
	case f.dryRun:
		fmt.Fprintf(a.out, "Nothing was changed. Without --dry-run %s.\n", what.count(len(found)))
		return nil
	case asks && !f.yes && len(found) > 1 && !a.agreed(what, len(found)):
		fmt.Fprintln(a.out, "Nothing was changed.")
		return nil
	}
	return a.change(ctx, cfg, what, scopes, found)
}

func (w amendment) count(n int) string {
	if n == 1 {
		return "1 message " + w.one
	}
	return fmt.Sprintf("%d messages %s", n, w.many)
}

// fits refuses outcomes that a verb has nothing to do with.
func (f *amendFlags) fits(verb engine.Verb, scopes []engine.Selection) error {
	for _, sel := range scopes {
		able := func(s journal.EntryState) bool { return slices.Contains(verb.States(), s) }
		if len(sel.Outcomes) > 0 && !slices.ContainsFunc(sel.Outcomes, able) {
			var words []string
			for _, s := range verb.States() {
				words = append(words, string(s))
			}
			return usagef("%s is for messages that are %s", verb, strings.Join(words, ", "))
		}
	}
	return nil
}

// amendable returns the entries that a verb would change, the latest last.
func (r *archive) amendable(ctx context.Context, verb engine.Verb, scopes []engine.Selection) ([]record, error) {
	var out []record
	for _, sel := range scopes {
		entries, err := engine.Amendable(ctx, r, sel.Account, verb, sel)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			out = append(out, record{account: sel.Account, Entry: e, paused: pausedBy(r.pauses[sel.Account], e)})
		}
	}
	slices.SortFunc(out, byTime)
	return out, nil
}

func (a *app) preview(cfg *config.Config, found []record) {
	table := a.historyTable(cfg)
	shown := found[max(0, len(found)-maxPreview):]
	table.begin(shown)
	for _, r := range shown {
		table.entry(r)
	}
	fmt.Fprint(a.out, table.take())
	if n := len(found) - len(shown); n > 0 {
		fmt.Fprintf(a.out, "and %s before them\n", count(n, "message"))
	}
}

func (a *app) agreed(what amendment, n int) bool {
	return a.agrees(map[engine.Verb]string{
		engine.Confirm: fmt.Sprintf("Decide these %d messages again and act on them", n),
		engine.Retry:   fmt.Sprintf("Try these %d messages again", n),
		engine.Skip:    fmt.Sprintf("Leave these %d messages alone", n),
	}[what.verb])
}

// change has the entries changed that were found, and no others: what was
// written since is left out.
func (a *app) change(ctx context.Context, cfg *config.Config, what amendment, scopes []engine.Selection, found []record) error {
	total, waits := 0, false
	for _, sel := range scopes {
		last := latest(found, sel.Account)
		if last.IsZero() && what.verb != engine.Retry {
			continue // a retry is for paused mailboxes too
		}
		if !last.IsZero() {
			sel.Until = last
		}
		n, offline, err := a.send(ctx, cfg, what.verb, sel)
		total += n
		waits = waits || offline && n > 0 && what.verb != engine.Skip
		if err != nil {
			return fmt.Errorf("%w (before that %s)", err, what.count(total))
		}
	}
	if waits {
		fmt.Fprintln(a.out, what.count(total)+" by the next 'imapilot run'; no daemon runs now")
		return nil
	}
	fmt.Fprintln(a.out, what.count(total))
	return nil
}

// latest is when the last of an account's entries was written.
func latest(found []record, account string) (at time.Time) {
	for _, r := range found {
		if r.account == account && r.Updated.After(at) {
			at = r.Updated
		}
	}
	return at
}

// send goes through the running daemon, or takes the lease itself: then it is
// offline, and nothing is done before the next run.
func (a *app) send(ctx context.Context, cfg *config.Config, verb engine.Verb, sel engine.Selection) (n int, offline bool, err error) {
	err = call(ctx, cfg, string(verb), sel, &n)
	if !errors.Is(err, control.ErrNoDaemon) {
		return n, false, err
	}
	db, err := open(ctx, cfg)
	if err != nil {
		return 0, true, err
	}
	defer db.Close()
	n, err = engine.AmendOffline(ctx, db, holder(), []string{sel.Account}, verb, sel)
	return n, true, err
}

// completeEntries offers the newest entries in some states to the shell.
func (a *app) completeEntries(states []journal.EntryState) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var out []cobra.Completion
		a.whileRead(cmd.Context(), func(cfg *config.Config, r *archive) {
			for _, acc := range cfg.Accounts {
				found, err := r.Entries(cmd.Context(), journal.Query{Account: acc.Name, States: states, ByTime: true, Newest: true, Limit: maxPreview})
				for _, e := range slices.Backward(found) {
					out = append(out, cobra.CompletionWithDesc(idOf(acc.Name, e.Seq, false), visible(string(e.State)+", "+e.Subject)))
				}
				if err != nil {
					return
				}
			}
		})
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeMailbox offers the mailboxes that the journal knows.
func (a *app) completeMailbox(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	a.whileRead(cmd.Context(), func(_ *config.Config, r *archive) {
		sums, err := r.db.Summary(cmd.Context())
		for _, sum := range sums {
			for _, c := range sum.Cursors {
				if err == nil && !slices.Contains(names, visible(c.Mailbox)) {
					names = append(names, visible(c.Mailbox))
				}
			}
		}
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// whileRead opens the journal for a completion, which has nobody to tell an
// error to.
func (a *app) whileRead(ctx context.Context, use func(*config.Config, *archive)) {
	cfg, _ := config.Load(a.configPath())
	if cfg == nil {
		return
	}
	r, err := openArchive(ctx, cfg)
	if err != nil || r.db == nil {
		return
	}
	defer r.close()
	use(cfg, r)
}
