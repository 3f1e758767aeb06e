package rules

import (
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// memoryBudget is the most elements that one expression may put into lists.
const memoryBudget = 100_000

// maxWork is the most octets of text that all programs of one evaluation
// together are given: about a second of work. It counts instead of looking at
// a clock, so that a message has one outcome on every machine.
const maxWork = 64 << 20

var errTooMuchWork = errors.New("the rules together read more than 64 MiB of this message's text: use fewer rules that read the body, or a lower limit for it")

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
	// Every asks every rule of the mailbox, also those that plainly say no, and
	// gives a verdict for each. It is for tests and explanations.
	Every bool
}

// Decision is what a walk through the rules decided.
type Decision struct {
	// Plan is resolved and ready to be recorded.
	Plan actions.Plan
	// Dry is what the rules with dry_run would do, resolved by itself.
	Dry actions.Plan
	// Verdicts are those of the rules that look at the mailbox, in order, up
	// to the one that stopped the walk. Rules that plainly said no are left
	// out, unless Input.Every is set.
	Verdicts []Verdict
	// Missing is what must be fetched before the walk can be decided; the plans
	// are not to be used while it is not zero. It never asks for what only a
	// later rule reads that an earlier one may still keep from being asked.
	Missing Needs
	// StoppedBy is the name of the rule that stopped the walk, or "". A rule with
	// stop that could not be evaluated stops it, too: nobody knows whether it
	// would have kept the message from the rules below.
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
	r.begin(in)
	rs.index.find(r, r.candidates)
	if in.Every {
		r.walk(&r.decision, r.everyRule())
	} else {
		r.walk(&r.decision, r.candidates.all())
	}
	d := r.decision.fitted()
	d.Plan.Resolve()
	d.Dry.Resolve()
	r.end()
	rs.pool.Put(r) // not where something panicked: it would not be clean
	return d
}

// fitted is the decision without the room that it grew in, which the next one
// grows in.
func (d *Decision) fitted() Decision {
	out := *d
	out.Plan.Items = append([]actions.Item(nil), d.Plan.Items...)
	out.Dry.Items = append([]actions.Item(nil), d.Dry.Items...)
	out.Verdicts = append([]Verdict(nil), d.Verdicts...)
	return out
}

// reset empties the decision and lets go of what was in it.
func (d *Decision) reset() {
	plan, dry, verdicts := d.Plan.Items, d.Dry.Items, d.Verdicts
	clear(plan)
	clear(dry)
	clear(verdicts)
	*d = Decision{Plan: actions.Plan{Items: plan[:0]}, Dry: actions.Plan{Items: dry[:0]}, Verdicts: verdicts[:0]}
}

// everyRule yields all rules. What those read that plainly say no is not
// counted, because the daemon does not ask them: the budget must run out for
// an explanation where it does for the daemon.
func (r *run) everyRule() iter.Seq[int] {
	return func(yield func(int) bool) {
		defer func() { r.uncounted = false }()
		for i := range r.rs.rules {
			if r.uncounted = !r.candidates.has(i); !yield(i) {
				return
			}
		}
	}
}

// walk asks rules from top to bottom.
func (r *run) walk(d *Decision, order iter.Seq[int]) {
	dryStopped := false
	for i := range order {
		rule := &r.rs.rules[i]
		if rule.DryRun && dryStopped || !rule.looksAt(r.in.Account, r.in.Mailbox) {
			continue
		}
		v, items := r.rule(rule)
		d.add(rule, v, items, r.in.Every)
		if v.Truth == False || !rule.Stop {
			continue
		}
		if rule.DryRun {
			dryStopped = true
			continue
		}
		if v.Truth != Unknown {
			// One that failed might have protected the message from the next.
			d.StoppedBy = rule.Name
		}
		break // one that is unknown may stop: what later rules need is not due
	}
	d.Missing = r.missing
}

func (d *Decision) add(rule *compiledRule, v Verdict, items []actions.Item, every bool) {
	if every || v.Truth != False || v.Skipped != "" {
		d.Verdicts = append(d.Verdicts, v)
	}
	for _, item := range items {
		if rule.DryRun {
			d.Dry.Add(item)
		} else {
			d.Plan.Add(item)
		}
	}
}

// run is the state of one evaluation. It is reused, and used by one goroutine.
type run struct {
	rs       *Ruleset
	vm       vm.VM
	env      map[string]any
	filled   []filling
	results  []result
	asked    []int // the leaves that have a result
	snapshot snapshot
	header   facts.Header // of the snapshot
	in       Input
	// candidates are the rules to ask.
	candidates bitset
	// missing is what would decide what is unknown, so far.
	missing Needs
	// decision is what the walk decided so far, scratch what items gives back.
	decision Decision
	scratch  []actions.Item
	// spent is how much text was given to programs, see maxWork; uncounted is set
	// while it does not count.
	spent     int
	uncounted bool
}

// filling is what is known of a fact in this evaluation.
type filling struct {
	known bool
	truth Truth // True: it is in the environment
	err   error
	// size is how many octets of text it has, elements how many elements.
	size, elements int
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
		filled: make([]filling, len(rs.facts)), results: make([]result, len(rs.leaves)), candidates: newBitset(len(rs.rules)),
	}
}

func (r *run) begin(in Input) {
	r.in = in
	r.snapshot = newSnapshot(in, r.rs.account(in.Account), &r.header)
	clear(r.candidates)
	r.missing, r.spent = Needs{}, 0
}

