package main

import (
	"context"
	"errors"
	"fmt"
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
		out = append(out, byWebhook(acc.Name, found)...)
	}
	return out, nil
}

// byWebhook counts calls, which come in the order in which they are due.
func byWebhook(account string, found []journal.Delivery) []owedCalls {
	var out []owedCalls
	for _, d := range found {
		i := slices.IndexFunc(out, func(o owedCalls) bool { return o.Webhook == d.Endpoint })
		if i < 0 {
			i = len(out)
			out = append(out, owedCalls{Account: account, Webhook: d.Endpoint, Attempts: d.Attempts, Next: d.Next, LastStatus: d.LastStatus, LastError: d.LastError})
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
	if out.Waiting, err = waitingEntries(ctx, cfg, chosen); err != nil {
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
		return nil, usagef("there is no account %q", sel.Account)
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
				s.Entries, s.Deliveries, s.Pauses = sum.Entries, sum.Deliveries, sum.Pauses
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

// maxWaiting is how many of them status lists of an account, the newest.
const maxWaiting = 20

// waitingEntries lists the newest entries that need a person.
func waitingEntries(ctx context.Context, cfg *config.Config, sel engine.Selection) ([]waitingEntry, error) {
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
		q.Limit, q.Newest = maxWaiting, true
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

func (a *app) printStatus(s answer, zone *time.Location) {
	if s.Running {
		fmt.Fprintf(a.out, "imapilot %s, process %d, running since %s\n", s.Version, s.PID, s.Started.Format(time.DateTime))
	}
	fmt.Fprintf(a.out, "configuration %s, state %s, %s\n", s.Config, s.State, count(s.Rules, "rule"))
	if s.DryRun {
		fmt.Fprintln(a.out, "DRY RUN: everything is decided and recorded, nothing is touched")
	}
	for _, acc := range s.Accounts {
		a.printAccount(acc)
		for _, o := range s.Webhooks {
			if d := (journal.Delivery{State: journal.Pending, Attempts: o.Attempts, Next: o.Next, LastStatus: o.LastStatus, LastError: o.LastError}); o.Account == acc.Name {
				fmt.Fprintf(a.out, "  webhook %s: %s pending; the next one %s\n", o.Webhook, count(o.Pending, "call"), webhookText(d, zone))
			}
		}
	}
	if len(s.Waiting) == 0 {
		return
	}
	fmt.Fprintln(a.out, "\nWaiting for you ('imapilot history' says how to go on):")
	rows := [][]string{{"STATE", "ACCOUNT", "MAILBOX", "UID", "SUBJECT", "REASON"}}
	for _, e := range s.Waiting {
		rows = append(rows, []string{string(e.State), fit(e.Account, 12), fit(e.Mailbox, 16), fmt.Sprint(e.UID), fit(e.Subject, 30), fit(e.Reason, 60)})
	}
	table(a.out, rows)
}

func (a *app) printAccount(acc engine.AccountStatus) {
	fmt.Fprintf(a.out, "\n%s (%s): %s", acc.Name, acc.Host, acc.State)
	if acc.Connections > 0 {
		fmt.Fprint(a.out, ", ", count(acc.Connections, "connection"))
	}
	if !acc.LastProof.IsZero() {
		fmt.Fprintf(a.out, ", the server answered %s", ago(acc.LastProof))
	}
	fmt.Fprintln(a.out)
	if acc.Error != "" {
		fmt.Fprintf(a.out, "  last error: %s\n", visible(acc.Error))
	}
	if !acc.NextTry.IsZero() {
		fmt.Fprintf(a.out, "  next try: %s\n", acc.NextTry.Format(time.DateTime))
	}
	if len(acc.Mailboxes) > 0 {
		rows := [][]string{{"  MAILBOX", "WATCHED BY", "MESSAGES", "SERVER ANSWERED", "SCANNED", "ERROR"}}
		for _, m := range acc.Mailboxes {
			rows = append(rows, []string{"  " + m.Name, m.Watch, fmt.Sprint(m.Messages), ago(m.LastProof), ago(m.LastScan), m.Error})
		}
		table(a.out, rows)
	}
	for _, e := range acc.RuleErrors {
		fmt.Fprintf(a.out, "  rule %q could not be evaluated for %s, last %s: %s\n", e.Rule, count(e.Messages, "message"), ago(e.At), visible(e.Last))
	}
	for _, f := range acc.Fallbacks {
		fmt.Fprintf(a.out, "  the server announces %s and refuses it, since %s; instead: %s (%s)\n", f.Feature, ago(f.Since), f.Instead, f.Reason)
	}
	for _, p := range acc.Pauses {
		fmt.Fprintf(a.out, "  paused: %s since %s, tried again %s: %s\n", visible(p.Target), ago(p.Since), p.Probe.Format(time.DateTime), visible(p.Reason))
	}
	for _, state := range journal.States() {
		if n := acc.Entries[state]; n > 0 {
			fmt.Fprintf(a.out, "  %d %s\n", n, state)
		}
	}
	for _, state := range []journal.DeliveryState{journal.Pending, journal.Delivered, journal.Dead} {
		if n := acc.Deliveries[state]; n > 0 {
			fmt.Fprintf(a.out, "  %s %s\n", count(n, "webhook"), state)
		}
	}
}
