package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/admin"
	"imapilot/engine/config"
	"imapilot/engine/control"
	"imapilot/engine/journal"
	"imapilot/engine/memory"
	"imapilot/engine/metrics"
)

// runFlags are the flags of run.
type runFlags struct {
	dryRun, once, existing, verbose bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Watch the mailboxes and act on new mail",
		Long: `run is the daemon. It logs text on a terminal and JSON otherwise.

SIGTERM and SIGINT finish the step under way, record it and log out, within 5 s.
SIGHUP, like 'imapilot reload', takes new rules, or keeps the old ones and says why.

The first run leaves the mail that is there alone: it acts on what arrives from
then on. --existing acts on it too.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), f) },
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "decide and record what would be done, and touch nothing")
	cmd.Flags().BoolVar(&f.once, "once", false, "process what is new in every watched mailbox, then exit")
	cmd.Flags().BoolVar(&f.existing, "existing", false, "in mailboxes that are not known yet, act on the mail that is there")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log more")
	return cmd
}

func (a *app) run(parent context.Context, f runFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	if failed := failedTests(cfg); failed != "" {
		return fmt.Errorf("%s, and rules come into force only when their own tests pass; 'imapilot test' shows them", failed)
	}
	log := a.logger(f.verbose)
	memory.Collect(len(cfg.Accounts))
	db, err := open(parent, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	count := metrics.New(version)
	counted := count.Journal(db)
	e := engine.New(cfg, engine.Options{
		Journal: counted, Holder: holder(), Webhooks: webhook.NewClient(version), Logger: log, Version: version,
		DryRun: f.dryRun, Once: f.once, Existing: f.existing, Observe: func(o engine.Observation) { count.Observe(o); logObservation(log, o) },
	})
	count.Watch(e, counted)
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if !f.once {
		end, err := newDaemon(a, e, count, log).serve(ctx, cfg)
		if err != nil {
			return err
		}
		defer end()
		log.Info("started", "version", version, "config", cfg.Path, "state", cfg.State, "accounts", len(cfg.Accounts),
			"rules", len(cfg.Rules.Rules()), "dry_run", f.dryRun || cfg.DryRun)
	}
	var group sync.WaitGroup
	group.Go(func() { warnOfEndpoints(ctx, cfg.Webhooks, log) })
	err = e.Run(ctx)
	stop()
	group.Wait()
	log.Info("stopped")
	return err
}

// warnOfEndpoints tells at once of endpoints that could not be called, as for a secret
// in a variable that is not set: else the first call would, perhaps in weeks.
func warnOfEndpoints(ctx context.Context, all []config.Webhook, log *slog.Logger) {
	for _, w := range all {
		if _, err := engine.NewCaller(ctx, w); err != nil && ctx.Err() == nil {
			log.Warn("the endpoint of a webhook cannot be called as it is configured", "webhook", w.Name, "error", err)
		}
	}
}

// logger logs text on a terminal, and JSON elsewhere.
func (a *app) logger(verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	if isTerminal(a.err) {
		return slog.New(tint.NewTextHandler(a.err, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !color(a.err)}))
	}
	return slog.New(slog.NewJSONHandler(escaping{a.err}, &slog.HandlerOptions{Level: level}))
}

// logObservation writes one line for each message that a rule wanted.
func logObservation(log *slog.Logger, o engine.Observation) {
	if o.Delivery != nil {
		kind := "webhook"
		if isStep(*o.Delivery) {
			kind = "action"
		}
		attrs := []any{"account", o.Account, kind, o.Delivery.Endpoint, "id", o.Delivery.ID, "attempts", o.Delivery.Attempts}
		if o.Delivery.State == journal.Delivered && o.Delivery.LastError != "" {
			attrs = append(attrs, "note", o.Delivery.LastError)
		}
		log.Info(kind+" "+string(o.Delivery.State), attrs...)
		return
	}
	e := o.Entry
	if e.State == "" {
		log.Debug("kept", "account", o.Account, "mailbox", e.Mailbox, "uid", e.UID, "subject", e.Subject)
		return
	}
	level := slog.LevelInfo
	if e.State == journal.Failed || e.State == journal.Unsure || e.State == journal.Held || len(e.Errors) > 0 {
		level = slog.LevelWarn
	}
	attrs := []any{"account", o.Account, "mailbox", e.Mailbox, "uid", e.UID, "from", e.From, "subject", e.Subject,
		"rules", strings.Join(rulesOf(e.Plan), ", "), "plan", e.Plan.String()}
	if e.Reason != "" {
		attrs = append(attrs, "reason", e.Reason)
	}
	log.Log(context.Background(), level, string(e.State), attrs...)
}

// daemon is a running engine and what else answers for it.
type daemon struct {
	app    *app
	engine *engine.Engine
	log    *slog.Logger
	admin  *admin.Server
	now    inForce

	reloading sync.Mutex // SIGHUP and a command may come at once
}

func newDaemon(a *app, e *engine.Engine, count *metrics.Metrics, log *slog.Logger) *daemon {
	return &daemon{app: a, engine: e, log: log, admin: admin.New(pages(e, count))}
}

// serve answers the other commands on the control socket, SIGHUP, the admin address and
// systemd.
func (d *daemon) serve(ctx context.Context, cfg *config.Config) (end func(), err error) {
	d.now.Store(cfg)
	listener, err := control.Listen(socketPath(cfg))
	if err != nil {
		return nil, err
	}
	if err := d.listen(ctx, cfg); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	var group sync.WaitGroup
	group.Go(func() {
		if err := control.Serve(ctx, listener, d.handlers()); err != nil {
			d.log.Error("the control socket failed", "error", err)
		}
	})
	group.Go(func() {
		if err := d.admin.Run(ctx); err != nil {
			d.log.Error("the admin address failed", "error", err)
		}
	})
	group.Go(func() { d.reloadOnSignal(ctx) })
	tell := supervisor{engine: d.engine, log: d.log}
	tell.started()
	group.Go(func() { tell.run(ctx) })
	return group.Wait, nil
}

func (d *daemon) reloadOnSignal(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			// reload says in the log what came of it.
			_, _ = d.reload(ctx)
		}
	}
}

func (d *daemon) handlers() map[string]control.Handler {
	e := d.engine
	amend := func(verb engine.Verb) control.Handler {
		return func(ctx context.Context, in json.RawMessage) (any, error) {
			sel, err := readSelection(in)
			if err != nil {
				return nil, err
			}
			return e.Amend(ctx, verb, sel)
		}
	}
	out := map[string]control.Handler{
		"status":  func(ctx context.Context, _ json.RawMessage) (any, error) { return e.Status(ctx) },
		"reload":  func(ctx context.Context, _ json.RawMessage) (any, error) { return d.reload(ctx) },
		"confirm": amend(engine.Confirm),
		"retry":   amend(engine.Retry),
		"skip":    amend(engine.Skip),
	}
	maps.Copy(out, d.now.applyHandlers(e))
	maps.Copy(out, webhookHandlers(e))
	maps.Copy(out, undoHandlers(e))
	return out
}

// readSelection refuses what it does not know: a restriction of a newer version,
// passed over, would widen the selection.
func readSelection(in json.RawMessage) (sel engine.Selection, err error) {
	dec := json.NewDecoder(bytes.NewReader(in))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&sel); err != nil {
		return sel, fmt.Errorf("this selection cannot be understood; is the command of another version? %w", err)
	}
	return sel, nil
}

// reload takes a new configuration, or keeps the old one and says why.
func (d *daemon) reload(ctx context.Context) (string, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	tell := supervisor{engine: d.engine, log: d.log}
	tell.reloading()
	defer tell.ready()
	path := d.app.configPath()
	if err := d.take(ctx, path); err != nil {
		d.log.Error("not reloaded", "error", err)
		return "", err
	}
	d.log.Info("reloaded", "config", path)
	return "reloaded " + path, nil
}

func (d *daemon) take(ctx context.Context, path string) error {
	cfg, diags := config.Load(path)
	if cfg == nil {
		return fmt.Errorf("the configuration has problems (%s), the old rules stay in force; 'imapilot check' shows them", config.Summary(diags))
	}
	if failed := failedTests(cfg); failed != "" {
		return fmt.Errorf("%s, the old rules stay in force; 'imapilot test' shows them", failed)
	}
	if err := d.listen(ctx, cfg); err != nil {
		return fmt.Errorf("%w; the old rules stay in force", err)
	}
	if err := d.engine.Reload(cfg); err != nil {
		return errors.Join(err, d.listen(ctx, d.now.Load()))
	}
	d.now.Store(cfg)
	return nil
}

func (a *app) reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reload", Short: "Have the running daemon read its configuration again",
		Long: "reload takes the new rules, or keeps the old ones and says why. It also tries\nthe accounts that are parked.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(false)
			if err != nil {
				return fmt.Errorf("%w; a daemon that runs keeps its rules", err)
			}
			var said string
			err = call(cmd.Context(), cfg, "reload", nil, &said)
			if errors.Is(err, control.ErrNoDaemon) {
				return fmt.Errorf("no daemon is running for %s; start one with 'imapilot run'", cfg.Path)
			}
			if err == nil {
				fmt.Fprintln(a.out, said)
			}
			return err
		},
	}
}
