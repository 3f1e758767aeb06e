package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"imapilot/engine/config"
	"imapilot/engine/control"
	"imapilot/engine/journal/sqlite"
)

// configPath is the file to read: -c, $IMAPILOT_CONFIG, or the first of the
// usual places that exists.
func (a *app) configPath() string {
	if a.config != "" {
		return a.config
	}
	if p := os.Getenv("IMAPILOT_CONFIG"); p != "" {
		return p
	}
	places := []string{"imapilot.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		places = append(places, filepath.Join(dir, "imapilot", "imapilot.yaml"))
	}
	places = append(places, "/etc/imapilot/imapilot.yaml")
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return places[0]
}

// load reads the configuration. Its problems are printed; warnings only when
// asked for, because 'check' is the place for them.
func (a *app) load(warnings bool) (*config.Config, error) {
	return a.loadFile(a.configPath(), config.UnreadableHint, warnings)
}

// loadFile is load for a file; unreadable is the hint where it cannot be read.
func (a *app) loadFile(path, unreadable string, warnings bool) (*config.Config, error) {
	cfg, diags := config.Load(path)
	return a.loaded(cfg, diags, unreadable, warnings)
}

// loadAnd is load that lets something begin before the rules are compiled.
func (a *app) loadAnd(begin func(early config.Config)) (*config.Config, error) {
	cfg, diags := config.LoadAnd(a.configPath(), begin)
	return a.loaded(cfg, diags, config.UnreadableHint, false)
}

// loaded prints what there is to say of a file.
func (a *app) loaded(cfg *config.Config, diags []config.Diagnostic, unreadable string, warnings bool) (*config.Config, error) {
	for _, d := range diags {
		if d.Hint == config.UnreadableHint {
			d.Hint = unreadable
		}
		if cfg == nil || warnings {
			fmt.Fprintln(a.err, d.Format(color(a.err)))
		}
	}
	if cfg == nil {
		return nil, fmt.Errorf("the configuration has problems: %s", config.Summary(diags))
	}
	return cfg, nil
}

func socketPath(cfg *config.Config) string { return cfg.State + ".sock" }

// call asks the running daemon.
func call(ctx context.Context, cfg *config.Config, method string, in, out any) error {
	return control.NewClient(socketPath(cfg)).Call(ctx, method, in, out)
}

// open opens the journal for writing; only one process may.
func open(ctx context.Context, cfg *config.Config) (*sqlite.DB, error) {
	db, err := sqlite.Open(ctx, cfg.State)
	var locked *sqlite.LockedError
	if errors.As(err, &locked) {
		return nil, fmt.Errorf("another imapilot has the state file %s open: %w", cfg.State, err)
	}
	if err != nil {
		folder := filepath.Dir(cfg.State)
		if _, gone := os.Stat(folder); errors.Is(gone, fs.ErrNotExist) {
			return nil, fmt.Errorf("the state file %s cannot be made, for there is no folder %s: make it, or have state: name another", cfg.State, folder)
		}
		return nil, fmt.Errorf("the state file %s cannot be opened: %w", cfg.State, err)
	}
	return db, nil
}

func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// completeAccount offers the accounts of the configuration to the shell.
func (a *app) completeAccount(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if cfg, _ := config.Load(a.configPath()); cfg != nil {
		for _, acc := range cfg.Accounts {
			names = append(names, acc.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeRule offers its rules.
func (a *app) completeRule(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if cfg, _ := config.Load(a.configPath()); cfg != nil {
		for _, rule := range cfg.Rules.Rules() {
			names = append(names, rule.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
