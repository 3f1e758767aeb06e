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
		Args: noArgs,
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
		fmt.Fprintln(a.out, testSummary(report))
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

// testSummary counts: "3 tests, 1 failed".
func testSummary(report ruletest.Report) string {
	failed := "none"
	if n := report.Failed(); n > 0 {
		failed = fmt.Sprint(n)
	}
	if len(report.Results) == 0 {
		return "no tests"
	}
	return count(len(report.Results), "test") + ", " + failed + " failed"
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
