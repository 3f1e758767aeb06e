package ruletest

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// maxMessage is how much of a message file is read: its header.
const maxMessage = 1 << 20

// Case is one test of a rule.
type Case struct {
	Rule string
	// Name shows the test: "newsletters (testdata/letter.eml)".
	Name string
	// File and Line are where the test stands.
	File string
	Line int
	// Message is the path of a message file; Inline is the message itself.
	Message string
	Inline  []byte
	Given   Given
	Want    []actions.Action
	// Alone compiles the rule without the others. It is called when an earlier
	// rule takes the message and stops; where it is nil, the test then is not
	// covered.
	Alone func() *rules.Ruleset
}

// Given is what a test says of the message beside its text.
type Given struct {
	// Account defaults to the rule's first, or the first there is.
	Account string
	// Mailbox defaults to the rule's first "in", or INBOX; Role is its role.
	Mailbox, Role string
	Flags         []imap.Flag
	// Received is the INTERNALDATE; default: the Date field if it is not after
	// Now, else Now, else noon of 1 January 2026.
	Received time.Time
	// Now is the clock; default: a minute after Received, so that a test has
	// the same result on every day.
	Now time.Time
}

// Result is what came of one test.
type Result struct {
	Case Case
	Got  []actions.Action
	Pass bool
	// Detail says why a test failed, on one or more lines.
	Detail string
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

// Run runs the tests.
func Run(rs *rules.Ruleset, cases []Case) Report {
	var r Report
	others := map[string]string{}
	for _, rule := range rs.Rules() {
		others[rule.Name] = "it is not tested here"
	}
	for _, c := range cases {
		reason, known := others[c.Rule]
		delete(others, c.Rule)
		r.Results = append(r.Results, run(rs, c, others))
		if known {
			others[c.Rule] = reason
		}
	}
	return r
}

// run judges a rule alone: the others are skipped, and one that stops before
// it is left out.
func run(rs *rules.Ruleset, c Case, others map[string]string) Result {
	raw, size, err := c.read()
	if err != nil {
		return notCovered(c, err.Error())
	}
	in := c.input(raw, size)
	in.Skip = others
	d := rs.Evaluate(in)
	verdict, ok := verdictOf(d, c.Rule)
	if !ok && d.StoppedBy != "" && c.Alone != nil {
		if alone := c.Alone(); alone != nil {
			d = alone.Evaluate(in)
			verdict, ok = verdictOf(d, c.Rule)
		}
	}
	switch {
	case !ok:
		return notCovered(c, whyNot(rs, c, d))
	case verdict.Err != nil:
		return notCovered(c, "the rule cannot be evaluated: "+verdict.Err.Error())
	case verdict.Truth == rules.Unknown && verdict.Skipped == "":
		return notCovered(c, "the condition needs what the test does not give")
	}
	return judge(c, actionsOf(d, c.Rule), verdict)
}

func notCovered(c Case, why string) Result { return Result{Case: c, Detail: "not covered: " + why} }

// whyNot says why a rule had no verdict.
func whyNot(rs *rules.Ruleset, c Case, d rules.Decision) string {
	i := slices.IndexFunc(rs.Rules(), func(r rules.Rule) bool { return r.Name == c.Rule })
	switch {
	case i < 0:
		return fmt.Sprintf("there is no rule %q", c.Rule)
	case d.StoppedBy != "":
		return fmt.Sprintf("rule %q stops before this one", d.StoppedBy)
	}
	r := rs.Rules()[i]
	where := fmt.Sprintf("mailbox %q of account %q", c.Given.Mailbox, c.Given.Account)
	return fmt.Sprintf("the rule does not look at %s, only at %s; say given: {mailbox: ...}", where, strings.Join(r.In, ", "))
}

func judge(c Case, got []actions.Action, v rules.Verdict) Result {
	res := Result{Case: c, Got: got, Pass: equal(got, c.Want)}
	if res.Pass {
		return res
	}
	why := "the condition is " + v.Truth.String()
	if v.Skipped != "" {
		why = v.Skipped
	}
	res.Detail = fmt.Sprintf("want: %s\ngot:  %s (%s)", list(c.Want), list(got), why)
	return res
}

func equal(a, b []actions.Action) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

func list(all []actions.Action) string {
	if len(all) == 0 {
		return "keep"
	}
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = a.String()
	}
	return strings.Join(parts, ", ")
}

// read returns the beginning of the message and its size.
func (c Case) read() ([]byte, int64, error) {
	if c.Message == "" {
		return c.Inline, int64(len(c.Inline)), nil
	}
	st, err := os.Stat(c.Message)
	if err != nil {
		return nil, 0, err
	}
	if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a file", c.Message)
	}
	f, err := os.Open(c.Message)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxMessage))
	return raw, st.Size(), err
}

// input is the message as the rules see it.
func (c Case) input(raw []byte, size int64) rules.Input {
	header, _, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n")
	h := facts.ParseHeader([]byte(strings.ReplaceAll(strings.TrimRight(header, "\n"), "\n", "\r\n") + "\r\n\r\n"))
	g := c.Given.times(h.Sent())
	return rules.Input{
		Account: g.Account, Mailbox: rules.Mailbox{Name: g.Mailbox, Role: g.Role}, Now: g.Now, Every: true,
		Message: &facts.Message{UID: 1, Flags: g.Flags, Received: g.Received, Size: size, Header: h},
	}
}

// times fills in the times that a test did not give.
func (g Given) times(sent time.Time) Given {
	if g.Received.IsZero() {
		g.Received = sent
		if g.Received.IsZero() || !g.Now.IsZero() && sent.After(g.Now) {
			g.Received = g.Now
		}
	}
	if g.Received.IsZero() {
		g.Received = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	}
	if g.Now.IsZero() {
		g.Now = g.Received.Add(time.Minute)
	}
	return g
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
				out = append(out, item.Action)
			}
		}
	}
	return out
}
