package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/spf13/cobra"

	"imapilot/engine/config"
	"imapilot/rules"
)

// rulesFlags are the flags of rules.
type rulesFlags struct {
	needs, graph, dot, serverText, schedule bool
	rule                                    string
}

func (a *app) rulesCommand() *cobra.Command {
	var f rulesFlags
	cmd := &cobra.Command{
		Use: "rules", Short: "List the rules: what asks them, what they read and what they do",
		Long: `rules lists the rules in the order in which they are asked, and what asks each:
mail that arrives, a schedule, or a flag that is added. Each rule on a schedule
is asked by itself.

--needs tells of each rule what it reads of a message, what has to be fetched
for that and when, and which question to the server (SEARCH) leaves out messages
that cannot match. A server is only asked about texts where it is known to find
parts of words; --server-text shows the questions for such a server.

--graph shows the ways that mail takes between mailboxes, and those that lead in
a circle; --dot prints them for graphviz.

--schedule shows the rules that run on a clock: when it ran each last, what came of
that, and when it does so next. 'imapilot apply --rule NAME' does the same at once,
and is no run of the clock. Times are in the configuration's timezone. With --json it prints {schedule} instead, with
  schedule {account, rule, cron, last, next}; next is left out where there is none
  last     {rule, due, started, ended, missed, looked, acted, held, error};
           without started it never ran, without ended it is under way or cut off

Exit codes: 0 all is well, 2 the command line is wrong, 3 the configuration
cannot be used.

--json prints {rules, moves, circles}:
  rules    {name, on, cron, flags, repeat, accounts, in, if, then, stop,
           dry_run, reads, header_fields, whole_header, journal, structure,
           parts, stages, search, not_searched}
           on: arrival, schedule, flags; repeat: seconds, 0 is never;
           parts: text, html, report; not_searched: {text, why}
  moves    {rule, from, to, copy}
  circles  texts`,
		Example: `  imapilot rules
  imapilot rules --needs --rule newsletters
  imapilot rules --schedule
  imapilot rules --dot | dot -Tsvg > rules.svg`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.schedule && (f.needs || f.serverText || f.graph || f.dot) {
				return usagef("--schedule goes with --rule and --json only")
			}
			if (f.needs || f.serverText) && (f.graph || f.dot) {
				return usagef("say either --needs or --graph")
			}
			if f.rule != "" && (f.graph || f.dot) {
				return usagef("--rule does not go with --graph")
			}
			if a.json && f.dot {
				return usagef("say either --json or --dot")
			}
			return a.rules(cmd.Context(), f)
		},
	}
	cmd.Flags().BoolVar(&f.needs, "needs", false, "what each rule reads, and what is fetched for it")
	cmd.Flags().BoolVar(&f.serverText, "server-text", false, "with --needs or --json, for a server that finds parts of words")
	cmd.Flags().BoolVar(&f.graph, "graph", false, "the ways between mailboxes")
	cmd.Flags().BoolVar(&f.dot, "dot", false, "the ways between mailboxes, for graphviz")
	cmd.Flags().BoolVar(&f.schedule, "schedule", false, "the rules that run on a clock: last run, its outcome, next run")
	cmd.Flags().StringVar(&f.rule, "rule", "", "only this rule")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	complete(cmd, "rule", a.completeRule)
	return cmd
}

func (a *app) rules(ctx context.Context, f rulesFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	list := cfg.Rules.Report(time.Now(), rules.SearchProfile{Text: f.serverText})
	list = slices.DeleteFunc(list, func(r rules.RuleReport) bool { return f.rule != "" && r.Rule.Name != f.rule })
	if f.rule != "" && len(list) == 0 {
		return noRule(cfg, f.rule)
	}
	if f.schedule {
		return a.showSchedule(ctx, cfg, f.rule)
	}
	s := a.screen()
	switch {
	case a.json:
		return a.printJSON(rulesReport(cfg, list, a.circles()))
	case f.dot:
		s.dot(cfg.Rules.Moves())
	case f.graph:
		s.graph(cfg.Rules, a.circles())
	case f.needs || f.serverText:
		s.needs(list)
	default:
		s.ruleTable(list)
	}
	_, err = fmt.Fprint(a.out, s.b.String())
	return err
}

