package actions

import (
	"cmp"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Item is one action of a plan and the rule that asked for it.
type Item struct {
	// Action is shared by all plans of a rule, and never changed: whoever wants
	// another one makes a copy.
	Action *Action `json:"action"`
	// Rule is the name of the rule, Hash identifies its content.
	Rule string `json:"rule"`
	Hash string `json:"hash,omitempty"`
	// Index is the position of the action in the rule's "then" list.
	Index int `json:"index"`
	// SupersededBy names the rule whose destination, or whose later change of
	// the same flag, won over this one. A superseded item is never applied.
	SupersededBy string `json:"superseded_by,omitempty"`
}

// Plan is what a rule set decided for one message, in rule order. The zero
// Plan is Sieve's implicit keep (RFC 5228 section 2.10.2).
type Plan struct {
	Items []Item `json:"items,omitempty"`
}

// Add appends the action of a rule.
func (p *Plan) Add(item Item) { p.Items = append(p.Items, item) }

// Resolve settles conflicts: of several destinations the first wins and the
// later ones are marked as superseded; of an addition and a removal of one
// flag or label the last wins, and what says all flags wins over what was before it. Call it once, after the walk.
func (p *Plan) Resolve() {
	p.resolveDestinations()
	p.resolveCopies()
	p.resolveFlags()
	p.resolveLabels()
}

func (p *Plan) resolveDestinations() {
	winner := ""
	for i := range p.Items {
		item := &p.Items[i]
		if !item.Action.Kind.Spec().Destination {
			continue
		}
		if winner != "" {
			item.SupersededBy = winner
			continue
		}
		winner = item.Rule
	}
}

// resolveCopies keeps one copy of several into one mailbox of one account (RFC
// 5228 section 2.10.3), and of what a rule appends twice the first.
func (p *Plan) resolveCopies() {
	by := map[[2]string]string{}
	for i := range p.Items {
		item := &p.Items[i]
		if item.Action.Kind == AppendTo && slices.ContainsFunc(p.Items[:i], func(o Item) bool { return o.Rule == item.Rule && o.Action.Equal(*item.Action) }) {
			item.SupersededBy = item.Rule
		}
		if item.Action.Kind != Copy {
			continue
		}
		to := [2]string{item.Action.Account, item.Action.Mailbox}
		if rule, twice := by[to]; twice {
			item.SupersededBy = rule
			continue
		}
		by[to] = item.Rule
	}
}

// resolveFlags takes a flag out of an earlier item when a later one sets the
// opposite. An item that loses all its flags is superseded, and so is all that
// comes before one that says all the flags of a message.
func (p *Plan) resolveFlags() {
	for i := range p.Items {
		earlier := &p.Items[i]
		for _, later := range p.Items[i+1:] {
			if later.Action.Kind == SetFlags && changesFlags(earlier.Action.Kind) {
				earlier.SupersededBy = later.Rule
				break
			}
			if !opposite(earlier.Action.Kind, later.Action.Kind) {
				continue
			}
			kept := without(earlier.Action.Flags, later.Action.Flags)
			if len(kept) == 0 && len(earlier.Action.Flags) > 0 {
				earlier.SupersededBy = later.Rule
				break
			}
			earlier.Action = earlier.Action.withFlags(kept)
		}
	}
}

func changesFlags(k Kind) bool { return k == AddFlags || k == RemoveFlags || k == SetFlags }

func opposite(a, b Kind) bool {
	return a == AddFlags && b == RemoveFlags || a == RemoveFlags && b == AddFlags
}

func (a *Action) withFlags(flags []imap.Flag) *Action {
	out := *a
	out.Flags = flags
	return &out
}

func without(flags, drop []imap.Flag) []imap.Flag {
	gone := foldFlags(drop)
	return slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool {
		return slices.Contains(gone, strings.ToLower(string(f)))
	})
}

// Effective returns the items that are to be applied, in the fixed order of
// apply; the rule order is kept inside a phase. They may be the plan's own: whoever changes
// them changes a copy.
func (p Plan) Effective() []Item {
	superseded := func(i Item) bool { return i.SupersededBy != "" }
	byPhase := func(a, b Item) int { return cmp.Compare(a.Action.Kind.Spec().Phase, b.Action.Kind.Spec().Phase) }
	if !slices.ContainsFunc(p.Items, superseded) && slices.IsSortedFunc(p.Items, byPhase) {
		return p.Items
	}
	items := slices.DeleteFunc(slices.Clone(p.Items), superseded)
	slices.SortStableFunc(items, byPhase)
	return items
}

// Destination returns the item by which the message leaves its mailbox.
func (p Plan) Destination() (Item, bool) {
	for _, item := range p.Items {
		if item.SupersededBy == "" && item.Action.Kind.Spec().Destination {
			return item, true
		}
	}
	return Item{}, false
}

// String prints the plan on one line, superseded items included:
// "add_flags: [\Seen], move: Lists/go". The empty plan prints as "keep".
func (p Plan) String() string {
	if len(p.Items) == 0 {
		return "keep"
	}
	parts := make([]string, len(p.Items))
	for i, item := range p.Items {
		parts[i] = item.Action.String()
		if item.SupersededBy != "" {
			parts[i] += " (superseded by " + item.SupersededBy + ")"
		}
	}
	return strings.Join(parts, ", ")
}
