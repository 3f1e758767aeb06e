package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"imapilot/engine"
	"imapilot/engine/admin"
	"imapilot/engine/config"
	"imapilot/engine/metrics"
)

// pages are what the admin address shows of an engine.
func pages(e *engine.Engine, count *metrics.Metrics) admin.Pages {
	return admin.Pages{
		Healthy: func() []string { return stuckLines(e.Stuck()) },
		Ready: func() ([]string, any) {
			troubles := append([]engine.Trouble{}, e.Troubles()...) // [] in JSON, not null
			return troubleLines(troubles), readiness{Ready: len(troubles) == 0, Troubles: troubles}
		},
		Metrics: count.Handler(),
		Status:  func(ctx context.Context) (any, error) { return e.Status(ctx) },
	}
}

// readiness is /readyz as JSON.
type readiness struct {
	Ready    bool             `json:"ready"`
	Troubles []engine.Trouble `json:"troubles"`
}

func troubleLines(all []engine.Trouble) (out []string) {
	for _, t := range all {
		out = append(out, t.Where()+": "+t.Text)
	}
	return out
}

func stuckLines(all []engine.Stuck) (out []string) {
	for _, s := range all {
		out = append(out, fmt.Sprintf("%s: the loop of its %s has not come round for %s", s.Account, s.Part, engine.Shortly(time.Since(s.Since))))
	}
	return out
}

// listen opens the admin address of a configuration, or takes its new token and names.
func (d *daemon) listen(ctx context.Context, cfg *config.Config) error {
	if cfg.Admin == nil {
		return d.admin.Use(nil)
	}
	o := admin.Options{Listen: cfg.Admin.Listen, Hosts: cfg.Admin.Hosts}
	if !cfg.Admin.Token.IsZero() {
		token, err := cfg.Admin.Token.Read(ctx)
		if err != nil {
			return fmt.Errorf("admin: %w", err)
		}
		o.Token = token
	}
	return d.admin.Use(&o)
}

// adminTokenEnv names the variable with the token of another machine's daemon.
const adminTokenEnv = "IMAPILOT_ADMIN_TOKEN"

// adminToken is what is shown at an admin address: that of the environment, or of the
// configuration where there is one.
func (a *app) adminToken(ctx context.Context) (string, *time.Location, error) {
	if token := os.Getenv(adminTokenEnv); token != "" {
		return token, time.UTC, nil
	}
	if _, err := os.Stat(a.configPath()); err != nil && a.config == "" {
		return "", time.UTC, nil // the daemon is elsewhere, and so is its configuration
	}
	cfg, err := a.load(false)
	if err != nil {
		return "", nil, err
	}
	if cfg.Admin == nil || cfg.Admin.Token.IsZero() {
		return "", cfg.Location, nil
	}
	token, err := cfg.Admin.Token.Read(ctx)
	return token, cfg.Location, err
}

// statusFrom shows what the admin address of a daemon tells. What waits is in its state
// file, which may be elsewhere.
func (a *app) statusFrom(ctx context.Context, sel *selection, f statusFlags) error {
	token, zone, err := a.adminToken(ctx)
	if err != nil {
		return err
	}
	if sel.Rule != "" || sel.UID != 0 || sel.since != "" {
		return usagef("--admin takes --account and --mailbox only: --rule, --uid and --since are about the state file")
	}
	out := answer{Running: true, Waiting: []waitingEntry{}, Webhooks: []owedCalls{}}
	if err := admin.Ask(ctx, f.admin, token, &out.Status); err != nil {
		return err
	}
	if err := out.narrow(engine.Selection{Account: sel.Account, Mailbox: sel.Mailbox}); err != nil {
		return err
	}
	switch {
	case f.check:
		return a.printReady(out)
	case a.json:
		return a.printJSON(out)
	}
	a.printStatus(out, zone)
	return nil
}
