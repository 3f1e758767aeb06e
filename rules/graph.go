package rules

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
)

// maxCircleSteps bounds the search for circles in a very large rule set, where
// what it finds is then not all there is.
const maxCircleSteps = 200_000

// Move is one way that mail takes between mailboxes.
type Move struct {
	Rule string
	// From is an entry of "in", To a mailbox, "role:trash", or the target as it
	// is written where it holds an expression.
	From, To string
	// Copy is set where the message stays, too.
	Copy bool
}

// Moves returns the ways that mail takes, in the order of the rules.
func (rs *Ruleset) Moves() []Move {
	var out []Move
	for i := range rs.rules {
		r := &rs.rules[i]
		for j, kind := range r.Kinds {
			for _, to := range rs.waysOf(r, j) {
				for _, from := range r.In {
					out = append(out, Move{Rule: r.Name, From: from, To: to, Copy: kind == actions.Copy})
				}
			}
		}
	}
	return out
}

// waysOf are the mailboxes that an action of a rule leads to, by its number. A rule
// for several accounts may snooze to one of each.
func (rs *Ruleset) waysOf(r *compiledRule, action int) []string {
	switch kind := r.Kinds[action]; kind {
	case actions.Move, actions.Copy:
		_, to, _ := strings.Cut(r.Then[action], ": ")
		return []string{to}
	case actions.Snooze:
		return snoozeMailboxes(rs.builder.src.Accounts, r.Accounts)
	default:
		if role := kind.Spec().Role; role != "" {
			return []string{"role:" + role}
		}
		return nil
	}
}

// circles finds rules that move mail around: what one takes from A to B
// another takes back. Mail that imapilot moved fires no rule where it arrives,
// but apply and rules on a clock see all mail, and would carry it around. A rule
// on flags is no part of a circle: each time round the user flags the message.
func (b *builder) circles(all []profile) {
	next := b.followers(all)
	reported, budget := map[int]bool{}, maxCircleSteps
	for i := range all {
		if circle := findCircle(next, i, &budget); circle != nil && !slices.ContainsFunc(circle, func(j int) bool { return reported[j] }) {
			for _, j := range circle {
				reported[j] = true
			}
			b.circle(all, circle)
		}
	}
}

// followers are, for each rule that moves, the rules that may take what it moved.
func (b *builder) followers(all []profile) [][]int {
	f := &fillers{of: map[Mailbox]*profile{}}
	byTarget := map[Mailbox][]int{}
	for i := range all {
		if !all[i].carries() {
			continue
		}
		target := targetMailbox(all[i].target)
		if byTarget[target] == nil {
			f.targets = append(f.targets, target)
		}
		byTarget[target] = append(byTarget[target], i)
	}
	next, steps := make([][]int, len(all)), 0
	for j := range all {
		if !all[j].carries() {
			continue
		}
		for _, in := range all[j].in {
			for _, target := range f.matching(in) {
				for _, i := range byTarget[target] {
					if steps++; steps > maxCircleSteps {
						return next
					}
					if i != j && b.shareAccount(all[i].src, all[j].src) && !exclude(&all[i], &all[j]) {
						next[i] = append(next[i], j)
					}
				}
			}
		}
	}
	return next
}

// carries reports whether a rule can be part of a circle.
func (p *profile) carries() bool { return p.target != "" && !p.src.DryRun && p.src.On != OnFlags }

// findCircle returns a shortest way from a rule back to itself.
func findCircle(next [][]int, start int, budget *int) []int {
	from := map[int]int{}
	queue := []int{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, to := range next[at] {
			if *budget--; *budget < 0 {
				return nil
			}
			if to == start {
				return wayBack(from, start, at)
			}
			if _, seen := from[to]; !seen {
				from[to] = at
				queue = append(queue, to)
			}
		}
	}
	return nil
}

func wayBack(from map[int]int, start, at int) []int {
	out := []int{at}
	for at != start {
		at = from[at]
		out = append(out, at)
	}
	slices.Reverse(out)
	return out
}

// circle reports one. It is certain where each rule takes whatever the one
// before it took, and the same asks all of them: a rule on a clock that brings
// back what another took on arrival makes mail wait, which is no mistake as long
// as apply is not asked for both.
func (b *builder) circle(all []profile, circle []int) {
	certain := true
	var way []string
	for i, at := range circle {
		following := circle[(i+1)%len(circle)]
		certain = certain && all[at].src.arrives() == all[following].src.arrives() && implies(&all[at], &all[following]) && !slices.ContainsFunc(all[following].in, isPattern)
		way = append(way, fmt.Sprintf("%q moves to %s", all[at].name, showTarget(all[at].target)))
	}
	severity, may := Warning, "can move"
	if certain {
		severity, may = Error, "move"
	}
	last := all[circle[len(circle)-1]].src.Name
	b.problem(last.Pos, severity, fmt.Sprintf("the rules %s mail in a circle: %s", may, strings.Join(way, ", ")),
		"let one of them leave out what the other moved, or take its mailbox out of in:")
}

func isPattern(in string) bool { return strings.ContainsAny(in, "*?") }

func showTarget(target string) string {
	if target == "role:trash" {
		return "the trash"
	}
	return target
}
