package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"imapilot/actions"
)

// maxCompared is with how many earlier rules one rule is compared.
const maxCompared = 200

// profile is what the analysis knows of one rule.
type profile struct {
	*draft
	name    string
	in      []string
	always  bool
	deleted bool // it names deleted, so it sees messages that others do not
	// parts are the conditions that all must be true, by their printed text.
	parts map[string]part
	// leaves is set where an action takes the message out of its mailbox, and
	// target is then where to, "" if that is not one known mailbox.
	leaves bool
	target string
}

// part is one of the conditions of a rule.
type part struct {
	negated bool
	node    ast.Node
}

// analyse compares the rules with each other. It speaks only of what is
// certain or likely: a warning on every pair of rules would teach nothing.
func (b *builder) analyse() {
	profiles := make([]profile, 0, len(b.drafts))
	for _, d := range b.drafts {
		if d.condition.node != nil {
			profiles = append(profiles, b.profile(d))
		}
	}
	index := map[string][]int{}
	var always []int
	for i := range profiles {
		b.compareWithEarlier(profiles, i, index, always)
		for key := range profiles[i].parts {
			index[key] = append(index[key], i)
		}
		if profiles[i].always {
			always = append(always, i)
		}
	}
	b.circles(profiles)
	b.filledMailboxes(profiles)
}

func (b *builder) profile(d *draft) profile {
	p := profile{draft: d, name: d.src.Name.Value, in: d.src.in(), parts: map[string]part{}}
	whole := b.filled(d.condition.node)
	if yes, ok := whole.(*ast.BoolNode); ok {
		p.always = yes.Value
	} else {
		p.conjuncts(whole, false)
	}
	p.deleted = namesDeleted(whole)
	for _, a := range d.actions {
		if p.leaves || !a.kind.Spec().Destination {
			continue
		}
		p.leaves = true
		if p.target, _ = a.literalTarget(); a.kind == actions.Expunge {
			p.target = string(a.kind)
		}
	}
	return p
}

// conjuncts cuts a condition at its ands.
func (p *profile) conjuncts(n ast.Node, negated bool) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		isAnd := n.Operator == "and" || n.Operator == "&&"
		isOr := n.Operator == "or" || n.Operator == "||"
		if isAnd && !negated || isOr && negated {
			p.conjuncts(n.Left, negated)
			p.conjuncts(n.Right, negated)
			return
		}
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			p.conjuncts(n.Node, !negated)
			return
		}
	}
	key := canonical(n)
	if negated {
		key = "not " + key
	}
	p.parts[key] = part{negated: negated, node: n}
}

func namesDeleted(n ast.Node) bool {
	found := false
	walk(n, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.IdentifierNode:
			found = found || n.Value == "deleted"
		case *ast.StringNode:
			found = found || strings.EqualFold(n.Value, `\Deleted`)
		}
	})
	return found
}

// compareWithEarlier looks at the earlier rules that have a part in common
// with rule i, for no others can take its messages for certain.
func (b *builder) compareWithEarlier(all []profile, i int, index map[string][]int, always []int) {
	earlier := slices.Clone(always)
	for key := range all[i].parts {
		earlier = append(earlier, index[key]...)
	}
	if all[i].always {
		for j := range i {
			earlier = append(earlier, j)
		}
	}
	slices.Sort(earlier)
	earlier = slices.DeleteFunc(slices.Compact(earlier), func(j int) bool { return !meet(all[j].src, all[i].src) })
	for _, j := range earlier[:min(len(earlier), maxCompared)] {
		if b.unreachable(&all[j], &all[i]) || b.overlap(&all[j], &all[i]) {
			return
		}
	}
}

// unreachable reports a rule of which every message was stopped before.
func (b *builder) unreachable(earlier, later *profile) bool {
	if !earlier.src.Stop || earlier.src.DryRun && !later.src.DryRun || later.deleted && !earlier.deleted || !alwaysMeet(earlier.src, later.src) {
		return false
	}
	if !b.coversAccounts(earlier.src, later.src) || !coversPlaces(earlier.in, later.in) || !implies(later, earlier) {
		return false
	}
	what := "every message"
	if !earlier.always {
		what = "every message of this one"
	}
	b.problem(later.src.Name.Pos, Error, fmt.Sprintf("the rule can never be reached: %q before it takes %s and stops", earlier.name, what),
		fmt.Sprintf("put it before %q, or take stop: true out of that one", earlier.name))
	return true
}

// implies reports whether b is true, for certain, whenever a is.
func implies(a, b *profile) bool {
	if b.always {
		return true
	}
	for key := range b.parts {
		if _, ok := a.parts[key]; !ok {
			return false
		}
	}
	return len(b.parts) > 0
}

// overlap warns of two destinations for one message.
func (b *builder) overlap(earlier, later *profile) bool {
	if !earlier.leaves || !later.leaves || earlier.src.Stop || earlier.src.DryRun || later.src.DryRun {
		return false
	}
	if earlier.target == later.target && earlier.target != "" {
		return false
	}
	if !b.shareAccount(earlier.src, later.src) || !coversPlaces(earlier.in, later.in) && !coversPlaces(later.in, earlier.in) {
		return false
	}
	word := "moves the same messages"
	if !implies(later, earlier) && !implies(earlier, later) {
		if exclude(earlier, later) || !shareCondition(earlier, later) {
			return false
		}
		word = "can move the same messages"
	}
	b.problem(later.src.Name.Pos, Warning, fmt.Sprintf("the moves overlap: %q before it %s, and the first one wins", earlier.name, word),
		fmt.Sprintf("add stop: true to %q if that is what you mean", earlier.name))
	return true
}

