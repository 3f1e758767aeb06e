package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// historyFlags are the flags of history.
type historyFlags struct {
	selection
	limit               int
	all, follow, events bool
}

// The numbers of entries that history shows unless it is told.
const (
	defaultLimit  = 50
	followedLimit = 10
	maxLimit      = 10_000
)

func (a *app) historyCommand() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use: "history [ID ...]", Short: "Show what was done with which message, and why",
		Long: `history shows what the journal holds of each message that a rule wanted: what
was decided, what was done and where it went, or why not. Below it stands what
waits for you, and the commands that deal with it.

Without an ID it is a table of the newest 50, the latest change last. With an ID
as the table shows it, or with --message-id, everything is shown that is
recorded of the message. It works with and without a running daemon.

--json prints an object a line. Those of messages have these keys:
  type           "message"
  id             as the commands take it, account/seq; also account and seq
  time           when it last changed
  outcome        ` + outcomeWords() + `
  reason         why it is held, failed, unsure or kept
  mailbox, uidvalidity, uid, message_id, received, size, from, subject
  trigger        why the rules were asked: arrival, flags, schedule, apply; undo; or
                 snooze, where a snoozed message comes back
  undoes, undone_by   seq of the act that it undoes; of those that undid it
  decided        the clock of the decision; flags as it saw them
  actions        what rules asked for: {action, rule, hash, superseded_by}
  steps          what was sent: {action, rule, target, target_uid, state, time,
                 error, answer}; answer: what came of one that leaves the mailbox,
                 where messages are picked out; state: recorded, done, "done, original left flagged",
                 failed, unsure, withdrawn
  rules_failed, rules_passed_over   by rule, why
  tries, next_try, paused           {target, reason, since, probe}
  webhooks       {id, webhook, rule, state, attempts, next, last_status,
                 last_error, created, time}; state: pending, delivered, dead
Those of events: type "event", id, account, time, event, mailbox, uid, rule,
text. Times are RFC 3339 in UTC.

Exit codes: 0 also when nothing matches, 2 the command line is wrong or there is
no such ID, 3 the journal cannot be read.`,
		Example: `  imapilot history --failed
  imapilot history home/12
  imapilot history --rule newsletters --since 7d --outcome done,held
  imapilot history -f --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			ctx := cmd.Context()
			if f.follow { // an interruption is how it ends, and no error
				interrupted, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
				defer stop()
				ctx = interrupted
			}
			return a.history(ctx, args, &f)
		},
		ValidArgsFunction: a.completeEntries(nil),
	}
	f.addEntries(a, cmd)
	cmd.Flags().IntVarP(&f.limit, "limit", "n", defaultLimit, "how many to show, the newest")
	cmd.Flags().BoolVar(&f.all, "all", false, "show all, however many there are")
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on to show what is new or changes, and events, until interrupted")
	cmd.Flags().BoolVar(&f.events, "events", false, "show events instead: baselines, pauses, imports, new mailboxes, endpoints that want no more, notices")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON, an object a line")
	complete(cmd, "limit", cobra.NoFileCompletions)
	return cmd
}

func outcomeWords() string {
	text := ""
	for i, s := range stateWords() {
		switch {
		case i == 0:
		case i%5 == 0:
			text += ",\n                 "
		default:
			text += ", "
		}
		text += s
	}
	return text
}

// check refuses what contradicts itself on the command line.
func (f *historyFlags) check(cmd *cobra.Command, args []string) error {
	limited := cmd.Flags().Changed("limit")
	switch {
	case f.limit < 1 || f.limit > maxLimit:
		return usagef("--limit is a number from 1 to %d; --all shows all", maxLimit)
	case f.all && limited:
		return usagef("say either --all or --limit")
	case f.all && f.follow:
		return usagef("say either --all or --follow")
	case f.all && f.events:
		return usagef("--events shows the newest only; say how many with --limit, up to %d", maxLimit)
	case f.events && len(args) > 0:
		return usagef("--events shows no single message")
	case f.follow && !limited:
		f.limit = followedLimit
	}
	return nil
}

// historyRun is one run of history.
type historyRun struct {
	*app
	cfg     *config.Config
	flags   *historyFlags
	args    []string
	scopes  []engine.Selection
	archive *archive
	table   *historyTable
	// follower remembers what was shown, nil where nothing is followed.
	follower *follower
}

func (a *app) history(ctx context.Context, args []string, f *historyFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	scopes, err := f.scopes(cfg, args, time.Now())
	if err != nil {
		return err
	}
	archive, err := openArchive(ctx, cfg)
	if err != nil {
		return err
	}
	h := &historyRun{app: a, cfg: cfg, flags: f, args: args, scopes: scopes, archive: archive, table: a.historyTable(cfg)}
	defer func() { h.archive.close() }()
	if !f.follow {
		return h.begin(ctx)
	}
	// What is shown now and what is noted overlap, so that nothing falls between.
	if h.follower, err = newFollower(ctx, h); err != nil {
		return err
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	return h.follower.follow(ctx)
}

func (a *app) historyTable(cfg *config.Config) *historyTable {
	return newHistoryTable(terminalWidth(a.out), color(a.out), cfg.Location, len(cfg.Accounts) == 1)
}

// begin shows what is there.
func (h *historyRun) begin(ctx context.Context) error {
	if h.flags.events {
		return h.showEvents(ctx)
	}
	if h.flags.all {
		return h.showAll(ctx)
	}
	found, more, err := h.archive.newest(ctx, h.scopes, h.flags.limit)
	if err != nil {
		return err
	}
	if missing := h.missing(found); missing != "" {
		return usagef("the journal knows no %s; what is finished is forgotten after 90 days", missing)
	}
	if h.single() {
		return h.showWhole(ctx, found, more)
	}
	return h.showTable(ctx, found, more)
}

// missing returns the first entry that was named and is not there. Flags beside
// it may be why.
func (h *historyRun) missing(found []record) string {
	for _, sel := range h.scopes {
		for _, seq := range sel.Seqs {
			there := func(r record) bool { return r.account == sel.Account && r.Seq == seq }
			if len(found) < h.flags.limit && !slices.ContainsFunc(found, there) && len(h.flags.said(nil)) == 0 {
				return idOf(sel.Account, seq, false)
			}
		}
	}
	return ""
}

// single reports whether messages were picked out, to be shown whole.
func (h *historyRun) single() bool { return len(h.args) > 0 || h.flags.MessageID != "" }

func (h *historyRun) showWhole(ctx context.Context, found []record, more bool) error {
	for i := range found {
		if err := h.archive.withAnswers(ctx, &found[i]); err != nil {
			return err
		}
	}
	if h.json {
		return h.printRecords(found)
	}
	if len(found) == 0 {
		return h.nothing(ctx)
	}
	s := &screen{width: cmp.Or(terminalWidth(h.out), screenWidth), color: color(h.out)}
	for i, r := range found {
		if i > 0 {
			s.gap()
		}
		s.whole(r, h.cfg.Location, h.command)
	}
	fmt.Fprint(h.out, s.b.String())
	h.moreThan(more, len(found))
	return nil
}

func (h *historyRun) showTable(ctx context.Context, found []record, more bool) error {
	if h.json {
		return h.printRecords(found)
	}
	h.table.begin(found)
	if len(found) == 0 && !h.flags.follow {
		h.table.take()
		return h.nothing(ctx)
	}
	if err := h.printRecords(found); err != nil || h.flags.follow {
		return err
	}
	h.moreThan(more, len(found))
	return h.waits(ctx)
}

func (h *historyRun) moreThan(more bool, n int) {
	if more {
		fmt.Fprintf(h.out, "These are the newest %d; --limit N or --all shows more.\n", n)
	}
}

func (h *historyRun) showAll(ctx context.Context) error {
	n := 0
	err := h.archive.all(ctx, h.scopes, func(page []record) error {
		if n == 0 && len(page) > 0 && !h.json {
			h.table.begin(page)
		}
		n += len(page)
		return h.printRecords(page)
	})
	if err != nil || h.json {
		return err
	}
	if n == 0 {
		return h.nothing(ctx)
	}
	return h.waits(ctx)
}

// printRecords prints entries as rows of the table or as JSON.
func (h *historyRun) printRecords(list []record) error {
	for _, r := range list {
		if h.follower != nil {
			h.follower.note(r)
		}
		if !h.json {
			h.table.entry(r)
			continue
		}
		if err := h.printLine(r.json()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(h.out, h.table.take())
	return err
}

func (h *historyRun) printEvents(list []journal.Event) error {
	for _, e := range list {
		if !h.json {
			h.table.event(e)
			continue
		}
		if err := h.printLine(eventToJSON(e)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(h.out, h.table.take())
	return err
}

func (a *app) printLine(v any) error {
	line, err := jsonLine(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.out, line)
	return err
}

func (h *historyRun) showEvents(ctx context.Context) error {
	found, more, err := h.archive.events(ctx, h.scopes, h.flags.limit)
	if err != nil {
		return err
	}
	if len(found) == 0 && !h.json && !h.flags.follow {
		fmt.Fprintln(h.out, "The journal holds no such event.")
		return nil
	}
	h.table.beginEvents(found)
	if err := h.printEvents(found); err != nil || h.json {
		return err
	}
	h.moreThan(more && !h.flags.follow, len(found))
	return nil
}
