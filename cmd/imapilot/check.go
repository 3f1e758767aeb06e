package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"imapilot/engine/config"
	"imapilot/rules/ruletest"
)

func (a *app) checkCommand() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use: "check", Short: "Check the configuration and report every problem of it",
		Long: `check reads the configuration with the same loader as run and reports every
problem at once, each with its place and what to do about it. It logs in nowhere
and reads no secret. Warnings do not change the exit code unless --strict is set.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.check(strict) },
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "exit 1 on warnings too")
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

func (a *app) check(strict bool) error {
	path := a.configPath()
	cfg, diags := config.Load(path)
	var report ruletest.Report
	if cfg != nil {
		report = runTests(cfg)
	}
	if a.json {
		if err := a.printJSON(checkReport(diags, report)); err != nil {
			return err
		}
	} else {
		a.printCheck(path, cfg, diags, report)
	}
	if cfg == nil || strict && len(diags) > 0 || report.Failed() > 0 {
		return errProblems
	}
	return nil
}

func (a *app) printCheck(path string, cfg *config.Config, diags []config.Diagnostic, report ruletest.Report) {
	for _, d := range diags {
		fmt.Fprintln(a.out, diagnostic(d, color(a.out)))
	}
	for _, r := range report.Results {
		if !r.Pass {
			a.printResult(r)
		}
	}
	if cfg == nil {
		fmt.Fprintf(a.out, "%s: %s\n", path, config.Summary(diags))
	} else {
		found := config.Summary(diags)
		if n := report.Failed(); n > 0 && len(diags) == 0 {
			found = count(n, "failed test")
		}
		fmt.Fprintf(a.out, "%s: %s; %s, %s, %s\n", path, found,
			count(len(cfg.Accounts), "account"), count(len(cfg.Source.Rules), "rule"), testSummary(report))
	}
}

func checkReport(diags []config.Diagnostic, report ruletest.Report) map[string]any {
	type problem struct {
		Severity string `json:"severity"`
		config.Diagnostic
	}
	problems := []problem{}
	for _, d := range diags {
		problems = append(problems, problem{d.Level(), d})
	}
	return map[string]any{"problems": problems, "tests": len(report.Results), "failed": report.Failed()}
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(escaping{a.out})
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// diagnostic prints a diagnostic with its sentences broken at the width of a
// terminal. The line of the file and the caret below it stay as they are.
func diagnostic(d config.Diagnostic, color bool) string {
	lines := strings.Split(d.Format(color), "\n")
	for i, line := range lines {
		if d.Line > 0 && (i == 1 || i == 2) {
			continue
		}
		lines[i] = wrapPainted(line, "    ")
	}
	return strings.Join(lines, "\n")
}

// wrapPainted breaks a line at blanks; colours take no room.
func wrapPainted(line, indent string) string {
	var b strings.Builder
	at, code := 0, false
	for i, word := range strings.SplitAfter(line, " ") {
		n := 0
		for _, r := range strings.TrimRight(word, " ") {
			switch {
			case r == '\x1b':
				code = true
			case !code:
				n++
			case r == 'm':
				code = false
			}
		}
		if i > 0 && at > len(indent) && at+n > screenWidth {
			b.WriteString("\n" + indent)
			at = len(indent)
		}
		b.WriteString(word)
		at += n + len(word) - len(strings.TrimRight(word, " "))
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}
