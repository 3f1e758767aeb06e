package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"imapilot/rules/ruletest"
)

func (a *app) testCommand() *cobra.Command {
	var update, yes bool
	cmd := &cobra.Command{
		Use: "test", Short: "Run the tests of the rules",
		Long: `test runs the "tests:" of the configuration: a message, what is given, and the
actions that are wanted. Those of a rule judge that rule alone. Those at the top
level judge what happens to a message that arrives, so what all rules on arrival
together do: the actions in the order in which they are applied, without those
that another rule supersedes and without those of rules in dry run. A test that
cannot be decided fails as "not covered".

--update shows for each test that wants something else what it would have to
want, and writes it into the file when you say so.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case yes && !update:
				return usagef("--yes is for --update")
			case update:
				return a.updateTests(yes)
			}
			return a.test()
		},
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&update, "update", false, "offer to change what failing tests want")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "with --update, change it without asking")
	return cmd
}

func (a *app) test() error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	report := runTests(cfg)
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
	fmt.Fprintf(a.out, "FAIL  %s\n      %s:%d\n", r.Case.Name, r.Case.File, r.Case.Line)
	for _, text := range []string{r.Detail, r.Why} {
		if text == "" {
			continue
		}
		for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
			fmt.Fprintln(a.out, wrap(line, "      ", 80))
		}
	}
}

// wrap breaks a line at blanks so that it fits into so many columns with the
// indentation. What goes on stands deeper, below what "want: " labels. The
// blanks at the beginning of a line stay.
func wrap(line, indent string, columns int) string {
	words := strings.SplitAfter(line, " ")
	var b strings.Builder
	b.WriteString(indent)
	at := len(indent)
	for _, word := range words {
		n := utf8.RuneCountInString(word)
		if at > len(indent)+6 && at+utf8.RuneCountInString(strings.TrimRight(word, " ")) > columns {
			b.WriteString("\n" + indent + "      ")
			at = len(indent) + 6
		}
		b.WriteString(word)
		at += n
	}
	return strings.TrimRight(strings.ReplaceAll(b.String(), " \n", "\n"), " ")
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
		Why    string `json:"why,omitempty"`
	}
	out := []result{}
	for _, r := range report.Results {
		out = append(out, result{r.Case.Rule, r.Case.Name, r.Case.File, r.Case.Line, r.Pass, r.Detail, r.Why})
	}
	return out
}
