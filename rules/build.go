package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"

	"imapilot/actions"
)

// linker builds the programs of a rule set, each distinct leaf once.
type linker struct {
	b       *builder
	rs      *Ruleset
	leafOf  map[string]int
	factOf  map[string]int
	covers  []cover // of the leaves
	pending []pendingProgram
	parts   []string // room for what a hash is made of
	// last is the expression that was printed last, a leaf mostly: where it is all of
	// a condition, its hash is made of the same text.
	last     ast.Node
	lastText string
}

// pendingProgram waits until every fact is known, because expr's environment
// is made once.
type pendingProgram struct {
	node    ast.Node
	program *program
	want    reflect.Kind
	pos     int
}

// build turns checked drafts into a rule set.
func (b *builder) build() *Ruleset {
	l := &linker{b: b, rs: &Ruleset{builder: b, accounts: b.accounts()}, leafOf: map[string]int{}, factOf: map[string]int{}}
	l.expect(len(b.drafts))
	for _, d := range b.drafts {
		l.rs.rules = append(l.rs.rules, l.rule(d))
	}
	l.compile()
	l.rs.ready()
	return l.rs
}

// expect makes room for so many rules and for one leaf of each.
func (l *linker) expect(rules int) {
	l.rs.rules = make([]compiledRule, 0, rules)
	l.rs.leaves, l.covers = make([]*program, 0, rules), make([]cover, 0, rules)
	l.pending = make([]pendingProgram, 0, rules)
}

// accounts are those of the source, by name.
func (b *builder) accounts() map[string]AccountSource {
	out := map[string]AccountSource{}
	for _, a := range b.src.Accounts {
		out[a.Name] = a
	}
	return out
}

func coversOf(list []compiledRule) []cover {
	out := make([]cover, len(list))
	for i := range list {
		out[i] = list[i].cover
	}
	return out
}

func ruleHashes(list []compiledRule) []string {
	out := make([]string, 0, 4*len(list))
	for i := range list {
		r := &list[i]
		limits := strconv.Itoa(r.MaxMoves) + " " + strconv.Itoa(r.MaxExpunges) + " " + strconv.FormatBool(r.DryRun)
		out = append(out, r.Name, r.Hash, limits, r.asked())
	}
	return out
}