// end lets go of the message, so that a pooled run does not keep it. Of a
// thousand leaves only the few that were asked are looked at.
func (r *run) end() {
	r.in, r.snapshot = Input{}, snapshot{}
	r.header.Forget()
	clear(r.env)
	clear(r.scratch[:cap(r.scratch)])
	r.decision.reset()
	clear(r.filled)
	for _, i := range r.asked {
		r.results[i] = result{}
	}
	r.asked = r.asked[:0]
}

// rule asks one rule.
func (r *run) rule(rule *compiledRule) (Verdict, []actions.Item) {
	v := Verdict{Rule: rule.Name, Hash: rule.Hash, DryRun: rule.DryRun, Skipped: r.in.Skip[rule.Name]}
	if !rule.namesDeleted && hasFlag(r.in.Message.Flags, `\Deleted`) {
		v.Skipped = `the message is flagged \Deleted, which only rules that name deleted look at`
		return v, nil
	}
	v.Truth = rule.condition.truth(r)
	switch {
	case v.Truth == ErrorTruth:
		v.Err = r.firstError(rule.condition)
	case v.Truth == Unknown && (v.Skipped == "" || rule.Stop):
		r.need(rule.condition)
	}
	if v.Truth != True || v.Skipped != "" {
		return v, nil
	}
	if more := r.argumentNeeds(rule); !more.IsZero() {
		r.missing, v.Truth = r.missing.and(more), Unknown
		return v, nil
	}
	items, err := r.items(rule)
	v.Err = err
	return v, items
}

// need adds what would decide a condition the cheapest way: of the leaves that
// may decide it, those that can be told with the least fetching.
func (r *run) need(c condition) {
	best, least := Needs{}, StageContent+1
	c.open(r, func(i int) {
		more := r.programNeeds(r.rs.leaves[i])
		switch last := r.lastStage(r.rs.leaves[i]); {
		case last < least:
			best, least = more, last
		case last == least:
			best = best.and(more)
		}
	})
	r.missing = r.missing.and(best)
}

// programNeeds is what is missing of the facts of a program now.
func (r *run) programNeeds(p *program) Needs {
	var out Needs
	for _, f := range p.facts {
		if n := &r.rs.facts[f].needs; !n.known(r.in.Message) {
			out = out.and(n.missing(r.in.Message))
		}
	}
	return out
}

// lastStage is how far the message must be fetched in the end for a program.
func (r *run) lastStage(p *program) Stage {
	last := StageFlags
	for _, f := range p.facts {
		if n := &r.rs.facts[f].needs; !n.known(r.in.Message) {
			last = max(last, n.Stage())
		}
	}
	return last
}

// argumentNeeds is what the arguments of a rule that matched still need.
func (r *run) argumentNeeds(rule *compiledRule) Needs {
	var out Needs
	for _, a := range rule.actions {
		if a.kind.Labels() && r.in.Message.Gmail == nil {
			out.Gmail = true // what an undo puts back has to be known before
		}
		for _, t := range a.args {
			for _, p := range t.parts {
				if p.program == nil {
					continue
				}
				if more := r.programNeeds(p.program); !more.IsZero() {
					out = out.and(more)
				}
			}
		}
	}
	return out
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

// items works out every action of a rule, or none. They are there until the
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
	r.asked = append(r.asked, i)
	return truth
}

// eval runs a program. Where a fact is missing it does not run and is Unknown.
func (r *run) eval(p *program) (any, Truth, error) {
	for _, f := range p.facts {
		if truth := r.fill(f); truth != True {
			return nil, truth, r.filled[f].err
		}
	}
	if r.spend(p); r.spent > maxWork {
		return nil, ErrorTruth, errTooMuchWork
	}
	value, err := r.vm.Run(p.code, r.env)
	if err != nil {
		return nil, ErrorTruth, plainError(err)
	}
	return value, True, nil
}

// fill puts a fact into the environment, once an evaluation. It is Unknown
// where the fact was not fetched, and an error where it cannot be told.
func (r *run) fill(i int) Truth {
	have := &r.filled[i]
	if have.known {
		return have.truth
	}
	f := &r.rs.facts[i]
	*have = filling{known: true, truth: Unknown}
	if !f.needs.known(r.in.Message) {
		return Unknown
	}
	value := r.snapshot.read(f)
	if err, failed := value.(error); failed {
		have.truth, have.err = ErrorTruth, err
		return ErrorTruth
	}
	r.env[f.name] = value
	have.truth = True
	have.size, have.elements = sizeOf(value)
	return True
}

// spend counts the text that a program reads. Loops inside loops read their
// list once for each element.
func (r *run) spend(p *program) {
	size, elements := 0, 1
	for _, f := range p.facts {
		size += r.filled[f].size
		elements = max(elements, r.filled[f].elements)
	}
	if p.nested {
		size *= elements
	}
	if !r.uncounted {
		r.spent += size
	}
}

func sizeOf(value any) (size, elements int) {
	switch v := value.(type) {
	case string:
		return len(v), 1
	case []string:
		for _, s := range v {
			size += len(s)
		}
		return size, len(v)
	case []map[string]string:
		return 100 * len(v), len(v)
	case []map[string]any:
		return 100 * len(v), len(v)
	default:
		return 0, 1
	}
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
