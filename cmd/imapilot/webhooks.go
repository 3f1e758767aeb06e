package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine/config"
	"imapilot/engine/journal"
)

func (a *app) webhooksCommand() *cobra.Command {
	group := &cobra.Command{
		Use: "webhooks", Short: "Show the calls of webhooks, make them again, and test an endpoint",
		Long: `webhooks deals with the calls that rules owe to the endpoints of the
configuration: which wait, which were given up and why, and what a receiver
answered. All but 'webhooks test' read and change the journal, and work with and
without a running daemon.`,
		Example: `  imapilot webhooks list
  imapilot webhooks show a06b54a5
  imapilot webhooks replay --endpoint ci --state dead
  imapilot webhooks test ci`,
		SuggestionsMinimumDistance: 2,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, c := range cmd.Commands() {
				names = append(names, c.Name())
			}
			return usagef("unknown command \"webhooks %s\"%s", args[0], meant(args[0], names))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.AddCommand(a.webhooksListCommand(), a.webhooksShowCommand(), a.webhooksReplayCommand(), a.webhooksTestCommand(), a.webhooksEnableCommand())
	return group
}

// wideScreen is as wide as the terminal.
func (a *app) wideScreen() *screen {
	return &screen{width: cmp.Or(terminalWidth(a.out), screenWidth), color: color(a.out)}
}

// callSelection are the flags that choose among calls.
type callSelection struct {
	account, endpoint, since string
	states                   []string
}

func (s *callSelection) add(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var((*textValue)(&s.account), "account", "only the calls of this account")
	f.Var((*textValue)(&s.endpoint), "endpoint", "only the calls to this endpoint")
	f.Var((*textValue)(&s.since), "since", "only what was recorded since then: 2h, 7d, 2026-11-01 or \"2026-11-01 14:00\"")
	f.StringSliceVar(&s.states, "state", nil, "only the calls in these states, as in pending,dead")
	complete(cmd, "account", a.completeAccount)
	complete(cmd, "endpoint", a.completeEndpoint)
	complete(cmd, "since", cobra.FixedCompletions([]cobra.Completion{"1h", "1d", "7d"}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "state", completeDeliveryState)
}

// any reports whether anything is selected.
func (s *callSelection) any() bool { return len(s.said()) > 0 }

// said is the selection as words of a command line, to be said again.
func (s *callSelection) said() []string {
	var out []string
	for _, f := range []struct{ flag, value string }{
		{"--account", s.account}, {"--endpoint", s.endpoint}, {"--since", s.since}, {"--state", strings.Join(s.states, ",")},
	} {
		if f.value != "" {
			out = append(out, f.flag, f.value)
		}
	}
	return out
}

// queries are the questions to the journal, one for each account that is selected.
// Without --state they are about states.
func (s *callSelection) queries(ctx context.Context, cfg *config.Config, r *archive, states []journal.DeliveryState) ([]journal.DeliveryQuery, error) {
	if s.account != "" && !hasAccount(cfg, s.account) {
		return nil, noAccount(cfg, s.account)
	}
	if err := s.checkEndpoint(ctx, cfg, r); err != nil {
		return nil, err
	}
	since, err := sinceWhen(s.since, cfg, time.Now())
	if err != nil {
		return nil, err
	}
	if len(s.states) > 0 {
		if states, err = readDeliveryStates(s.states); err != nil {
			return nil, err
		}
	}
	var out []journal.DeliveryQuery
	for _, acc := range cfg.Accounts {
		if s.account == "" || s.account == acc.Name {
			out = append(out, journal.DeliveryQuery{Account: acc.Name, Endpoint: s.endpoint, States: states, Since: since, Newest: true, Bare: true})
		}
	}
	return out, nil
}

// checkEndpoint takes an endpoint also when only the journal knows it: the
// configuration may have lost it.
func (s *callSelection) checkEndpoint(ctx context.Context, cfg *config.Config, r *archive) error {
	if _, ok := endpointNamed(cfg, s.endpoint); ok || s.endpoint == "" {
		return nil
	}
	found, err := r.Deliveries(ctx, journal.DeliveryQuery{Endpoint: s.endpoint, Limit: 1, Bare: true})
	if err != nil || len(found) > 0 {
		return err
	}
	return noEndpoint(cfg, s.endpoint)
}

func readDeliveryStates(typed []string) ([]journal.DeliveryState, error) {
	var out []journal.DeliveryState
	for _, word := range typed {
		state := journal.DeliveryState(strings.ToLower(strings.TrimSpace(word)))
		if !slices.Contains(journal.DeliveryStates(), state) {
			words := deliveryWords()
			return nil, usagef("there is no state %q%s; they are %s", word, meant(string(state), words), strings.Join(words, ", "))
		}
		out = append(out, state)
	}
	return out, nil
}

func deliveryWords() []string {
	var out []string
	for _, s := range journal.DeliveryStates() {
		out = append(out, string(s))
	}
	return out
}

func endpointNamed(cfg *config.Config, name string) (config.Webhook, bool) {
	i := slices.IndexFunc(cfg.Webhooks, func(w config.Webhook) bool { return w.Name == name })
	if i < 0 {
		return config.Webhook{}, false
	}
	return cfg.Webhooks[i], true
}

// noEndpoint says which endpoints there are.
func noEndpoint(cfg *config.Config, name string) error {
	var names []string
	for _, w := range cfg.Webhooks {
		names = append(names, w.Name)
	}
	if len(names) == 0 {
		return usagef("there is no endpoint %q: %s has no webhooks", name, cfg.Path)
	}
	hint := meant(name, names)
	if hint == "" {
		hint = "; there is " + firstOf(names, 10)
	}
	return usagef("there is no endpoint %q in %s%s", name, cfg.Path, hint)
}

// firstOf is the first names of some, and how many more there are.
func firstOf(names []string, most int) string {
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// receiverOf is where an endpoint is, without what may be a secret: a user, a
// path or a query.
func receiverOf(hook config.Webhook) string {
	text := hook.URL
	if template := hook.Template(); template != nil {
		text = template[0].Text // which holds the host
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "at a URL that is made for each call"
	}
	return u.Scheme + "://" + u.Host
}

// Deliveries implements [engine.DeliveryReader].
func (r *archive) Deliveries(ctx context.Context, q journal.DeliveryQuery) ([]journal.Delivery, error) {
	if r.db == nil {
		return nil, nil
	}
	return r.db.Deliveries(ctx, q)
}

// calls returns what some questions find, the newest first and at most limit, and
// whether there is more. Without a limit it is 0.
func (r *archive) calls(ctx context.Context, queries []journal.DeliveryQuery, limit int) (out []journal.Delivery, more bool, err error) {
	for _, q := range queries {
		if limit > 0 {
			q.Limit = limit + 1
		}
		found, err := r.Deliveries(ctx, q)
		if err != nil {
			return nil, false, err
		}
		out = append(out, found...)
	}
	slices.SortStableFunc(out, func(a, b journal.Delivery) int { return b.Created.Compare(a.Created) })
	if limit > 0 && len(out) > limit {
		return out[:limit], true, nil
	}
	return out, false, nil
}

// queued returns the IDs of those calls that are due and not made yet, for an earlier
// one about the same message is still pending.
func (r *archive) queued(ctx context.Context, calls []journal.Delivery) ([]string, error) {
	var out []string
	for _, d := range calls {
		if d.State != journal.Pending || d.Next.After(time.Now()) {
			continue
		}
		found, err := r.Deliveries(ctx, journal.DeliveryQuery{Account: d.Account, ID: d.ID, First: true, Bare: true})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			out = append(out, d.ID)
		}
	}
	return out, nil
}

// completeEndpoint offers the endpoints of the configuration to the shell.
func (a *app) completeEndpoint(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if cfg, _ := config.Load(a.configPath()); cfg != nil {
		for _, w := range cfg.Webhooks {
			names = append(names, cobra.CompletionWithDesc(w.Name, receiverOf(w)))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeOneEndpoint is completeEndpoint for a command that takes one.
func (a *app) completeOneEndpoint(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeEndpoint(cmd, args, typed)
}

func completeDeliveryState(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	var out []cobra.Completion
	for _, s := range journal.DeliveryStates() {
		out = append(out, cobra.CompletionWithDesc(before+string(s), meaningOfCall(s)))
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeCalls offers the newest calls in some states; none is any.
func (a *app) completeCalls(states ...journal.DeliveryState) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var out []cobra.Completion
		a.whileRead(cmd.Context(), func(cfg *config.Config, r *archive) {
			queries, err := new(callSelection).queries(cmd.Context(), cfg, r, states)
			if err != nil {
				return
			}
			found, _, _ := r.calls(cmd.Context(), queries, maxPreview)
			n := shortLength(found)
			for _, d := range found {
				out = append(out, cobra.CompletionWithDesc(shortID(d.ID, n), visible(fmt.Sprintf("%s, %s, %s", d.State, d.Endpoint, cmp.Or(d.Rule, "no rule")))))
			}
		})
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// meaningOfCall says what a state means.
func meaningOfCall(s journal.DeliveryState) string {
	return map[journal.DeliveryState]string{
		journal.Pending:   "it is made, or made again, when its time comes",
		journal.Waiting:   "it is made when the other actions on its message are done",
		journal.Dead:      "given up; 'imapilot webhooks replay' makes it again",
		journal.Delivered: "the receiver took it",
		journal.Gathered:  "another call says it, with others (digest, debounce)",
		journal.Cancelled: "the actions that it waited for will not be done",
	}[s]
}
