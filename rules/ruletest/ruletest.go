package ruletest

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/rules"
)

// Result is what came of one test.
type Result struct {
	Case Case
	Got  []actions.Action
	Pass bool
	// Covered is set when the test could be decided, whatever came of it.
	Covered bool
	// Detail says why a test failed, on lines of at most 74 columns where
	// names permit.
	Detail string
	// Why explains the decision of a test that failed, "" where nobody can.
	Why string
}

// Report is what came of all tests.
type Report struct{ Results []Result }

// Failed counts the tests that failed.
func (r Report) Failed() int {
	n := 0
	for _, res := range r.Results {
		if !res.Pass {
			n++
		}
	}
	return n
}

// Runner runs tests of a rule set.
type Runner struct {
	Rules *rules.Ruleset
	// Explain says how rules decide an input; it may be nil. It is asked for
	// tests that fail, and given the rules that decided: those that are asked on
	// arrival, or one rule by itself. The rules that are not judged are in the
	// input's Skip.
	Explain func(*rules.Ruleset, rules.Input) string
}

// Run runs the tests without explanations.
func Run(rs *rules.Ruleset, cases []Case) Report { return Runner{Rules: rs}.Run(cases) }

// Run runs the tests, in order.
func (r Runner) Run(cases []Case) Report {
	var report Report
	arrival := r.Rules.Only(arrives)
	others := map[string]string{}
	for _, rule := range r.Rules.Rules() {
		others[rule.Name] = "it is not tested here"
	}
	for _, c := range cases {
		if c.Rule == "" {
			report.Results = append(report.Results, r.run(c, arrival, nil))
			continue
		}
		reason, known := others[c.Rule]
		delete(others, c.Rule)
		report.Results = append(report.Results, r.run(c, r.walk(c, arrival), others))
		if known {
			others[c.Rule] = reason
		}
	}
	return report
}

func arrives(rule rules.Rule) bool { return rule.On == rules.OnArrival }

// walk is the walk that asks the rule of a test: that of the rules on arrival, or
// for any other rule one of its own, so that no rule that is never asked with it
// stops it or reads for it.
func (r Runner) walk(c Case, arrival *rules.Ruleset) *rules.Ruleset {
	itself := func(rule rules.Rule) bool { return rule.Name == c.Rule }
	if !slices.ContainsFunc(r.Rules.Rules(), func(rule rules.Rule) bool { return itself(rule) && !arrives(rule) }) {
		return arrival
	}
	return r.Rules.Only(itself)
}

// run judges one test by a walk. The rules in skip add nothing to the outcome.
func (r Runner) run(c Case, walk *rules.Ruleset, skip map[string]string) Result {
	raw, err := c.read()
	if err != nil {
		return notCovered(c, err.Error())
	}
	in := c.input(raw)
	in.Skip = skip
	c.Want = c.wanted(in.Now)
	d := walk.Evaluate(in)
	if c.Rule == "" {
		return r.explain(r.judgeWalk(c, d), walk, in)
	}
	if _, ok := verdictOf(d, c.Rule); !ok && d.StoppedBy != "" && c.Alone != nil {
		if alone := c.Alone(); alone != nil {
			return r.explain(r.judgeRule(c, alone.Evaluate(in)), alone, in)
		}
	}
	return r.explain(r.judgeRule(c, d), walk, in)
}

func (r Runner) explain(res Result, rs *rules.Ruleset, in rules.Input) Result {
	if !res.Pass && r.Explain != nil {
		res.Why = r.Explain(rs, in)
	}
	return res
}

// judgeRule judges a rule alone, whatever the others do.
func (r Runner) judgeRule(c Case, d rules.Decision) Result {
	v, ok := verdictOf(d, c.Rule)
	if !ok {
		return notCovered(c, r.whyNot(c, d))
	}
	if reason := undecided(v); reason != "" {
		return notCovered(c, "the "+reason)
	}
	because := "the condition is " + v.Truth.String()
	if v.Skipped != "" {
		because = v.Skipped
	}
	return judge(c, actionsOf(d, c.Rule), because)
}

