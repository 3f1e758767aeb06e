package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/control"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

func (a *app) statusCommand() *cobra.Command {
	var sel selection
	cmd := &cobra.Command{
		Use: "status", Short: "Show accounts, mailboxes and what waits",
		Long: `status asks the running daemon: how each mailbox is watched, when the server last
proved that it answers, which targets are paused, and what is held or failed.
Without a daemon it shows what the state file holds, and exits 3.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context(), &sel) },
	}
	sel.add(a, cmd)
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// answer is what status prints as JSON.
type answer struct {
	Running bool `json:"running"`
	engine.Status
	// Waiting are the newest entries that are held, failed or unsure.
	Waiting []waitingEntry `json:"waiting"`
	// Webhooks are those with calls that wait.
	Webhooks []owedCalls `json:"webhooks"`
	// said is the selection, as words of a command line.
	said []string
}

// owedCalls is a webhook with calls that wait, and why.
type owedCalls struct {
	Account string `json:"account"`
	Webhook string `json:"webhook"`
	Pending int    `json:"pending"`
	// Attempts and what follows are those of the call that is due next.
	Attempts   int       `json:"attempts"`
	Next       time.Time `json:"next"`
	LastStatus int       `json:"last_status,omitempty"`
	LastError  string    `json:"last_error,omitempty"`
	// Held is what holds that call back: quiet_hours, rate_limit or mail_server.
	Held string `json:"held,omitempty"`
	// Gathers is set where one call will say it, with what else comes.
	Gathers bool `json:"gathers,omitempty"`
	// Disabled is why the endpoint wants no more calls.
	Disabled string `json:"disabled,omitempty"`
}

// maxOwed is how many calls that wait are looked at of an account.
const maxOwed = 1000

// owed gathers the calls that wait by their webhook.
func owed(ctx context.Context, cfg *config.Config, sel engine.Selection) ([]owedCalls, error) {
	out := []owedCalls{}
	r, err := openArchive(ctx, cfg)
	if err != nil || r.db == nil {
		return out, err
	}
	defer r.close()
	for _, acc := range cfg.Accounts {
		if sel.Account != "" && acc.Name != sel.Account {
			continue
		}
		found, err := r.db.Deliveries(ctx, journal.DeliveryQuery{Account: acc.Name, States: []journal.DeliveryState{journal.Pending}, Limit: maxOwed})
		if err != nil {
			return nil, err
		}
		out = append(out, byWebhook(acc.Name, found, gathering(cfg, found))...)
	}
	disabled, err := r.disabled(ctx, cfg, new(callSelection))
	for i, o := range out {
		for _, x := range disabled {
			if x.account == o.Account && x.Endpoint == o.Webhook {
				out[i].Disabled = x.Reason
			}
		}
	}
	return out, err
}

// byWebhook counts calls, which come in the order in which they are due. Of those
// whose IDs are gathering, one call will say several.
func byWebhook(account string, found []journal.Delivery, gathering []string) []owedCalls {
	var out []owedCalls
	for _, d := range found {
		i := slices.IndexFunc(out, func(o owedCalls) bool { return o.Webhook == d.Endpoint })
		next := owedCalls{
			Account: account, Webhook: d.Endpoint, Attempts: d.Attempts, Next: d.Next, LastStatus: d.LastStatus, LastError: d.LastError,
			Held: d.Held, Gathers: slices.Contains(gathering, d.ID),
		}
		switch {
		case i < 0:
			i = len(out)
			out = append(out, next)
		case isStep(d) && out[i].Held == "" && heldBack(d) != "":
			next.Pending = out[i].Pending
			out[i] = next // for what holds it back the others wait, too
		}
		out[i].Pending++
	}
	return out
}

func (a *app) status(ctx context.Context, sel *selection) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	out := answer{Running: true}
	err = call(ctx, cfg, "status", nil, &out.Status)
	if errors.Is(err, control.ErrNoDaemon) {
		out, err = stored(ctx, cfg)
	}
	if err != nil {
		return err
	}
	chosen, err := sel.where(cfg, time.Now())
	if err != nil {
		return err
	}
	if out.Accounts, err = choose(out.Accounts, chosen); err != nil {
		return err
	}
	most := maxGathered
	if out.said = sel.said(nil); a.json {
		most = maxWaiting
	}
	if out.Waiting, err = waitingEntries(ctx, cfg, chosen, most); err != nil {
		return err
	}
	if out.Webhooks, err = owed(ctx, cfg, chosen); err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(out)
	} else {
		a.printStatus(out, cfg.Location)
	}
	if err == nil && !out.Running {
		err = errors.New("no daemon is running; start one with 'imapilot run'")
	}
	return err
}

// choose keeps the accounts and mailboxes that were asked for.
func choose(all []engine.AccountStatus, sel engine.Selection) ([]engine.AccountStatus, error) {
	var out []engine.AccountStatus
	for _, acc := range all {
		if sel.Account != "" && acc.Name != sel.Account {
			continue
		}
		acc.Mailboxes = slices.DeleteFunc(slices.Clone(acc.Mailboxes), func(m engine.MailboxStatus) bool {
			return sel.Mailbox != "" && !journal.SpelledAs(m.Name, sel.Mailbox)
		})
		out = append(out, acc)
	}
	if len(out) == 0 && sel.Account != "" {
		return nil, usagef("there is no account %q", sel.Account) // the daemon has not read it yet
	}
	return out, nil
}

// stored is the status as far as the state file tells it.
func stored(ctx context.Context, cfg *config.Config) (answer, error) {
	out := answer{Status: engine.Status{Version: version, Config: cfg.Path, State: cfg.State, DryRun: cfg.DryRun, Rules: len(cfg.Rules.Rules())}}
	var sums []journal.AccountSummary
	if _, err := os.Stat(cfg.State); err == nil {
		db, err := sqlite.OpenReadOnly(cfg.State)
		if err != nil {
			return out, err
		}
		defer db.Close()
		if sums, err = db.Summary(ctx); err != nil {
			return out, err
		}
	}
	for _, acc := range cfg.Accounts {
		s := engine.AccountStatus{Name: acc.Name, Host: acc.Host, State: engine.Stopped, DryRun: acc.DryRun || cfg.DryRun}
		for _, sum := range sums {
			if sum.Account == acc.Name {
				s.Entries, s.Deliveries, s.Pauses, s.Snoozed = sum.Entries, sum.Deliveries, sum.Pauses, sum.Snoozed
			}
		}
		out.Accounts = append(out.Accounts, s)
	}
	return out, nil
}

// waitingEntry is an entry that needs a person.
type waitingEntry struct {
	Account string `json:"account"`
	journal.Entry
}

const (
	// maxWaiting is how many of them status lists as JSON of an account, the newest.
	maxWaiting = 20
	// maxGathered is how many are gathered by their reason.
	maxGathered = 10_000
)

// waitingEntries lists the newest entries that need a person, so many of each
// account.
func waitingEntries(ctx context.Context, cfg *config.Config, sel engine.Selection, most int) ([]waitingEntry, error) {
	out := []waitingEntry{}
	if _, err := os.Stat(cfg.State); errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	db, err := sqlite.OpenReadOnly(cfg.State)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for _, acc := range cfg.Accounts {
		if sel.Account != "" && acc.Name != sel.Account {
			continue
		}
		q := sel.Query(acc.Name)
		q.States = []journal.EntryState{journal.Held, journal.Failed, journal.Unsure}
		q.Limit, q.Newest = most, true
		entries, err := db.Entries(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			out = append(out, waitingEntry{acc.Name, e})
		}
	}
	return out, nil
}