// circles are the ways that lead in a circle, as check tells of them.
func (a *app) circles() []string {
	out := []string{}
	_, diags := config.Load(a.configPath())
	for _, d := range diags {
		if _, way, ok := strings.Cut(d.Message, " mail in a circle: "); ok {
			out = append(out, way)
		}
	}
	return out
}

// ruleTable lists the rules, a row each.
func (s *screen) ruleTable(list []rules.RuleReport) {
	if len(list) == 0 {
		s.line("", plain, "There are no rules.")
		return
	}
	rows := [][]string{{"RULE", "ON", "IN", "READS", "DOES"}}
	for _, r := range list {
		rows = append(rows, []string{r.Rule.Name, askedBy(r.Rule), placesOf(r.Rule), readsOf(r), doesOf(r.Rule)})
	}
	s.table(rows)
}

// askedBy is what asks a rule, as the configuration has it.
func askedBy(r rules.Rule) string {
	switch r.On {
	case rules.OnSchedule:
		if r.Repeat > 0 {
			return r.Cron + "\nrepeat " + rules.Show(r.Repeat, time.UTC)
		}
		return r.Cron
	case rules.OnFlags:
		return strings.Join(flagWords(r.Flags), ", ")
	}
	return "arrival"
}

func flagWords(flags []imap.Flag) []string {
	out := []string{}
	for _, f := range flags {
		out = append(out, string(f))
	}
	return out
}

func placesOf(r rules.Rule) string {
	out := strings.Join(r.In, ", ")
	if len(r.Accounts) > 0 {
		out += " of " + strings.Join(r.Accounts, ", ")
	}
	return out
}

// stagesOf names what is read for a rule, in the order in which it is fetched.
func stagesOf(r rules.RuleReport) []string {
	var out []string
	for _, stage := range r.Stages {
		out = append(out, map[rules.Stage]string{
			rules.StageFlags: "flags", rules.StageHeader: "header", rules.StageHistory: "journal",
			rules.StageGmail: "gmail", rules.StageStructure: "structure", rules.StageContent: "body",
		}[stage])
	}
	return out
}

// readsOf is the same for a table. Flags, time and size come with whatever else
// is fetched, so they are named only where there is nothing else.
func readsOf(r rules.RuleReport) string {
	out := stagesOf(r)
	if len(out) > 1 {
		out = out[1:]
	}
	return strings.Join(out, ", ")
}

func doesOf(r rules.Rule) string {
	out := slices.Clone(r.Then)
	if r.Stop {
		out = append(out, "stop")
	}
	if r.DryRun {
		out = append(out, "(dry run)")
	}
	return strings.Join(out, "\n")
}

// needs tells of each rule what it costs.
func (s *screen) needs(list []rules.RuleReport) {
	for i, r := range list {
		if i > 0 {
			s.gap()
		}
		s.line("", bold, r.Rule.Name)
		s.line("  condition    ", plain, r.Rule.If)
		s.line("  reads        ", plain, orNothing(strings.Join(r.Reads, ", "), "nothing of the message"))
		for j, step := range fetchSteps(r) {
			label := "               "
			if j == 0 {
				label = "  is fetched   "
			}
			s.line(label, plain, step)
		}
		s.line("  SEARCH       ", plain, searchText(r.SearchKey))
		for j, u := range r.Unpushed {
			label := "               "
			if j == 0 {
				label = "  not searched "
			}
			s.line(label, plain, u.Text+": "+u.Why)
		}
	}
}

func orNothing(s, nothing string) string {
	if s == "" {
		return nothing
	}
	return s
}

func searchText(key string) string {
	if key == "ALL" {
		return "ALL (every message has to be looked at)"
	}
	return key
}

