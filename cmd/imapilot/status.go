package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
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
	var f statusFlags
	cmd := &cobra.Command{
		Use: "status", Short: "Show accounts, mailboxes and what waits",
		Long: `status asks the running daemon: how each mailbox is watched, when the server last
proved that it answers, which targets are paused, and what is held or failed.
Without a daemon it shows what the state file holds, and exits 3.

--check says in one line whether every watched mailbox is alive, and exits 0 or 3.
--admin asks the admin address of a daemon, on another machine too; the token is
that of admin: in the configuration, or $IMAPILOT_ADMIN_TOKEN.

In the JSON, times are as RFC 3339 writes them and spans are seconds. Of a mailbox:
  watch                how it is watched, "" while there is no connection
  last_proof           when the server last proved that it answers for it
  silent_seconds       how long that is ago, by a clock that nobody sets
  stale_after_seconds  how long it may be; stale is true beyond that
  lag_seconds          for how long something is known to wait there
  last_message         when a new message was last seen since the start
  last_scan            when it was last looked through on this connection
  error, error_since   the last failure, and since when it fails in a row
  next_try             when it is tried again
ready is true where troubles is empty. Of a trouble: account, mailbox, for_seconds,
text, and kind, one of ` + kindWords() + `.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.check && a.json {
				return usagef("--check prints one line, and no JSON; ready and troubles are in that of 'imapilot status --json'")
			}
			return a.status(cmd.Context(), &sel, f)
		},
	}
	sel.add(a, cmd)
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.check, "check", false, "say whether all is alive: exit 0, or 3 and the worst mailbox")
	cmd.Flags().StringVar(&f.admin, "admin", "", "ask this admin address, as in http://127.0.0.1:9464")
	return cmd
}

var errNoDaemon = errors.New("no daemon is running; start one with 'imapilot run'")

// statusFlags are the flags of status beside the selection.
type statusFlags struct {
	check bool
	admin string
}

// kindWords are the kinds of trouble, for the help.
func kindWords() string {
	var words []string
	for _, k := range engine.TroubleKinds() {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
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

func (a *app) status(ctx context.Context, sel *selection, f statusFlags) error {
	if f.admin != "" {
		return a.statusFrom(ctx, sel, f)
	}
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	out := answer{Running: true}
	err = call(ctx, cfg, "status", nil, &out.Status)
	if errors.Is(err, control.ErrNoDaemon) && !f.check {
		out, err = stored(ctx, cfg)
	}
	if errors.Is(err, control.ErrNoDaemon) {
		return errNoDaemon
	}
	if err != nil {
		return err
	}
	chosen, err := sel.where(cfg, time.Now())
	if err != nil {
		return err
	}
	if err := out.narrow(chosen); err != nil {
		return err
	}
	if f.check {
		return a.printReady(out)
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
		err = errNoDaemon
	}
	return err
}

// narrow keeps what was asked for.
func (s *answer) narrow(chosen engine.Selection) (err error) {
	if s.Accounts, err = choose(s.Accounts, chosen); err != nil {
		return err
	}
	s.Troubles = slices.DeleteFunc(s.Troubles, func(t engine.Trouble) bool {
		return chosen.Account != "" && t.Account != chosen.Account || chosen.Mailbox != "" && t.Mailbox != "" && !journal.SpelledAs(t.Mailbox, chosen.Mailbox)
	})
	s.Ready = s.Running && len(s.Troubles) == 0
	return nil
}

// printReady says in one line whether all is alive; the error names the worst mailbox.
func (a *app) printReady(s answer) error {
	if len(s.Troubles) > 0 {
		worst := s.Troubles[0]
		text := "not ready: " + worst.Where() + ": " + worst.Text
		if more := len(s.Troubles) - 1; more > 0 {
			text += " (and " + count(more, "other trouble") + ")"
		}
		return errors.New(text)
	}
	mailboxes := 0
	for _, acc := range s.Accounts {
		mailboxes += len(acc.Mailboxes)
	}
	text := fmt.Sprintf("ready: %s, %s", count(len(s.Accounts), "account"), mailboxCount(mailboxes))
	if n := unconnected(s.Accounts); n > 0 {
		text += fmt.Sprintf("; %d without a connection", n)
	}
	fmt.Fprintln(a.out, text)
	return nil
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
