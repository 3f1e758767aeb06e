package main

import (
	"fmt"
	"strings"

	"imapilot/engine/config"
	"imapilot/rules"
	"imapilot/rules/ruletest"
)

const (
	// maxWhy is how many failing tests are explained: to explain one costs far
	// more than to run it.
	maxWhy = 20
	// maxWhyRules is how many rules the explanation of one test tells of.
	maxWhyRules = 5
	// whyWidth is what the indentation of a test leaves of the screen.
	whyWidth = screenWidth - 6
)

// runTests runs the tests of a configuration and explains those that fail.
func runTests(cfg *config.Config) ruletest.Report {
	explained := 0
	runner := ruletest.Runner{Rules: cfg.Rules, Explain: func(rs *rules.Ruleset, in rules.Input) string {
		if explained++; explained > maxWhy {
			return ""
		}
		return whyTest(cfg, rs, in)
	}}
	return runner.Run(cfg.Tests)
}

// whyTest says what decided the rules that a test judges.
func whyTest(cfg *config.Config, rs *rules.Ruleset, in rules.Input) string {
	e := explained{in: in, x: rs.Explain(in), cfg: cfg}
	s := &screen{width: whyWidth}
	var asked []rules.RuleExplanation
	for _, said := range []bool{true, false} { // those that did something first
		for _, r := range e.x.Rules {
			_, skipped := in.Skip[r.Rule.Name]
			if !skipped && r.NotAsked == "" && r.Condition != nil && (resultOf(r) != resultNo) == said {
				asked = append(asked, r)
			}
		}
	}
	for _, r := range asked[:min(len(asked), maxWhyRules)] {
		s.why(e, r)
	}
	if n := len(asked) - maxWhyRules; n > 0 {
		s.line("", plain, "and "+count(n, "more rule")+"; 'imapilot explain' shows them all")
	}
	return strings.TrimRight(s.b.String(), "\n")
}

// why says what came of a rule, and which parts of it decided that.
func (s *screen) why(e explained, r rules.RuleExplanation) {
	said := map[string]string{
		resultMatched: "matched", resultNo: "did not match", resultError: "fails", resultUndecided: "cannot be decided", resultNotAsked: "is passed over",
	}[resultOf(r)]
	s.line("", plain, fmt.Sprintf("rule %q %s:", r.Rule.Name, said))
	if r.Verdict.Skipped != "" {
		s.line("     ", plain, r.Verdict.Skipped)
		return
	}
	for _, p := range deciding(r.Condition) {
		s.tree(e).leaf(p, 0)
	}
	if r.Verdict.Err != nil && r.Condition.Truth != rules.ErrorTruth {
		s.line("     error   ", plain, r.Verdict.Err.Error())
	}
	for _, item := range r.Items {
		if item.SupersededBy != "" {
			s.line("     then    ", plain, fmt.Sprintf("%s (not done: %s)", item.Action, superseded(item)))
		}
	}
}
