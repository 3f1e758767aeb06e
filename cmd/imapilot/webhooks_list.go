package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// callListFlags are the flags of webhooks list.
type callListFlags struct {
	callSelection
	limit int
	all   bool
}

func (a *app) webhooksListCommand() *cobra.Command {
	var f callListFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the calls that are owed, and those that were given up",
		Long: `list shows the newest calls of webhooks that are owed (pending, waiting) or were
given up (dead). --all shows those in any state. Before them stand the endpoints
that want no more calls (HTTP 410). Under WHEN stands when a call is made next,
or, where it is not, when it last changed; "queued" is one that comes after an
earlier one about the same message, and "gathering" one that a digest or a
debounce makes into one call with others. Where a daemon runs, an endpoint that
took none of the last calls "rests until" a time.

The states are:
` + deliveryMeanings() + `
--json prints an object a line. Those of calls have these keys:
  type           "call"
  id             the webhook-id, as the receiver sees it
  account, endpoint, rule, state
  message        the message, as 'imapilot history' takes it
  attempts       how many were made; restarted: how many before the last replay
  next           while it is pending
  held           what held it back last: quiet_hours, rate_limit or mail_server
  digest         of one that is gathered: the id of the call that says it
  last_status, last_error, created, time (when it last changed)
Those of endpoints: type "disabled", account, endpoint, since, reason. Times are
RFC 3339 in UTC.

Exit codes: 0 also when nothing matches, 2 the command line is wrong, 3 the
journal cannot be read.`,
		Example: `  imapilot webhooks list
  imapilot webhooks list --endpoint ci --state dead --since 2h
  imapilot webhooks list --all --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.limit < 1 || f.limit > maxLimit:
				return usagef("--limit is a number from 1 to %d", maxLimit)
			case f.all && len(f.states) > 0:
				return usagef("say either --all or --state")
			}
			return a.listCalls(cmd.Context(), &f)
		},
	}
	f.add(a, cmd)
	cmd.Flags().IntVarP(&f.limit, "limit", "n", defaultLimit, "how many to show, the newest")
	cmd.Flags().BoolVar(&f.all, "all", false, "those in any state")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON, an object a line")
	complete(cmd, "limit", cobra.NoFileCompletions)
	return cmd
}

func deliveryMeanings() string {
	var b strings.Builder
	for _, s := range journal.DeliveryStates() {
		fmt.Fprintf(&b, "  %-14s %s\n", s, meaningOfCall(s))
	}
	return b.String()
}

// shown are the states that a list is about unless it is told.
func (f *callListFlags) shown() []journal.DeliveryState {
	if f.all {
		return nil
	}
	return []journal.DeliveryState{journal.Pending, journal.Waiting, journal.Dead}
}

// disabledEndpoint is an endpoint that wants no more calls of an account.
type disabledEndpoint struct {
	account string
	journal.Disabled
}

func (a *app) listCalls(ctx context.Context, f *callListFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	r, err := openArchive(ctx, cfg)
	if err != nil {
		return err
	}
	defer r.close()
	queries, err := f.queries(ctx, cfg, r, f.shown())
	if err != nil {
		return err
	}
	disabled, err := r.disabled(ctx, cfg, &f.callSelection)
	if err != nil {
		return err
	}
	found, more, err := r.calls(ctx, queries, f.limit)
	if err != nil {
		return err
	}
	if a.json {
		return a.printCalls(disabled, found)
	}
	s := a.wideScreen()
	a.disabledLines(s, disabled, cfg)
	if len(found) == 0 {
		s.line("", plain, f.nothing(cfg, r))
	} else {
		table := a.callTable(disabled)
		if table.queued, err = r.queued(ctx, found); err != nil {
			return err
		}
		table.gathering = gathering(cfg, found)
		table.resting, table.zone = resting(ctx, cfg), cfg.Location
		table.print(s, found)
	}
	if more {
		s.line("", plain, fmt.Sprintf("These are the newest %d; --limit N shows more.", f.limit))
	}
	a.callHints(s, f, found)
	_, err = fmt.Fprint(a.out, s.b.String())
	return err
}

// resting asks the daemon, if there is one, until when endpoints are left alone. It is
// good to know and no more: without an answer nothing rests.
func resting(ctx context.Context, cfg *config.Config) map[accountEndpoint]time.Time {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var status engine.Status
	if err := call(ctx, cfg, "status", nil, &status); err != nil {
		return nil
	}
	out := map[accountEndpoint]time.Time{}
	for _, a := range status.Accounts {
		for _, r := range a.Resting {
			out[accountEndpoint{a.Name, r.Endpoint}] = r.Until
		}
	}
	return out
}

// disabled returns the endpoints that want no more calls, as they are configured
// now.
func (r *archive) disabled(ctx context.Context, cfg *config.Config, sel *callSelection) ([]disabledEndpoint, error) {
	if r.db == nil {
		return nil, nil
	}
	sums, err := r.db.Summary(ctx)
	if err != nil {
		return nil, err
	}
	var out []disabledEndpoint
	for _, sum := range sums {
		if !hasAccount(cfg, sum.Account) || sel.account != "" && sel.account != sum.Account {
			continue
		}
		for _, x := range sum.Disabled {
			hook, ok := endpointNamed(cfg, x.Endpoint)
			if ok && engine.Refuses(x, hook) && (sel.endpoint == "" || sel.endpoint == x.Endpoint) {
				out = append(out, disabledEndpoint{sum.Account, x})
			}
		}
	}
	return out, nil
}

// disabledLines tells once of an endpoint, whichever account it told.
func (a *app) disabledLines(s *screen, all []disabledEndpoint, cfg *config.Config) {
	slices.SortStableFunc(all, func(x, y disabledEndpoint) int {
		return cmp.Or(cmp.Compare(x.Endpoint, y.Endpoint), x.Since.Compare(y.Since))
	})
	all = slices.CompactFunc(slices.Clone(all), func(x, y disabledEndpoint) bool { return x.Endpoint == y.Endpoint })
	for _, x := range all {
		s.line(x.Endpoint+"  ", red, fmt.Sprintf("wants no more calls since %s (%s); '%s' gives it calls again",
			x.Since.In(cfg.Location).Format("2006-01-02 15:04"), x.Reason, a.command("webhooks", "enable", x.Endpoint)))
	}
	if len(all) > 0 {
		s.gap()
	}
}

// gathering are the IDs of those calls that one call will say, with what else
// comes.
func gathering(cfg *config.Config, found []journal.Delivery) []string {
	var out []string
	for _, d := range found {
		hook, ok := endpointNamed(cfg, d.Endpoint)
		if ok && (hook.Gathers || hook.Debounce > 0) && d.State == journal.Pending && d.Seq > 0 && d.Attempts == 0 {
			out = append(out, d.ID)
		}
	}
	return out
}

// nothing says that nothing matches, and what would.
func (f *callListFlags) nothing(cfg *config.Config, r *archive) string {
	switch said := f.said(); {
	case r.db == nil:
		return fmt.Sprintf("There is no journal %s yet: 'imapilot run' makes it and records what it does.", cfg.State)
	case len(said) > 0:
		hint := ""
		if !f.all && len(f.states) == 0 {
			hint = " among those that are owed or were given up; --all looks at all"
		}
		return fmt.Sprintf("No call matches %s%s.", quoted(said...), hint)
	case f.all:
		return "The journal holds no call of a webhook."
	}
	return "No call is owed, and none was given up; --all shows those that were delivered."
}

// callHints says what to do about the calls that were given up.
func (a *app) callHints(s *screen, f *callListFlags, found []journal.Delivery) {
	dead := slices.DeleteFunc(slices.Clone(found), func(d journal.Delivery) bool { return d.State != journal.Dead })
	if len(dead) == 0 {
		return
	}
	again := f.callSelection
	again.states = []string{string(journal.Dead)}
	text := fmt.Sprintf("%d of these were given up", len(dead))
	if len(dead) == 1 {
		text = "1 of these was given up"
	}
	s.gap()
	s.line("Waiting for you:", bold, "")
	s.waiting(waiting{text, [][2]string{
		{a.command(append([]string{"webhooks", "replay"}, again.said()...)...), "makes such calls again"},
		{a.command("webhooks", "show", shortID(dead[0].ID, shortLength(found))), "shows what went wrong"},
	}})
}
