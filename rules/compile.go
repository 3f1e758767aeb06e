package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"

	"imapilot/actions"
)

// The limits of a source.
const (
	maxRules       = 10_000
	maxListValues  = 100_000
	maxActions     = 100
	maxMaxMessages = 1_000_000
	maxProblems    = 1000
)

// nodesOfRule is how many nodes a short condition has: field == "text".
const nodesOfRule = 3

// The default limits of what a rule may take away at once.
const (
	defaultMoves    = 1000
	defaultExpunges = 100
)

// builder turns a source into a rule set.
type builder struct {
	src      Source
	lang     language
	parser   *conf.Config
	types    map[ast.Node]typ
	problems []Problem
	drafts   []*draft
	// urls are the expressions in the URLs of webhooks, by endpoint.
	urls map[string][]draftArgument
}

// draft is a rule whose texts are checked and whose programs are not built yet.
type draft struct {
	src       RuleSource
	condition expression
	actions   []draftAction
}

type draftAction struct {
	kind actions.Kind
	args []draftArgument
	// account is that of the target, "" where it is the message's.
	account string
	// appending is what an append adds.
	appending appending
	// message says which of args make what a webhook is sent with.
	message message
	// command says how args make the program of exec.
	command command
	until   *Until
	// saving says how args make what save_attachments saves.
	saving saving
	// letter says how args make what forward and reply send.
	letter letter
}

type draftArgument struct {
	text     Text
	segments []segment
}

// Compile checks a source and returns its rule set and every problem of it, in
// the order of the source. The rule set is nil when one of them is an Error.
func Compile(src Source) (*Ruleset, []Problem) {
	b := newBuilder(src)
	b.defines(src.Define)
	b.checkURLs()
	b.checkRules()
	b.analyse()
	if b.failed() {
		return nil, b.sorted()
	}
	rs := b.build()
	if b.failed() {
		return nil, b.sorted()
	}
	return rs, b.sorted()
}

func newBuilder(src Source) *builder {
	if src.Location == nil {
		src.Location = time.UTC
	}
	b := &builder{src: src, parser: parserConfig(), types: make(map[ast.Node]typ, nodesOfRule*len(src.Rules)), urls: map[string][]draftArgument{}, lang: language{
		fields: map[string]Field{}, functions: map[string]Function{}, lists: map[string][]string{}, defines: map[string]*define{},
		clock: clockwork{location: src.Location},
	}}
	for _, a := range src.Accounts {
		b.lang.accounts = append(b.lang.accounts, a.Name)
	}
	b.lang.doubts, b.lang.spans = doubts(b.lang.accounts), spans()
	for _, f := range Fields() {
		b.lang.fields[f.Name] = f
	}
	for _, f := range Functions() {
		b.lang.functions[f.Name] = f
	}
	b.lists()
	return b
}

func (b *builder) lists() {
	for _, l := range b.src.Lists {
		switch _, twice := b.lang.lists[l.Name.Value]; {
		case l.Name.Value == "":
			b.problem(l.Name.Pos, Error, "the list has no name", "")
		case twice:
			b.problem(l.Name.Pos, Error, fmt.Sprintf("there are two lists %q", l.Name.Value), "put their values into one")
		case len(l.Values) > maxListValues:
			b.problem(l.Name.Pos, Error, fmt.Sprintf("the list has more than %d values", maxListValues), "")
		}
		b.lang.lists[l.Name.Value] = l.Values
	}
}

func (b *builder) problem(pos int, severity Severity, message, hint string) {
	b.problems = append(b.problems, Problem{Pos: pos, Severity: severity, Message: message, Hint: hint})
}

// add takes the issues of an expression that begins at an offset of a text.
func (b *builder) add(pos, offset int, issues []issue) {
	for _, i := range issues {
		b.problems = append(b.problems, Problem{
			Pos: pos, Offset: offset + i.offset, Length: i.length, Severity: i.severity, Message: i.message, Hint: i.hint,
		})
	}
}

func (b *builder) failed() bool {
	return slices.ContainsFunc(b.problems, func(p Problem) bool { return p.Severity == Error })
}

func (b *builder) sorted() []Problem {
	slices.SortStableFunc(b.problems, func(x, y Problem) int {
		return cmp.Or(cmp.Compare(x.Pos, y.Pos), cmp.Compare(x.Offset, y.Offset))
	})
	// What is wrong with a text that several rules share is said once.
	b.problems = slices.Compact(b.problems)
	return b.problems[:min(len(b.problems), maxProblems)]
}

