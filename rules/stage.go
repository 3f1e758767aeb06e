package rules

import (
	"cmp"
	"slices"

	"imapilot/rules/facts"
)

// Stage is how far a message must be fetched before something is known of it.
// Each stage costs more than the one before.
type Stage uint8

// The stages, in the order in which they are fetched.
const (
	// StageFlags is what every FETCH brings along: flags, INTERNALDATE, size. A sieve
	// leaves the last two out, see Needs.Dated.
	StageFlags Stage = iota
	// StageHeader is header fields, fetched together with the flags.
	StageHeader
	// StageHistory is what the journal knows.
	StageHistory
	// StageGmail is what Gmail alone tells: labels and ids.
	StageGmail
	// StageStructure is the BODYSTRUCTURE.
	StageStructure
	// StageContent is a part of the body.
	StageContent
	// StageRaw is the message as it is, which no rule reads and a webhook may include.
	StageRaw
)

// String is the stage in the words of a table.
func (s Stage) String() string {
	return [...]string{"flags", "header", "journal", "Gmail", "structure", "body part", "raw message"}[s]
}

// Needs is what has to be known of a message before rules can be evaluated.
type Needs struct {
	// HeaderFields are field names, spelled "List-Id", sorted, each once.
	HeaderFields []string
	// WholeHeader asks for every field of the message.
	WholeHeader bool
	// Dated asks for INTERNALDATE and size, which come with everything but a sieve.
	Dated bool
	// History asks the journal.
	History bool
	// Gmail asks for labels and ids (X-GM-EXT-1).
	Gmail bool
	// Structure asks for the BODYSTRUCTURE.
	Structure bool
	// Contents are the parts of the body to fetch, each once.
	Contents []facts.Content
	// Raw is how many octets of the message as it is are needed, 0 for none.
	Raw int
}

// IsZero reports whether nothing is needed.
func (n Needs) IsZero() bool { return n.Stage() == StageFlags && !n.Dated }

// Stage is the last of the stages that are needed.
func (n Needs) Stage() Stage {
	switch {
	case n.Raw > 0:
		return StageRaw
	case len(n.Contents) > 0:
		return StageContent
	case n.Structure:
		return StageStructure
	case n.Gmail:
		return StageGmail
	case n.History:
		return StageHistory
	case n.WholeHeader || len(n.HeaderFields) > 0:
		return StageHeader
	default:
		return StageFlags
	}
}

// and is what both need together.
func (n Needs) and(m Needs) Needs {
	out := Needs{
		WholeHeader: n.WholeHeader || m.WholeHeader, Dated: n.Dated || m.Dated, History: n.History || m.History, Gmail: n.Gmail || m.Gmail, Structure: n.Structure || m.Structure,
		Raw: max(n.Raw, m.Raw),
	}
	out.HeaderFields, out.Contents = union(n.HeaderFields, m.HeaderFields), union(n.Contents, m.Contents)
	return out
}

// union of two sorted lists is the first where the second has nothing new, as it is
// for most of hundreds of rules that read the same.
func union[T cmp.Ordered](a, b []T) []T {
	if !slices.ContainsFunc(b, func(v T) bool { _, found := slices.BinarySearch(a, v); return !found }) {
		return a
	}
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// missing is what of the needs is not known of a message. A part of the body
// cannot be asked for before the structure tells where it is.
func (n *Needs) missing(m *facts.Message) Needs {
	var out Needs
	if m.Header == nil {
		out.HeaderFields = n.HeaderFields
	}
	out.WholeHeader = n.WholeHeader && !m.WholeHeader
	out.Dated = n.Dated && m.Undated
	out.History = n.History && m.History == nil
	out.Gmail = n.Gmail && m.Gmail == nil
	if (n.Structure || len(n.Contents) > 0) && m.Structure == nil {
		out.Structure = true
		return out
	}
	for _, c := range n.Contents {
		if !m.Known(c) {
			out.Contents = append(out.Contents, c)
		}
	}
	if out.IsZero() && !m.Raw.Holds(n.Raw) {
		out.Raw = n.Raw
	}
	return out
}

// Missing is what of the needs is not known of a message, as far as it can be asked
// for now: where a part of the body is, the structure tells, and the raw message, the
// largest of all, comes last.
func (n Needs) Missing(m *facts.Message) Needs { return n.missing(m) }

// known reports whether nothing is missing.
func (n *Needs) known(m *facts.Message) bool {
	if !m.Raw.Holds(n.Raw) || (n.Dated && m.Undated) || (len(n.HeaderFields) > 0 && m.Header == nil) || (n.WholeHeader && !m.WholeHeader) ||
		(n.History && m.History == nil) || (n.Gmail && m.Gmail == nil) || (n.Structure && m.Structure == nil) {
		return false
	}
	return !slices.ContainsFunc(n.Contents, func(c facts.Content) bool { return !m.Known(c) })
}
