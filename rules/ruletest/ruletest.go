package ruletest

import (
	"fmt"
	"io"
	"os"
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
	// Alone compiles the rule by itself, so that no earlier rule decides; nil
	// judges it within the whole set.
	Alone func() *rules.Ruleset
}

// Given is what a test says of the message beside its text.
type Given struct {
	// Account defaults to the rule's first, or the first there is.
	Account string
	// Mailbox defaults to the rule's first "in", or INBOX; Role is its role.
	Mailbox, Role string
	Flags         []imap.Flag
	// Received is the INTERNALDATE; default: the Date field, else Now.
	Received time.Time
	// Now is the clock; default: a minute after Received.
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
	for _, c := range cases {
		r.Results = append(r.Results, run(rs, c))
	}
	return r
}

func run(rs *rules.Ruleset, c Case) Result {
	raw, err := c.read()
	if err != nil {
		return Result{Case: c, Detail: "not covered: " + err.Error()}
	}
	in := c.input(raw)
	if c.Alone != nil {
		if rs = c.Alone(); rs == nil {
			return Result{Case: c, Detail: "not covered: the rule cannot be compiled by itself"}
		}
	}
	rule, ok := find(rs, c.Rule)
	if !ok {
		return Result{Case: c, Detail: fmt.Sprintf("not covered: there is no rule %q", c.Rule)}
	}
	d := rs.Evaluate(in)
	verdict, ok := verdictOf(d, c.Rule)
	if !ok {
		detail := fmt.Sprintf("not covered: the rule does not look at %s of account %q; set given: {mailbox: ...}", in.Mailbox.Name, in.Account)
		if d.StoppedBy != "" && d.StoppedBy != c.Rule {
			detail = fmt.Sprintf("not covered: rule %q stops the walk before this one", d.StoppedBy)
		}
		return Result{Case: c, Detail: detail}
	}
	if verdict.Err != nil {
		return Result{Case: c, Detail: "not covered: the rule cannot be evaluated: " + verdict.Err.Error()}
	}
	return judge(c, actionsOf(d, rule.Name), verdict)
}

func judge(c Case, got []actions.Action, v rules.Verdict) Result {
	res := Result{Case: c, Got: got, Pass: equal(got, c.Want)}
	if !res.Pass {
		res.Detail = fmt.Sprintf("want: %s\ngot:  %s (the condition is %s)", list(c.Want), list(got), v.Truth)
	}
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

func (c Case) read() ([]byte, error) {
	if c.Message == "" {
		return c.Inline, nil
	}
	f, err := os.Open(c.Message)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	return io.ReadAll(io.LimitReader(f, maxMessage))
}

// input is the message as the rules see it.
func (c Case) input(raw []byte) rules.Input {
	header, _, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n")
	h := facts.ParseHeader([]byte(strings.ReplaceAll(header, "\n", "\r\n") + "\r\n\r\n"))
	g := c.Given
	if g.Received.IsZero() {
		g.Received = h.Sent()
	}
	if g.Received.IsZero() {
		g.Received = g.Now
	}
	if g.Now.IsZero() {
		g.Now = g.Received.Add(time.Minute)
	}
	return rules.Input{
		Account: g.Account, Mailbox: rules.Mailbox{Name: g.Mailbox, Role: g.Role}, Now: g.Now,
		Message: &facts.Message{UID: 1, Flags: g.Flags, Received: g.Received, Size: int64(len(raw)), Header: h},
	}
}

func find(rs *rules.Ruleset, name string) (rules.Rule, bool) {
	for _, r := range rs.Rules() {
		if r.Name == name {
			return r, true
		}
	}
	return rules.Rule{}, false
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
