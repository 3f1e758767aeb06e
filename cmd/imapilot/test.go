package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"imapilot/rules/ruletest"
)

func (a *app) testCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test", Short: "Run the tests of the rules",
		Long: `test runs the "tests:" of each rule: a message, what is given, and the actions
that are wanted. A test that cannot be decided fails as "not covered".`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.test() },
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

func (a *app) test() error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	report := ruletest.Run(cfg.Rules, cfg.Tests)
	if a.json {
		err = a.printJSON(testReport(report))
	} else {
		for _, r := range report.Results {
			a.printResult(r)
		}
		fmt.Fprintf(a.out, "%d tests, %d failed\n", len(report.Results), report.Failed())
	}
	if err == nil && report.Failed() > 0 {
		err = errProblems
	}
	return err
}

func (a *app) printResult(r ruletest.Result) {
	if r.Pass {
		fmt.Fprintf(a.out, "ok    %s\n", r.Case.Name)
		return
	}
	fmt.Fprintf(a.out, "FAIL  %s\n      %s:%d\n      %s\n", r.Case.Name, r.Case.File, r.Case.Line, strings.ReplaceAll(r.Detail, "\n", "\n      "))
}

func testReport(report ruletest.Report) any {
	type result struct {
		Rule   string `json:"rule"`
		Name   string `json:"name"`
		File   string `json:"file"`
		Line   int    `json:"line"`
		Pass   bool   `json:"pass"`
		Detail string `json:"detail,omitempty"`
	}
	out := []result{}
	for _, r := range report.Results {
		out = append(out, result{r.Case.Rule, r.Case.Name, r.Case.File, r.Case.Line, r.Pass, r.Detail})
	}
	return out
}
