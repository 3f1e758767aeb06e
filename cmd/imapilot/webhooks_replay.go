package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"imapilot/actions"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/control"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// replayFlags are the flags of webhooks replay.
type replayFlags struct {
	callSelection
	yes bool
}

func (a *app) webhooksReplayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use: "replay [ID ...]", Short: "Make calls again, now",
		Long: `replay makes calls again that were given up (dead), and those that wait for their
next attempt (pending), at once and with a schedule that begins anew. A call that
was delivered is made again only when its ID is named. Each keeps its webhook-id,
so that a receiver can tell that it had it before. A limit of rate_limit does not
hold it back; quiet_hours do. One that a digest or a debounce gathers is left.

Select by IDs, as 'imapilot webhooks list' shows them, or by flags. On a terminal
it shows what it found, and asks. With a running daemon the calls are made now;
without one they are due when the daemon, or 'imapilot run --once', runs next.

Exit codes: 0 also when there was nothing to do, 2 the command line is wrong or
there is no such ID, 3 something failed.`,
		Example: `  imapilot webhooks replay a06b54a5
  imapilot webhooks replay --endpoint ci --state dead
  imapilot webhooks replay --since 2h --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && !f.any():
				return usagef("select what to make again with an ID as in 'imapilot webhooks list', or with --account, --endpoint, --since or --state")
			case len(args) > 0 && f.any():
				return usagef("say either IDs or %s", f.said()[0])
			case len(args) > maxNamed:
				return usagef("at most %d calls can be named at once; select them with flags", maxNamed)
			}
			return a.replayCalls(cmd.Context(), args, &f)
		},
		ValidArgsFunction: a.completeCalls(journal.Dead, journal.Pending),
	}
	f.add(a, cmd)
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *app) replayCalls(ctx context.Context, ids []string, f *replayFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	r, err := openArchive(ctx, cfg)
	if err != nil {
		return err
	}
	defer r.close()
	found, err := r.replayable(ctx, cfg, ids, f)
	if err != nil {
		return err
	}
	later := gathering(cfg, found)
	found = slices.DeleteFunc(found, func(d journal.Delivery) bool { return slices.Contains(later, d.ID) })
	switch {
	case len(later) == 1:
		fmt.Fprintln(a.out, "1 call is left as it is: a digest or a debounce gathers it.")
	case len(later) > 1:
		fmt.Fprintf(a.out, "%d calls are left as they are: a digest or a debounce gathers them.\n", len(later))
	}
	if len(found) == 0 {
		if len(later) == 0 {
			fmt.Fprintln(a.out, "No such call was given up or waits for its next attempt.")
		}
		return nil
	}
	if asks := isTerminal(a.in) && isTerminal(a.out); asks && !f.yes && !a.agreesToReplay(found) {
		fmt.Fprintln(a.out, "Nothing was changed.")
		return nil
	}
	n, offline, err := a.sendReplays(ctx, cfg, replaysOf(found))
	if err != nil {
		return fmt.Errorf("%w (before that %s)", err, replayed(n))
	}
	s := a.wideScreen()
	s.line("", plain, replayed(n)+".")
	if offline && n > 0 {
		s.line("", plain, "No daemon runs now: the daemon, or 'imapilot run --once', delivers them.")
	}
	err = a.tellWaiting(ctx, s, cfg, r, found)
	fmt.Fprint(a.out, s.b.String())
	return err
}

func replayed(n int) string {
	if n == 1 {
		return "1 call is made again"
	}
	return fmt.Sprintf("%d calls are made again", n)
}

// replayable returns the calls that are selected and can be made again. One that
// is named and cannot is an error.
func (r *archive) replayable(ctx context.Context, cfg *config.Config, ids []string, f *replayFlags) ([]journal.Delivery, error) {
	var found []journal.Delivery
	for _, id := range ids {
		d, err := r.named(ctx, cfg, id)
		if err != nil {
			return nil, err
		}
		if !(engine.Replay{Delivered: true}).Wants(d.State) {
			return nil, usagef("%s is %s: %s", id, d.State, meaningOfCall(d.State))
		}
		if engine.LacksMessage(d) {
			return nil, usagef("%s was done, and its message is not kept any more: it cannot be done again", id)
		}
		if !slices.ContainsFunc(found, func(o journal.Delivery) bool { return o.ID == d.ID && o.Account == d.Account }) {
			found = append(found, d)
		}
	}
	if len(ids) > 0 {
		return found, nil
	}
	wanted := []journal.DeliveryState{journal.Pending, journal.Dead}
	queries, err := f.queries(ctx, cfg, r, wanted)
	if err != nil {
		return nil, err
	}
	for _, s := range queries[0].States {
		if s == journal.Delivered {
			return nil, usagef("calls that were delivered are made again only when their IDs are named")
		}
		if !slices.Contains(wanted, s) {
			return nil, usagef("those that are %s are not made again: %s", s, meaningOfCall(s))
		}
	}
	found, _, err = r.calls(ctx, queries, 0)
	return found, err
}

// replaysOf puts calls into requests. One that was not delivered when it was found
// is left alone if it is meanwhile.
func replaysOf(found []journal.Delivery) []engine.Replay {
	type group struct {
		account   string
		delivered bool
	}
	ids := map[group][]string{}
	var order []group
	for _, d := range slices.Backward(found) { // the oldest first
		g := group{d.Account, d.State == journal.Delivered}
		if _, ok := ids[g]; !ok {
			order = append(order, g)
		}
		ids[g] = append(ids[g], d.ID)
	}
	var out []engine.Replay
	for _, g := range order {
		for some := range slices.Chunk(ids[g], engine.MaxReplay) {
			out = append(out, engine.Replay{Account: g.account, IDs: some, Delivered: g.delivered})
		}
	}
	return out
}

// sendReplays goes through the running daemon, or takes the leases itself: then it
// is offline. It returns how many calls were changed, also with an error.
func (a *app) sendReplays(ctx context.Context, cfg *config.Config, all []engine.Replay) (n int, offline bool, err error) {
	var db *sqlite.DB // once there is no daemon
	for _, one := range all {
		some := 0
		if db == nil {
			err = call(ctx, cfg, methodReplay, one, &some)
		}
		if errors.Is(err, control.ErrNoDaemon) && db == nil {
			if db, err = open(ctx, cfg); err != nil {
				return n, true, err
			}
			defer db.Close()
		}
		if db != nil {
			some, err = engine.ReplayOffline(ctx, db, holder(), one)
		}
		if err != nil {
			return n, db != nil, err
		}
		n += some
	}
	return n, db != nil, nil
}

func (a *app) agreesToReplay(found []journal.Delivery) bool {
	s := a.wideScreen()
	shown := found[:min(len(found), maxPreview)]
	a.callTable(nil).print(s, shown)
	if n := len(found) - len(shown); n > 0 {
		s.line("", plain, "and "+count(n, "call")+" before them")
	}
	fmt.Fprint(a.out, s.b.String())
	what := "this call"
	if len(found) > 1 {
		what = fmt.Sprintf("these %d calls", len(found))
	}
	return a.agrees("Make " + what + " again")
}

// tellWaiting says of which endpoints the calls wait all the same.
func (a *app) tellWaiting(ctx context.Context, s *screen, cfg *config.Config, r *archive, found []journal.Delivery) error {
	disabled, err := r.disabled(ctx, cfg, new(callSelection))
	if err != nil {
		return err
	}
	var told []string
	for _, d := range found {
		if slices.Contains(told, d.Endpoint) {
			continue
		}
		told = append(told, d.Endpoint)
		hook, ok := endpointNamed(cfg, d.Endpoint)
		switch {
		case isStep(d) && actions.Kind(d.Endpoint).NeedsAllow() && !slices.Contains(cfg.Allow, d.Endpoint):
			s.line("", plain, d.Endpoint+" is off: it waits until allow: has it.")
		case !ok && !isStep(d):
			s.line("", plain, d.Endpoint+" is not in the configuration any more: its calls wait until it is.")
		}
		if now := time.Now(); ok {
			if end := hook.Quiet.Until(now, hook.Zone); end.After(now) {
				s.line("", plain, fmt.Sprintf("%s has quiet hours: they are made %s.", d.Endpoint, when(end, cfg.Location)))
			}
		}
		if slices.ContainsFunc(disabled, func(x disabledEndpoint) bool { return x.Endpoint == d.Endpoint }) {
			s.line("", plain, fmt.Sprintf("%s wants no more calls: they wait until '%s'.", d.Endpoint, a.command("webhooks", "enable", d.Endpoint)))
		}
	}
	return nil
}