// hashOf identifies a list of texts by SHA-256.
func hashOf(parts []string) string {
	data, err := json.Marshal(parts)
	if err != nil {
		// Strings always marshal.
		panic("rules: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (l *linker) rule(d *draft) compiledRule {
	r := compiledRule{draft: d, Rule: Rule{
		Name: d.src.Name.Value, Accounts: texts(d.src.Accounts), In: d.src.in(), If: d.written(),
		Stop: d.src.Stop, DryRun: d.src.DryRun, MaxMoves: defaultMoves, MaxExpunges: defaultExpunges,
		On: cmp.Or(d.src.On, OnArrival), Flags: triggerFlags(d.src.Flags), Cron: d.src.Cron, Repeat: d.src.Repeat,
		GmailSearch: d.src.GmailSearch.Value,
	}}
	if d.src.MaxMessages > 0 {
		r.MaxMoves, r.MaxExpunges = d.src.MaxMessages, d.src.MaxMessages
	}
	scope := &ruleScope{linker: l, pos: d.src.If.Pos}
	r.condition = scope.condition(d.condition.node)
	r.namesDeleted = scope.used.deleted
	for i, a := range d.actions {
		r.Kinds = append(r.Kinds, a.kind)
		r.Then = append(r.Then, printAction(d.src.Then[i]))
		if target, ok := a.literalTarget(); ok {
			r.Targets = append(r.Targets, target)
		}
		if a.kind.Spec().Arg == actions.ArgFolder {
			r.Folders = append(r.Folders, d.src.Then[i].Args[0].Value)
		}
		r.actions = append(r.actions, scope.action(a))
	}
	r.Hash = l.hash(d, scope.used)
	r.needs, r.facts = l.needsOf(scope.used.facts), sortedSet(scope.used.facts)
	r.needs.Gmail = r.needs.Gmail || slices.ContainsFunc(r.Kinds, actions.Kind.Labels)
	r.cover = r.condition.cover(l.covers)
	r.key = r.condition.key(l.rs.leaves)
	return r
}

// needsOf is what facts are read from.
func (l *linker) needsOf(names []string) Needs {
	var out Needs
	for _, name := range names {
		out = out.and(l.rs.facts[l.fact(name)].needs)
	}
	return out
}

// printAction shows an action as it was written.
func printAction(a ActionSource) string {
	args := texts(a.Args)
	switch actions.Kind(a.Kind.Value).Spec().Arg {
	case actions.ArgNone:
		return a.Kind.Value
	case actions.ArgFlags, actions.ArgLabels:
		return a.Kind.Value + ": [" + strings.Join(args, ", ") + "]"
	case actions.ArgUntil:
		return printSnooze(a)
	case actions.ArgEndpoint:
		return actions.Action{Kind: actions.Kind(a.Kind.Value), Endpoint: strings.Join(args, ", "), When: whenOf(a)}.String()
	case actions.ArgCommand:
		return actions.Action{Kind: actions.Kind(a.Kind.Value), Command: &actions.Command{Argv: args}}.String()
	case actions.ArgFolder:
		return actions.Action{Kind: actions.Kind(a.Kind.Value), Save: writtenSaving(a, args)}.String()
	case actions.ArgRecipients, actions.ArgAnswer:
		return printLetter(a)
	case actions.ArgAppend:
		return printAppend(a)
	default:
		return actions.Action{Kind: actions.Kind(a.Kind.Value), Account: a.Account.Value, Mailbox: strings.Join(args, ", ")}.String()
	}
}

// literalTarget is where an action leads, where that is written out and in the
// account of the message: a mailbox, or "role:" and a role.
func (a draftAction) literalTarget() (string, bool) {
	if role := a.kind.Spec().Role; role != "" {
		return "role:" + role, true
	}
	arg := a.kind.Spec().Arg
	leads := arg == actions.ArgMailbox && len(a.args) == 1 || arg == actions.ArgAppend && len(a.args) > 0
	if a.account != "" || !leads || a.args[0].segments == nil {
		return "", false
	}
	return literalOf(a.args[0].segments)
}

// hash identifies what a rule does. Comments, white space, the names of
// defines, and limits are no part of it.
func (l *linker) hash(d *draft, used uses) string {
	parts := append(l.parts[:0], "if", l.printed(d.condition.node), "stop", strconv.FormatBool(d.src.Stop), "in")
	parts = append(parts, sortedSet(d.src.in())...)
	parts = append(append(parts, "accounts"), sortedSet(texts(d.src.Accounts))...)
	if q := d.src.GmailSearch.Value; q != "" {
		parts = append(parts, "search", q)
	}
	for _, a := range d.actions {
		parts = append(parts, "then", string(a.kind))
		parts = append(append(append(parts, a.message.printed()...), a.command.printed()...), a.letter.printed()...)
		parts = append(parts, a.until.printed()...)
		used.calendar = used.calendar || a.until != nil && a.until.Calendar
		parts = append(parts, a.saving.printed()...)
		parts = append(parts, a.appending.printed()...)
		if a.account != "" {
			parts = append(parts, "account", a.account)
		}
		for _, arg := range a.args {
			if arg := a.kind.Spec().Arg; arg == actions.ArgCommand || arg == actions.ArgRecipients || arg == actions.ArgAppend || arg == actions.ArgLabels {
				parts = append(parts, "element") // where one ends makes a difference
			}
			for _, s := range arg.segments {
				if s.isExpr {
					parts = append(parts, "expr", l.printed(s.node))
				} else {
					parts = append(parts, "text", s.literal)
				}
			}
		}
	}
	for _, name := range sortedSet(used.lists) {
		parts = append(append(parts, "list", name), sortedSet(foldAll(l.b.lang.lists[name]))...)
	}
	if used.calendar {
		parts = append(parts, "timezone", l.b.lang.clock.location.String())
	}
	l.parts = parts
	return hashOf(parts)[:16]
}

// printed is the canonical text of an expression with its defines filled in.
func (l *linker) printed(n ast.Node) string {
	if n == nil || n != l.last {
		l.last, l.lastText = n, canonical(l.b.filled(n))
	}
	return l.lastText
}

func sortedSet(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// ruleScope gathers what one rule uses while its programs are made.
type ruleScope struct {
	*linker
	pos   int
	parts int // of the condition
	used  uses
}

func (s *ruleScope) condition(n ast.Node) condition {
	if s.parts++; s.parts > maxNodes {
		if s.parts == maxNodes+1 {
			s.b.problem(s.pos, Error, errTooLarge.Error(), "write it as several rules")
		}
		return constantCondition(ErrorTruth)
	}
	switch n := n.(type) {
	case *ast.BoolNode:
		if n.Value {
			return constantCondition(True)
		}
		return constantCondition(False)
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return notCondition{s.condition(n.Node)}
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			return andCondition{s.condition(n.Left), s.condition(n.Right)}
		case "or", "||":
			return orCondition{s.condition(n.Left), s.condition(n.Right)}
		}
	case *ast.IdentifierNode:
		if d, ok := s.b.lang.defines[n.Value]; ok {
			return s.condition(d.node)
		}
	}
	return s.leaf(n)
}

// leaf returns the leaf for a node: the same one for the same printed text.
func (s *ruleScope) leaf(n ast.Node) condition {
	lowered, p, ok := s.lower(n)
	if !ok {
		return constantCondition(ErrorTruth)
	}
	key := s.printed(n)
	index, known := s.leafOf[key]
	if !known {
		index = len(s.rs.leaves)
		s.leafOf[key] = index
		s.rs.leaves = append(s.rs.leaves, p)
		s.covers = append(s.covers, coverOf(lowered))
		p.key = keyOfLeaf(lowered)
		s.pending = append(s.pending, pendingProgram{node: lowered, program: p, want: reflect.Bool, pos: s.pos})
	}
	return leafCondition(index)
}

// lower rewrites a node, notes what it uses, and begins its program.
func (s *ruleScope) lower(n ast.Node) (ast.Node, *program, bool) {
	l := &lowering{lang: &s.b.lang, types: s.b.types}
	lowered := l.lower(n)
	if l.err != nil {
		s.b.problem(s.pos, Error, l.err.Error(), "write it as several rules")
		return nil, nil, false
	}
	p := &program{text: n.String(), nested: l.used.nested}
	for _, name := range l.used.facts {
		p.facts = append(p.facts, s.fact(name))
	}
	s.used.facts = append(s.used.facts, l.used.facts...)
	s.used.lists = append(s.used.lists, l.used.lists...)
	s.used.deleted = s.used.deleted || l.used.deleted
	s.used.calendar = s.used.calendar || l.used.calendar
	return lowered, p, true
}

func (l *linker) fact(name string) int {
	index, ok := l.factOf[name]
	if !ok {
		index = len(l.rs.facts)
		l.factOf[name] = index
		l.rs.facts = append(l.rs.facts, l.b.lang.newFact(name))
	}
	return index
}

func (s *ruleScope) action(a draftAction) compiledAction {
	out := compiledAction{
		kind: a.kind, arg: a.kind.Spec().Arg, account: a.account, message: a.message, command: a.command,
		saving: a.saving, letter: a.letter, appending: a.appending, until: a.until,
	}
	for _, arg := range a.args {
		var t template
		for _, seg := range arg.segments {
			part := templatePart{literal: seg.literal}
			if seg.isExpr {
				part.program = s.value(seg.expression, arg.text.Pos)
			}
			t.parts = append(t.parts, part)
		}
		if out.arg == actions.ArgFlags && len(t.parts) == 1 && t.parts[0].program == nil {
			flag, _, _ := literalFlag(t.parts[0].literal, addsFlags(a.kind))
			t.parts[0].literal = string(flag)
		}
		if out.arg == actions.ArgLabels && len(t.parts) == 1 && t.parts[0].program == nil {
			t.parts[0].literal, _, _ = literalLabel(t.parts[0].literal)
		}
		out.args = append(out.args, t)
	}
	out.share()
	return out
}

func (s *ruleScope) value(e expression, pos int) *program {
	outer := s.pos
	s.pos = pos
	lowered, p, ok := s.lower(e.node)
	s.pos = outer
	if !ok {
		return &program{text: e.text}
	}
	p.text = e.text
	s.pending = append(s.pending, pendingProgram{node: lowered, program: p, want: reflect.Invalid, pos: pos})
	return p
}

// compile makes the programs. What the checker passed compiles; if it does not
// after all, the expression is reported as a whole instead of failing later.
func (l *linker) compile() {
	cfg := l.b.lang.programConfig(l.rs.facts)
	for _, p := range l.pending {
		if err := l.compileOne(p, cfg); err != nil {
			l.b.problem(p.pos, Error, fmt.Sprintf("the expression %q cannot be used", p.program.text), "write it another way")
		}
	}
}

func (l *linker) compileOne(p pendingProgram, cfg *conf.Config) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the compiler failed")
		}
	}()
	p.program.code, err = compileNode(p, cfg)
	return err
}