// judgeWalk judges what the rules on arrival together do. Rules in dry run do
// nothing, so they need not be decided either.
func (r Runner) judgeWalk(c Case, d rules.Decision) Result {
	if len(d.Verdicts) == 0 {
		return notCovered(c, r.whyNobody(c))
	}
	for _, v := range d.Verdicts {
		if reason := undecided(v); reason != "" && !v.DryRun {
			return notCovered(c, fmt.Sprintf("of rule %q, the %s", v.Rule, reason))
		}
	}
	var got []actions.Action
	for _, item := range d.Plan.Effective() {
		got = append(got, *item.Action)
	}
	return judge(c, got, because(d))
}

// whyNobody says why no rule was asked in the whole walk.
func (r Runner) whyNobody(c Case) string {
	if r.Rules.Applies(c.Given.Account, rules.Mailbox{Name: c.Given.Mailbox, Role: c.Given.Role}) {
		return fmt.Sprintf("only rules on a clock or on flags look at %s; put the test beside one of them", c.Given.place())
	}
	return fmt.Sprintf("no rule looks at %s; say given: {mailbox: ...}", c.Given.place())
}

// because says in one line how a walk went.
func because(d rules.Decision) string {
	var matched []string
	for _, v := range d.Verdicts {
		if v.Truth == rules.True && v.Skipped == "" && !v.DryRun {
			matched = append(matched, fmt.Sprintf("%q", v.Rule))
		}
	}
	switch {
	case len(matched) == 0:
		return "no rule matches"
	case d.StoppedBy != "":
		return fmt.Sprintf("matched by %s; %q stops the walk", strings.Join(matched, ", "), d.StoppedBy)
	}
	return "matched by " + strings.Join(matched, ", ")
}

// undecided says why a verdict is none, "" if it is one.
func undecided(v rules.Verdict) string {
	switch {
	case v.Err != nil:
		return "rule cannot be evaluated: " + v.Err.Error()
	case v.Truth == rules.Unknown && v.Skipped == "":
		return "condition needs what the test does not give"
	}
	return ""
}

func notCovered(c Case, why string) Result { return Result{Case: c, Detail: "not covered: " + why} }

// whyNot says why a rule had no verdict.
func (r Runner) whyNot(c Case, d rules.Decision) string {
	all := r.Rules.Rules()
	i := slices.IndexFunc(all, func(rule rules.Rule) bool { return rule.Name == c.Rule })
	switch {
	case i < 0:
		return fmt.Sprintf("there is no rule %q", c.Rule)
	case d.StoppedBy != "":
		return fmt.Sprintf("rule %q stops before this one", d.StoppedBy)
	}
	return fmt.Sprintf("the rule does not look at %s, only at %s; say given: {mailbox: ...}", c.Given.place(), strings.Join(all[i].In, ", "))
}

func (g Given) place() string { return fmt.Sprintf("mailbox %q of account %q", g.Mailbox, g.Account) }

func judge(c Case, got []actions.Action, because string) Result {
	res := Result{Case: c, Got: got, Covered: true, Pass: slices.EqualFunc(got, c.Want, actions.Action.Equal)}
	if !res.Pass {
		res.Detail = compared(c.Want, got, because)
	}
	return res
}

func verdictOf(d rules.Decision, rule string) (rules.Verdict, bool) {
	for _, v := range d.Verdicts {
		if v.Rule == rule {
			return v, true
		}
	}
	return rules.Verdict{}, false
}

// actionsOf are the actions that one rule asks for, also those that another
// rule's destination supersedes: a test judges its rule alone.
func actionsOf(d rules.Decision, rule string) []actions.Action {
	var out []actions.Action
	for _, items := range [][]actions.Item{d.Plan.Items, d.Dry.Items} {
		for _, item := range items {
			if item.Rule == rule {
				out = append(out, *item.Action)
			}
		}
	}
	return out
}
