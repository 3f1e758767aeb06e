package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
)

// planFlags are the flags of plan.
type planFlags struct {
	scopeFlags
	all     bool
	against string
}

// scopeFlags say of which mail, and for which rules, plan and apply are. Read
// them with scope.
type scopeFlags struct {
	account, mailbox, since string
	rules                   []string
	again                   bool
	max                     int
}

func (f *scopeFlags) add(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var((*textValue)(&f.account), "account", "only this account")
	flags.Var((*textValue)(&f.mailbox), "mailbox", "only this mailbox")
	flags.Var((*namesValue)(&f.rules), "rule", "this rule, whatever asks it otherwise; may be repeated (default: all rules for arrivals)")
	flags.Var((*textValue)(&f.since), "since", "only what was received since then: 2h, 90d, 2026-11-01 or \"2026-11-01 14:00\"")
	flags.BoolVar(&f.again, "again", false, "also messages on which the same rule acted before")
	flags.Var((*maxValue)(&f.max), "max", "how many messages each rule may move or expunge (default: its max_messages)")
	complete(cmd, "account", a.completeAccount)
	complete(cmd, "rule", a.completeRule)
	complete(cmd, "mailbox", a.completeMailbox)
	complete(cmd, "since", cobra.FixedCompletions([]cobra.Completion{"1d", "7d", "30d", "90d"}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "max", cobra.NoFileCompletions)
}

// maxValue is a flag that takes a number above zero, which is no limit.
type maxValue int

func (v *maxValue) String() string { return strconv.Itoa(int(*v)) }
func (v *maxValue) Type() string   { return "number" }

func (v *maxValue) Set(text string) error {
	n, ok := readMax(text)
	if !ok {
		return errors.New("a limit is a number from 1 to 2147483647")
	}
	*v = maxValue(n)
	return nil
}

// namesValue is a flag that may be repeated; none of its values may be empty.
type namesValue []string

func (v *namesValue) String() string { return strings.Join(*v, ", ") }
func (v *namesValue) Type() string   { return "string" }

func (v *namesValue) Set(text string) error {
	var one textValue
	if err := one.Set(text); err != nil {
		return err
	}
	*v = append(*v, text)
	return nil
}

func readMax(text string) (int, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int(n), err == nil && n > 0
}

// scope is what the flags say. The names in it exist.
func (f *scopeFlags) scope(cfg *config.Config, now time.Time) (engine.Scope, error) {
	out := engine.Scope{Account: f.account, Mailbox: f.mailbox, Rules: f.rules, Again: f.again, Max: f.max}
	if f.account != "" && !hasAccount(cfg, f.account) {
		return out, noAccount(cfg, f.account)
	}
	names := ruleNames(cfg)
	for _, name := range f.rules {
		if !slices.Contains(names, name) {
			return out, noRule(cfg, name)
		}
	}
	var err error
	out.Since, err = sinceWhen(f.since, cfg, now)
	return out, err
}

func noRule(cfg *config.Config, name string) error {
	return usagef("there is no rule %q in %s%s", name, cfg.Path, choice(name, ruleNames(cfg), "'imapilot rules' lists them"))
}

func ruleNames(cfg *config.Config) []string {
	var names []string
	for _, rule := range cfg.Rules.Rules() {
		names = append(names, rule.Name)
	}
	return names
}

// said is the scope as words of a command line, to be said again.
func (f *scopeFlags) said() []string {
	var out []string
	for _, word := range []struct{ flag, value string }{{"--account", f.account}, {"--mailbox", f.mailbox}, {"--since", f.since}} {
		if word.value != "" {
			out = append(out, word.flag, word.value)
		}
	}
	for _, name := range f.rules {
		out = append(out, "--rule", name)
	}
	if f.again {
		out = append(out, "--again")
	}
	if f.max > 0 {
		out = append(out, "--max", strconv.Itoa(f.max))
	}
	return out
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use: "plan", Short: "Show what the rules would do to the mail that is there",
		Long: `plan asks the rules about the mail that is in the mailboxes already, and shows
what 'imapilot apply' would do to it. It changes nothing, neither mail nor its
flags nor the state file, and works beside a running daemon.

It asks the rules that are for arrivals, in every mailbox where they look. With
--rule it asks just those rules, also such as run on a clock. What a rule did to a
message before, with the same content, it does not do again, unless --again says
so; what its limit would hold back is shown as held.

--against FILE compares: it makes the same plan with the rules of another file,
too, and shows the messages whose outcome differs. Accounts, the state file and
dry_run at the top level are those of the configuration. Rules on a clock or for
flags are compared only where --rule names them.

--all lists every message, a line each; in a pipe the columns are separated by tabs
and nothing is cut.

--json prints one document:
  mailboxes, messages, excluded, unreadable   how many were looked at; those
                 that the server's own search left out are in excluded
  acted, held, dry_run   how many messages are acted on, are held by a limit,
                 would be acted on by rules in dry run alone
  unfinished     how many were recorded before and are not finished yet;
                 left out where there are none
  waiting        how many of acted would wait for mailboxes that cannot be made
                 at once; left out where there are none
  rules          {account, rule, hash, dry_run, acted, held, held_because, waiting,
                 waiting_because, before, unfinished, failed, error, actions,
                 examples}
                 before: left alone, for it acted on them before, or is about to:
                 of the latter, unfinished
                 actions: {action, messages}
                 examples: {mailbox, uid, from, subject, received}
  left           mailboxes that could not be looked at: {account, mailbox, why}
  accounts       {account, messages, acted, held, error}
  cost           {took_ns, round_trips, commands, received_bytes, sent_bytes}
--all --json prints an object a line instead: one for each message {type, account,
mailbox, uid, from, subject, received, outcome, reason, actions}, with type
"message" and outcome "act", "held", "dry-run" or "kept"; then the document, with
type "report". --against --json prints {messages, changed, changes, left}, with
changes {account, mailbox, uid, from, subject, old, new}.
Times are RFC 3339 in UTC.

Exit codes: 0 all is well, 2 the command line is wrong, 3 an account or a mailbox
could not be looked at.`,
		Example: `  imapilot plan
  imapilot plan --mailbox INBOX --since 90d
  imapilot plan --rule newsletters --rule receipts --all
  imapilot plan --against new-rules.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.against != "" {
				return a.planAgainst(cmd.Context(), &f)
			}
			return a.plan(cmd.Context(), &f)
		},
	}
	f.add(a, cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "list every message, and with --against every change")
	cmd.Flags().Var((*textValue)(&f.against), "against", "another configuration, whose rules are compared with those in force")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	complete(cmd, "against", cobra.FixedCompletions([]cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt))
	return cmd
}

func (a *app) plan(ctx context.Context, f *planFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	scope, err := f.scope(cfg, time.Now())
	if err != nil {
		return err
	}
	p, err := a.makePlan(ctx, cfg, scope, a.planBar(f), a.lister(f, cfg))
	if err != nil {
		return err
	}
	if a.json {
		err = a.printPlanJSON(p, f.all)
	} else {
		err = a.printPlan(p, f)
	}
	return errors.Join(err, p.trouble())
}

// planBar shows how far a plan is, but not where the lines of its list come on the
// same terminal.
func (a *app) planBar(f *planFlags) *progressBar {
	bar := a.progressBar("Looking")
	if f.all && f.against == "" && isTerminal(a.out) {
		bar.end()
	}
	return bar
}

// planned is a plan that was made.
type planned struct {
	cfg    *config.Config
	scope  engine.Scope
	report engine.Report
	bounds []engine.Bound
	// accounts are the parts of the accounts, in the order of the configuration.
	accounts []accountPlan
	tally    tally
	// nowhere is why no mailbox was looked at, though nothing failed.
	nowhere string
}

// accountPlan is the part of one account in a plan.
type accountPlan struct {
	Account  string `json:"account"`
	Messages int    `json:"messages"`
	Acted    int    `json:"acted"`
	Held     int    `json:"held"`
	// Error is why the account could not be looked at.
	Error string `json:"error,omitempty"`
}

// makePlan makes a plan of each account of a scope. An account that fails does
// not keep the others from being looked at; a mailbox that none of them has is an
// error. bar shows how far it is; each, which may be nil, is told of every message.
func (a *app) makePlan(ctx context.Context, cfg *config.Config, scope engine.Scope, bar *progressBar, each func(engine.Planned) error) (*planned, error) {
	archive, err := openArchive(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer archive.close()
	p := &planned{cfg: cfg, scope: scope, bounds: []engine.Bound{}, report: engine.Report{Rules: []engine.RuleOutcome{}}}
	defer bar.end()
	bar.show(engine.Progress{}, "") // the first answer may take a while
	var broken error                // what each said
	watch := engine.Planning{Progress: func(now engine.Progress) { bar.show(now, "") }, Each: func(m engine.Planned) error {
		p.tally.count(m)
		if each != nil {
			broken = each(m)
		}
		return broken
	}}
	for _, acc := range cfg.Accounts {
		if scope.Account != "" && acc.Name != scope.Account {
			continue
		}
		one := scope
		one.Account = acc.Name
		report, bounds, err := engine.Plan(ctx, cfg, engine.Options{Version: version}, archive, one, watch)
		if err := cmp.Or(broken, ctx.Err()); err != nil {
			return nil, err
		}
		p.add(acc.Name, report, bounds, err)
	}
	if p.trouble() == nil {
		p.nowhere, err = lookedNowhere(ctx, cfg, scope, p.report)
	}
	return p, err
}

func (p *planned) add(account string, r engine.Report, bounds []engine.Bound, err error) {
	part := accountPlan{Account: account, Messages: r.Messages, Acted: r.Acted, Held: r.Held}
	if err != nil {
		part.Error = err.Error()
	}
	p.accounts, p.bounds = append(p.accounts, part), append(p.bounds, bounds...)
	took := p.report.Cost.Took + r.Cost.Took // one account after the other
	p.report.Add(r)
	p.report.Cost.Took = took
}

// trouble is why a plan is not whole, nil if it is.
func (p *planned) trouble() error {
	var errs []error
	for _, acc := range p.accounts {
		if acc.Error != "" {
			errs = append(errs, errors.New(acc.Error))
		}
	}
	if len(p.report.Left) > 0 {
		errs = append(errs, fmt.Errorf("%s could not be looked at", mailboxCount(len(p.report.Left))))
	}
	return errors.Join(errs...)
}