func (b *builder) checkRules() {
	if len(b.src.Rules) > maxRules {
		b.problem(b.src.Rules[maxRules].Name.Pos, Error, fmt.Sprintf("there are more than %d rules", maxRules), "")
		return
	}
	names := make(map[string]bool, len(b.src.Rules))
	b.drafts = make([]*draft, 0, len(b.src.Rules))
	for _, r := range b.src.Rules {
		switch {
		case strings.TrimSpace(r.Name.Value) == "":
			b.problem(r.Name.Pos, Error, "the rule has no name", "its name identifies it in the journal: give it one")
		case names[r.Name.Value]:
			b.problem(r.Name.Pos, Error, fmt.Sprintf("there are two rules %q", r.Name.Value), "a name identifies a rule in the journal: give it another one")
		}
		names[r.Name.Value] = true
		b.drafts = append(b.drafts, b.checkRule(r))
	}
}

func (b *builder) checkRule(r RuleSource) *draft {
	d := &draft{src: r}
	b.checkPlaces(r)
	b.checkTrigger(r)
	b.checkSearch(r)
	d.condition = b.condition(r.If)
	if r.Unless != (Text{}) {
		d.condition = b.except(d.condition, b.condition(r.Unless))
	}
	if len(r.Then) == 0 {
		b.problem(r.Name.Pos, Error, "the rule does nothing", "list its actions under then:")
	}
	if len(r.Then) > maxActions {
		b.problem(r.Name.Pos, Error, fmt.Sprintf("the rule has more than %d actions", maxActions), "")
		return d
	}
	if r.MaxMessages < 0 || r.MaxMessages > maxMaxMessages {
		b.problem(r.Name.Pos, Error, fmt.Sprintf("max_messages is %d", r.MaxMessages), fmt.Sprintf("it can be 1 to %d", maxMaxMessages))
	}
	b.checkDestinations(r)
	d.actions = make([]draftAction, len(r.Then))
	for i, a := range r.Then {
		b.checkAction(r, a, &d.actions[i])
	}
	return d
}

// condition parses and checks what must be true or false.
func (b *builder) condition(text Text) expression {
	e := b.expression(text.Value, text.Pos, 0)
	if e.node != nil && !e.typ.fits(typ{kind: boolKind}) {
		b.problem(text.Pos, Error, fmt.Sprintf("the condition must be true or false, this is %s", e.typ), hintForCondition(e.node, e.typ))
		e.node = nil
	}
	return e
}

// checkDestinations warns of a second destination: a message leaves its
// mailbox once, and the first wins.
func (b *builder) checkDestinations(r RuleSource) {
	first := ""
	for _, a := range r.Then {
		switch {
		case !actions.Kind(a.Kind.Value).Spec().Destination:
		case first == "":
			first = a.Kind.Value
		default:
			b.problem(a.Kind.Pos, Warning, fmt.Sprintf("this is never done: a message leaves its mailbox once, by the %s before", first), "remove it, or use copy for the other mailbox")
		}
	}
}

// checkPlaces checks the accounts and mailboxes that a rule is for.
func (b *builder) checkPlaces(r RuleSource) {
	names := b.lang.accounts
	for _, a := range r.Accounts {
		if !slices.Contains(names, a.Value) {
			b.problem(a.Pos, Error, fmt.Sprintf("there is no account %q", a.Value), cmpOr(didYouMean(a.Value, names), "the accounts are "+strings.Join(names, ", ")))
		}
	}
	for _, in := range r.In {
		role, isRole := strings.CutPrefix(in.Value, "role:")
		switch {
		case in.Value == "":
			b.problem(in.Pos, Error, "the name of the mailbox is empty", "")
		case isRole && !slices.Contains(roles(), role):
			b.problem(in.Pos, Error, fmt.Sprintf("there is no role %q", role), cmpOr(didYouMean(role, roles()), "the roles are "+strings.Join(roles(), ", ")))
		case strings.Contains(in.Value, "%"):
			b.problem(in.Pos, Error, "% is no wildcard here", "* stands for any text")
		case strings.Contains(in.Value, "${"):
			b.problem(in.Pos, Error, "in: names mailboxes and cannot hold ${}", "* stands for any text")
		}
	}
}

// in are the mailboxes that a rule is for.
func (r RuleSource) in() []string {
	if len(r.In) == 0 {
		return []string{"INBOX"}
	}
	return texts(r.In)
}

func texts(list []Text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.Value
	}
	return out
}
