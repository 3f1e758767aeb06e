package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/rules"
)

// explainFlags are the flags of explain.
type explainFlags struct {
	given
	rule string
	all  bool
	uid  uint32
}

func (a *app) explainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use: "explain FILE.eml ...", Short: "Show what the rules do with a message, and why",
		Long: `explain shows what happens to a message, and for each rule whether it matched
and which part of its condition decided that. Nothing is changed.

The message is read from files ("-" is the standard input), or with --uid from
the server, of which no more is fetched than the daemon would fetch. The journal
is not asked: unless --given says otherwise, the message is no duplicate, has no
answer, and was not moved here by hand.

The rules are those that are asked when mail arrives. --rule also explains a
rule on a schedule, which is asked by itself, or one on flags, which is asked
with others on the same flags.

Rules that matched, failed, or are undecided are shown whole, the others on a
line. --rule shows one rule whole, --all every rule.

Exit codes: 0 the message was explained, also when a rule fails on it; 2 the
command line is wrong; 3 a message cannot be read, or the server not reached.

--json prints a list with an element for each message:
  message, account, mailbox, uid, from, subject, received, now, flags, size
  fetched        what was fetched from the server: {what, octets}
  actions        what happens, in order: {action, rule}
  not_done       what another rule supersedes: {action, rule, superseded_by}
  dry_run        what rules with dry_run would do, in order: {action, rule}
  stopped_by     the rule that kept later ones from being asked
  undecided      true where something is not known that the outcome depends on;
                 actions, not_done and dry_run are empty then
  left_out       the names of rules that are asked on a schedule or on flags
  rules          {name, result, reason, error, stop, dry_run, condition, actions}
                 result: matched, no, error, undecided, not asked
  condition      {text, kind, value, decided, error, not_known, values, parts}
                 kind: all, any, not, define, or absent; value: true, false,
                 unknown, error; values: {text, value}; parts are conditions`,
		Example: `  imapilot explain letter.eml
  imapilot explain --mailbox Lists/go --flags seen letter.eml
  imapilot explain --account home --mailbox INBOX --uid 4711`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			return a.explain(cmd.Context(), args, f)
		},
		ValidArgsFunction: completeMessages,
	}
	f.add(a, cmd)
	cmd.Flags().Var((*uidValue)(&f.uid), "uid", "the message with this UID, from the server")
	cmd.Flags().StringVar(&f.rule, "rule", "", "only this rule, whole")
	cmd.Flags().BoolVar(&f.all, "all", false, "every rule whole")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	complete(cmd, "rule", a.completeRule)
	complete(cmd, "uid", cobra.NoFileCompletions)
	return cmd
}

// check refuses what contradicts itself on the command line.
func (f *explainFlags) check(cmd *cobra.Command, args []string) error {
	live := cmd.Flags().Changed("uid")
	switch {
	case live && len(args) > 0:
		return usagef("say either files or --uid: the one is read here, the other from the server")
	case !live && len(args) == 0:
		return usagef("say which message: a file (- is the standard input), or --uid with --account and --mailbox")
	case live && f.uid == 0:
		return usagef("--uid counts from 1")
	case live && (len(f.flags) > 0 || f.received != ""):
		return usagef("--flags and --received are for files; of a message on the server they are known")
	case f.all && f.rule != "":
		return usagef("say either --all or --rule")
	}
	return nil
}

// explained is one message and how the rules decided it.
type explained struct {
	name    string // the file, "" if it is on the server
	in      rules.Input
	x       rules.Explanation
	fetched []engine.FetchedStage
	cfg     *config.Config // with the rules of one walk
	walk    walk
}

func (a *app) explain(ctx context.Context, files []string, f explainFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	named := func(r rules.Rule) bool { return r.Name == f.rule }
	if f.rule != "" && !slices.ContainsFunc(cfg.Rules.Rules(), named) {
		return noRule(cfg, f.rule)
	}
	w := walkOf(cfg.Rules, f.rule)
	cfg.Rules = w.rules
	all, errs := a.explained(ctx, cfg, files, f)
	for i := range all {
		all[i].walk = w
	}
	if a.json {
		out := []messageJSON{}
		for _, e := range all {
			out = append(out, e.json(f))
		}
		return errors.Join(append(errs, a.printJSON(out))...)
	}
	for i, e := range all {
		s := a.screen()
		if i > 0 {
			s.gap()
		}
		s.message(e, f)
		fmt.Fprint(a.out, s.b.String())
	}
	return errors.Join(errs...)
}

func (a *app) explained(ctx context.Context, cfg *config.Config, files []string, f explainFlags) (all []explained, errs []error) {
	if len(files) == 0 {
		e, err := fetchExplained(ctx, cfg, f)
		if err != nil {
			return nil, []error{err}
		}
		return []explained{e}, nil
	}
	var bad error
	errs = a.readMessages(files, func(name string, raw []byte) {
		in, err := f.input(cfg, raw)
		if err != nil {
			bad = err // on the command line, so the same for each file
			return
		}
		all = append(all, explained{name: name, in: in, x: cfg.Rules.Explain(in), cfg: cfg})
	})
	if bad != nil {
		return nil, []error{bad}
	}
	return all, errs
}

// fetchExplained explains a message on the server.
func fetchExplained(ctx context.Context, cfg *config.Config, f explainFlags) (explained, error) {
	if f.account == "" && len(cfg.Accounts) > 1 {
		return explained{}, usagef("say which account with --account; there are %s", strings.Join(accountNames(cfg), ", "))
	}
	account, err := f.accountOf(cfg)
	if err != nil {
		return explained{}, err
	}
	now, err := f.clock(cfg)
	if err != nil {
		return explained{}, err
	}
	history, err := f.history()
	if err != nil {
		return explained{}, err
	}
	i := slices.IndexFunc(cfg.Accounts, func(acc config.Account) bool { return acc.Name == account })
	m, err := engine.FetchOne(ctx, cfg, cfg.Accounts[i], f.mailbox, imap.UID(f.uid), now, history)
	if err != nil {
		return explained{}, fmt.Errorf("account %q: %w", account, err)
	}
	in := rules.Input{Account: account, Mailbox: m.Mailbox, Message: m.Message, Now: now}
	return explained{in: in, x: cfg.Rules.Explain(in), fetched: m.Fetched, cfg: cfg}, nil
}

// rehearsal reports whether the configuration keeps its account from acting.
func (e explained) rehearsal() bool {
	return e.cfg.DryRun || slices.ContainsFunc(e.cfg.Accounts, func(acc config.Account) bool { return acc.Name == e.in.Account && acc.DryRun })
}
