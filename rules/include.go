package rules

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// The limits of a raw message in the document of a webhook, in octets.
const (
	DefaultRaw = 1 << 20
	MaxRaw     = 25 << 20
)

// checkInclude checks what the document of a webhook is to have besides. Only the
// document of one message has room for it.
func (b *builder) checkInclude(a ActionSource, d *draftAction) {
	if len(a.Include) == 0 {
		return
	}
	endpoint := ""
	if len(a.Args) == 1 {
		endpoint = a.Args[0].Value
	}
	refuse := func(message, hint string) { b.problem(a.Include[0].Pos, Error, message, hint) }
	switch {
	case a.JSON != nil:
		refuse("include: stands beside json:", "json: is all that is sent: write what you need into it, as in ${body.text}")
	case slices.Contains(b.src.Presets, endpoint):
		refuse(fmt.Sprintf("the webhook %q has a preset, which makes its own document", endpoint), "use title: and body:")
	case slices.Contains(b.src.Gathering, endpoint):
		refuse(fmt.Sprintf("the webhook %q says many messages in one call, which has no room for them", endpoint), "give it no digest: and no debounce:, or call another endpoint")
	}
	for _, word := range a.Include {
		b.checkIncluded(word, d)
	}
	if slices.Contains(d.message.include, actions.IncludeRaw) {
		d.message.rawLimit = DefaultRaw
		if a.RawLimit > 0 {
			d.message.rawLimit = min(a.RawLimit, MaxRaw)
		}
	}
}

func (b *builder) checkIncluded(word Text, d *draftAction) {
	known := actions.Included()
	switch {
	case !slices.Contains(known, word.Value):
		b.problem(word.Pos, Error, fmt.Sprintf("there is nothing %q to include", word.Value), cmpOr(didYouMean(word.Value, known), "known here: "+strings.Join(known, ", ")))
	case slices.Contains(d.message.include, word.Value):
		b.problem(word.Pos, Error, fmt.Sprintf("%q is included twice", word.Value), "keep one of them")
	default:
		d.message.include = append(d.message.include, word.Value)
	}
}

// wantsWhole has the whole message recorded with an action that needs nothing of the
// server when it is done. One that is larger than [MaxRaw] fails.
func (m *message) wantsWhole() { m.include, m.rawLimit = []string{actions.IncludeRaw}, MaxRaw }

// CallNeeds is what must be known of a message for some actions to hand over what they
// are to.
func CallNeeds(items []actions.Item) Needs {
	var out Needs
	for _, item := range items {
		out = out.and(includeNeeds(item.Action.Include, item.Action.RawLimit))
	}
	return out
}

func includeNeeds(include []string, rawLimit int) Needs {
	var out Needs
	for _, word := range include {
		switch word {
		case actions.IncludeHeaders:
			out.WholeHeader = true
		case actions.IncludeText:
			out.Contents = []facts.Content{facts.TextContent}
		case actions.IncludeAttachments:
			out.Structure = true
		case actions.IncludeRaw:
			out.Raw = rawLimit
		}
	}
	return out
}

// includes is what a rule needs for its calls, and for nothing else.
func (d *draft) includes() Needs {
	var out Needs
	for _, a := range d.actions {
		out = out.and(includeNeeds(a.message.include, a.message.rawLimit))
	}
	return out
}
