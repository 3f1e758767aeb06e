package rules

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// memoryBudget is the most elements that one expression may put into lists.
const memoryBudget = 100_000

// Input is one message and where and when it is looked at.
type Input struct {
	Account string
	Mailbox Mailbox
	Message *facts.Message
	Now     time.Time
	// Skip gives for the name of a rule the reason why it must not act on this
	// message now. It adds nothing to the plan, but one that matches still stops
	// the walk.
	Skip map[string]string
}

// Decision is what a walk through the rules decided.
type Decision struct {
	// Plan is resolved and ready to be recorded.
	Plan actions.Plan
	// Dry is what the rules with dry_run would do, resolved by itself.
	Dry actions.Plan
	// Verdicts are those of the rules that look at the mailbox, in order, up
	// to the one that stopped the walk.
	Verdicts []Verdict
	// StoppedBy is the name of the rule that stopped the walk, or "".
	StoppedBy string
}

// Verdict is what one rule said of the message.
type Verdict struct {
	Rule, Hash string
	Truth      Truth
	// Err is why the condition, or an argument of an action, could not be
	// worked out. The rule then takes no action at all.
	Err error
	// Skipped is why the rule was not asked or not obeyed, or "".
	Skipped string
	DryRun  bool
}

// Evaluate walks through the rules from top to bottom over one snapshot of a
// message: no rule sees the effect of another. Every rule that matches adds
// its actions; one with stop ends the walk. A rule with dry_run that stops
// ends it for other such rules only, so that it changes nothing for the rest.
func (rs *Ruleset) Evaluate(in Input) Decision {
	r := rs.pool.Get().(*run)
	defer rs.pool.Put(r)
	r.begin(in)
	var d Decision
	dryStopped := false
	for i := range rs.rules {
		rule := &rs.rules[i]
		if rule.DryRun && dryStopped || !rule.looksAt(in.Account, in.Mailbox) {
			continue
		}
		v, items := r.rule(rule, in.Skip)
		d.Verdicts = append(d.Verdicts, v)
		for _, item := range items {
			if rule.DryRun {
				d.Dry.Add(item)
			} else {
				d.Plan.Add(item)
			}
		}
		if v.Truth != True || !rule.Stop {
			continue
		}
		if !rule.DryRun {
			d.StoppedBy = rule.Name
			break
		}
		dryStopped = true
	}
	d.Plan.Resolve()
	d.Dry.Resolve()
	r.end()
	return d
}

// run is the state of one evaluation. It is reused, and used by one goroutine.
type run struct {
	rs       *Ruleset
	vm       vm.VM
	env      map[string]any
	filled   []bool
	results  []result
	snapshot snapshot
	in       Input
}

// result is what is known of a leaf in this evaluation.
type result struct {
	known bool
	truth Truth
	err   error
}

func newRun(rs *Ruleset) *run {
	return &run{
		rs: rs, vm: vm.VM{MemoryBudget: memoryBudget}, env: make(map[string]any, len(rs.facts)),
		filled: make([]bool, len(rs.facts)), results: make([]result, len(rs.leaves)),
	}
}

func (r *run) begin(in Input) {
	r.in = in
	r.snapshot = snapshot{message: in.Message, mailbox: in.Mailbox.Name, account: in.Account, now: in.Now}
	clear(r.filled)
	clear(r.results)
}

// end lets go of the message, so that a pooled run does not keep it.
func (r *run) end() {
	r.in, r.snapshot = Input{}, snapshot{}
	clear(r.env)
	clear(r.results)
}

// rule asks one rule.
func (r *run) rule(rule *compiledRule, skip map[string]string) (Verdict, []actions.Item) {
	v := Verdict{Rule: rule.Name, Hash: rule.Hash, DryRun: rule.DryRun, Skipped: skip[rule.Name]}
	if !rule.namesDeleted && hasFlag(r.in.Message.Flags, `\Deleted`) {
		v.Skipped = `the message is flagged \Deleted, which only rules that name deleted look at`
		return v, nil
	}
	v.Truth = rule.condition.truth(r)
	if v.Truth == ErrorTruth {
		v.Err = r.firstError(rule.condition)
	}
	if v.Truth != True || v.Skipped != "" {
		return v, nil
	}
	items, err := r.items(rule)
	v.Err = err
	return v, items
}

// firstError is the error of the first leaf that has one.
func (r *run) firstError(c condition) error {
	var err error
	c.leaves(func(i int) {
		if err == nil {
			err = r.results[i].err
		}
	})
	if err == nil {
		err = errors.New("the condition cannot be evaluated")
	}
	return err
}

// items works out every action of a rule, or none.
func (r *run) items(rule *compiledRule) ([]actions.Item, error) {
	items := make([]actions.Item, 0, len(rule.actions))
	for i := range rule.actions {
		a, err := r.action(&rule.actions[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Then[i], err)
		}
		if a.Mailbox != "" && sameMailbox(a.Mailbox, r.in.Mailbox.Name) {
			continue // it is there already
		}
		items = append(items, actions.Item{Action: a, Rule: rule.Name, Hash: rule.Hash, Index: i})
	}
	return items, nil
}

func (r *run) action(c *compiledAction) (actions.Action, error) {
	a := actions.Action{Kind: c.kind}
	var err error
	for _, t := range c.args {
		switch c.kind.Spec().Arg {
		case actions.ArgMailbox:
			a.Mailbox, err = t.mailbox(r)
		case actions.ArgEndpoint:
			a.Endpoint = t.parts[0].literal
		default:
			var flag imap.Flag
			flag, err = t.flag(r)
			a.Flags = append(a.Flags, flag)
		}
		if err != nil {
			return actions.Action{}, err
		}
	}
	return a, nil
}

// leaf evaluates a leaf, once an evaluation.
func (r *run) leaf(i int) Truth {
	res := &r.results[i]
	if res.known {
		return res.truth
	}
	value, truth, err := r.eval(r.rs.leaves[i])
	if b, ok := value.(bool); ok {
		truth = False
		if b {
			truth = True
		}
	}
	*res = result{known: true, truth: truth, err: err}
	return truth
}

// eval runs a program. Where a fact is missing it does not run and is Unknown.
func (r *run) eval(p *program) (any, Truth, error) {
	for _, f := range p.facts {
		if !r.fill(f) {
			return nil, Unknown, nil
		}
	}
	value, err := r.vm.Run(p.code, r.env)
	if err != nil {
		return nil, ErrorTruth, plainError(err)
	}
	return value, True, nil
}

// fill puts a fact into the environment, once an evaluation.
func (r *run) fill(i int) bool {
	if r.filled[i] {
		return true
	}
	f := &r.rs.facts[i]
	if f.header != "" && r.in.Message.Header == nil {
		return false
	}
	r.env[f.name] = f.value(&r.snapshot)
	r.filled[i] = true
	return true
}

// plainError takes expr's drawing of the source off an error.
func plainError(err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return err
	}
	if cause := e.Unwrap(); cause != nil && errors.Is(cause, errTextTooLong) {
		return errTextTooLong
	}
	if strings.Contains(e.Message, "memory budget") {
		return errors.New("the lists that the rule makes are too long")
	}
	return errors.New(strings.TrimSpace(e.Message))
}
