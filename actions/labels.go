package actions

import (
	"slices"
	"strings"
)

func addLabelsSpec() Spec {
	return Spec{
		Kind: AddLabels, Arg: ArgLabels, Phase: PhaseFlags, Repeatable: true,
		Doc:     `Add Gmail's labels: those of your own, or \Important. The message is then in the mailbox of each label too, which is created when missing.`,
		Needs:   "X-GM-EXT-1, which is Gmail's. Elsewhere it fails visibly.",
		Example: `add_labels: [Work, 'Lists/${list.name}']`,
		apply:   func(r request) ([]Outcome, error) { return label(r, true) },
	}
}

func removeLabelsSpec() Spec {
	return Spec{
		Kind: RemoveLabels, Arg: ArgLabels, Phase: PhaseFlags, Repeatable: true,
		Doc:     "Remove Gmail's labels. That of the mailbox that the message is looked at in stays: use archive or move.",
		Needs:   "X-GM-EXT-1, which is Gmail's. Elsewhere it fails visibly.",
		Example: `remove_labels: [Unsorted]`,
		apply:   func(r request) ([]Outcome, error) { return label(r, false) },
	}
}

func label(r request, add bool) ([]Outcome, error) {
	if err := r.mailbox.Label(r.ctx, r.uids(), add, r.action.Labels); err != nil {
		return nil, err
	}
	return r.all(Done), nil
}

// HasLabel reports whether a label is among some. Gmail compares them without regard to
// case.
func HasLabel(labels []string, label string) bool {
	return slices.ContainsFunc(labels, func(l string) bool { return strings.EqualFold(l, label) })
}

// Labels reports whether an action of this kind changes labels.
func (k Kind) Labels() bool { return k == AddLabels || k == RemoveLabels }

// resolveLabels takes a label out of an earlier item when a later one does the
// opposite. An item that loses all its labels is superseded.
func (p *Plan) resolveLabels() {
	for i := range p.Items {
		earlier := &p.Items[i]
		for _, later := range p.Items[i+1:] {
			if !earlier.Action.Kind.Labels() || !later.Action.Kind.Labels() || earlier.Action.Kind == later.Action.Kind {
				continue
			}
			kept := slices.DeleteFunc(slices.Clone(earlier.Action.Labels), func(l string) bool { return HasLabel(later.Action.Labels, l) })
			if len(kept) == 0 {
				earlier.SupersededBy = later.Rule
				break
			}
			earlier.Action = earlier.Action.withLabels(kept)
		}
	}
}

func (a *Action) withLabels(labels []string) *Action {
	out := *a
	out.Labels = labels
	return &out
}

// quotedLabels are labels as they stand in a list of the configuration.
func quotedLabels(labels []string) string {
	out := make([]string, len(labels))
	for i, l := range labels {
		if out[i] = l; strings.ContainsAny(l, ",[]{}'\"#:") {
			out[i] = "'" + strings.ReplaceAll(l, "'", "''") + "'"
		}
	}
	return strings.Join(out, ", ")
}

func foldLabels(labels []string) []string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = strings.ToLower(l)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