// fetchSteps says what is fetched for a rule, a line for each time.
func fetchSteps(r rules.RuleReport) []string {
	first := "of each message: flags, time, size"
	switch {
	case r.Needs.WholeHeader:
		first += ", the whole header"
	case len(r.Needs.HeaderFields) > 0:
		first += ", " + strings.Join(r.Needs.HeaderFields, ", ")
	}
	out := []string{first}
	later := map[rules.Stage]string{
		rules.StageHistory:   "from the journal: what it knows of the message",
		rules.StageGmail:     "Gmail's labels and ids (X-GM-LABELS, X-GM-THRID, X-GM-MSGID)",
		rules.StageStructure: "the list of its parts (BODYSTRUCTURE)",
	}
	for _, stage := range r.Stages {
		if text := later[stage]; text != "" {
			out = append(out, "if still undecided, "+text)
		}
	}
	for _, c := range r.Needs.Contents {
		out = append(out, "if still undecided, "+contentName(c))
	}
	if text := includedText(r.Includes); text != "" {
		out = append(out, "for its calls, of what it acts on: "+text)
	}
	return out
}

// includedText says what calls include that has to be fetched.
func includedText(n rules.Needs) string {
	var out []string
	if n.WholeHeader {
		out = append(out, "the whole header")
	}
	if n.Structure {
		out = append(out, "the list of its parts")
	}
	for _, c := range n.Contents {
		out = append(out, contentName(c))
	}
	if n.Raw > 0 {
		out = append(out, "the message as it is, up to "+octets(n.Raw))
	}
	return strings.Join(out, ", ")
}

// reportJSON is a rule as rules prints it as JSON; --help lists its keys, which
// stay.
type reportJSON struct {
	Name         string        `json:"name"`
	On           string        `json:"on"`
	Cron         string        `json:"cron"`
	Flags        []string      `json:"flags"`
	Repeat       int64         `json:"repeat"`
	Accounts     []string      `json:"accounts"`
	In           []string      `json:"in"`
	If           string        `json:"if"`
	Then         []string      `json:"then"`
	Stop         bool          `json:"stop"`
	DryRun       bool          `json:"dry_run"`
	Reads        []string      `json:"reads"`
	HeaderFields []string      `json:"header_fields"`
	WholeHeader  bool          `json:"whole_header"`
	Journal      bool          `json:"journal"`
	Structure    bool          `json:"structure"`
	Parts        []string      `json:"parts"`
	Stages       []string      `json:"stages"`
	Search       string        `json:"search"`
	NotSearched  []notSearched `json:"not_searched"`
}

type notSearched struct {
	Text string `json:"text"`
	Why  string `json:"why"`
}

type moveJSON struct {
	Rule string `json:"rule"`
	From string `json:"from"`
	To   string `json:"to"`
	Copy bool   `json:"copy"`
}

func rulesReport(cfg *config.Config, list []rules.RuleReport, circles []string) any {
	all, moves := []reportJSON{}, []moveJSON{}
	for _, r := range list {
		one := reportJSON{
			Name: r.Rule.Name, On: string(r.Rule.On), Cron: r.Rule.Cron, Flags: flagWords(r.Rule.Flags), Repeat: int64(r.Rule.Repeat / time.Second),
			Accounts: some(r.Rule.Accounts), In: some(r.Rule.In), If: r.Rule.If, Then: some(r.Rule.Then),
			Stop: r.Rule.Stop, DryRun: r.Rule.DryRun, Reads: some(r.Reads), HeaderFields: some(r.Needs.HeaderFields),
			WholeHeader: r.Needs.WholeHeader, Journal: r.Needs.History, Structure: r.Needs.Structure || len(r.Needs.Contents) > 0,
			Parts: some(notKnown(rules.Needs{Contents: r.Needs.Contents})), Stages: stagesOf(r),
			Search: r.SearchKey, NotSearched: []notSearched{},
		}
		for _, u := range r.Unpushed {
			one.NotSearched = append(one.NotSearched, notSearched(u))
		}
		all = append(all, one)
	}
	for _, m := range cfg.Rules.Moves() {
		moves = append(moves, moveJSON(m))
	}
	return map[string]any{"rules": all, "moves": moves, "circles": circles}
}

// some is a list that JSON prints as one, also when it is empty.
func some(list []string) []string { return append([]string{}, list...) }