// shareCondition reports whether both ask for the same thing. A flag in common
// says little.
func shareCondition(a, b *profile) bool {
	for key, p := range a.parts {
		_, isFlag := p.node.(*ast.IdentifierNode)
		if _, ok := b.parts[key]; ok && !p.negated && !isFlag {
			return true
		}
	}
	return false
}

// exclude reports whether both can never be true together: one asks for what
// the other denies, or for another value of the same field.
func exclude(a, b *profile) bool {
	for key, p := range a.parts {
		opposite := "not " + key
		if p.negated {
			opposite = strings.TrimPrefix(key, "not ")
		}
		if _, ok := b.parts[opposite]; ok {
			return true
		}
		field, value, ok := equality(p)
		if !ok {
			continue
		}
		for _, q := range b.parts {
			if f, v, ok := equality(q); ok && f == field && !strings.EqualFold(v, value) {
				return true
			}
		}
	}
	return false
}

// equality reads a part of the form field == "value".
func equality(p part) (field, value string, ok bool) {
	n, isBinary := p.node.(*ast.BinaryNode)
	if !isBinary || n.Operator != "==" || p.negated {
		return "", "", false
	}
	text, isText := n.Right.(*ast.StringNode)
	if !isText {
		return "", "", false
	}
	return canonical(n.Left), text.Value, true
}

// coversAccounts reports whether a is for every account that b is for.
func (b *builder) coversAccounts(x, y RuleSource) bool {
	if len(x.Accounts) == 0 {
		return true
	}
	want := texts(y.Accounts)
	if len(want) == 0 {
		for _, a := range b.src.Accounts {
			want = append(want, a.Name)
		}
	}
	has := texts(x.Accounts)
	return !slices.ContainsFunc(want, func(a string) bool { return !slices.Contains(has, a) })
}

func (b *builder) shareAccount(x, y RuleSource) bool {
	if len(x.Accounts) == 0 || len(y.Accounts) == 0 {
		return true
	}
	has := texts(x.Accounts)
	return slices.ContainsFunc(texts(y.Accounts), func(a string) bool { return slices.Contains(has, a) })
}

// coversPlaces reports whether every mailbox of b is one of a.
func coversPlaces(a, b []string) bool {
	return !slices.ContainsFunc(b, func(p string) bool {
		return !slices.ContainsFunc(a, func(q string) bool { return coversPlace(q, p) })
	})
}

func coversPlace(q, p string) bool {
	switch {
	case sameMailbox(q, p) || q == "*":
		return true
	case strings.HasPrefix(q, "role:") || strings.HasPrefix(p, "role:"):
		return false
	case strings.ContainsAny(p, "*?"):
		return strings.Contains(q, "*") && !strings.Contains(q, "?") && globMatch(q, p)
	default:
		return (Mailbox{Name: p}).Match(q)
	}
}

// filledMailboxes warns of a rule for a mailbox that another rule fills: mail
// that imapilot moves fires no rule where it arrives. Rules on a clock and on
// flags look at all mail, wherever it came from.
func (b *builder) filledMailboxes(all []profile) {
	f := &fillers{of: map[Mailbox]*profile{}}
	for i := range all {
		for _, a := range all[i].actions {
			for _, name := range b.targetsOf(a, all[i].src) {
				f.add(targetMailbox(name), &all[i])
			}
		}
	}
	for i := range all {
		if all[i].src.arrives() {
			b.filledMailbox(&all[i], f)
		}
	}
}

// targetsOf are the mailboxes that an action of a rule leads to, where that is
// written out.
func (b *builder) targetsOf(a draftAction, r RuleSource) []string {
	if a.kind == actions.Snooze {
		return b.snoozeMailboxes(r)
	}
	if a.kind == actions.AddLabels {
		return a.literalLabels()
	}
	if name, ok := a.literalTarget(); ok {
		return []string{name}
	}
	return nil
}

// fillers are the rules that fill mailboxes, the first of each.
type fillers struct {
	targets []Mailbox // in the order of the rules
	of      map[Mailbox]*profile
}

// add notes that a rule fills a mailbox.
func (f *fillers) add(target Mailbox, by *profile) {
	if target != (Mailbox{}) && f.of[target] == nil {
		f.of[target] = by
		f.targets = append(f.targets, target)
	}
}

// matching are the targets that an entry of in: names. Only a pattern has to
// be compared with all of them.
func (f *fillers) matching(in string) []Mailbox {
	role, isRole := strings.CutPrefix(in, "role:")
	switch {
	case isRole:
		return []Mailbox{{Role: role}}
	case !isPattern(in):
		return []Mailbox{{Name: canonicalMailbox(in)}}
	}
	return slices.DeleteFunc(slices.Clone(f.targets), func(m Mailbox) bool { return !m.Match(in) })
}

func (b *builder) filledMailbox(p *profile, f *fillers) {
	for at, in := range p.in {
		for _, target := range f.matching(in) {
			filler := f.of[target]
			// A rule that looks at the filler's own mailboxes saw the mail there.
			if filler == nil || filler.draft == p.draft || coversPlaces(p.in, filler.in) || !b.shareAccount(p.src, filler.src) {
				continue
			}
			pos := p.src.Name.Pos
			if len(p.src.In) > 0 {
				pos = p.src.In[at].Pos
			}
			b.problem(pos, Warning, fmt.Sprintf("%q files mail into %s, and such mail does not fire this rule", filler.name, cmpOr(target.Name, "role:"+target.Role)),
				fmt.Sprintf("only mail from elsewhere does; to act on the rest add the actions to %q", filler.name))
			return
		}
	}
}
