package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"imapilot/actions"
)

// The limits of what forward and reply send.
const (
	maxRecipients  = 10
	maxAddress     = 254    // octets of a recipient
	maxLetter      = 20_000 // octets of a text as it is written
	maxLetterValue = 2000   // octets of one value in it
	maxLetterText  = 60_000 // octets of it with its values
	// answeredHeader is how much of a message is recorded to be answered: more than is
	// read of a header.
	answeredHeader = 256 << 10
)

// How often one sender is answered.
const (
	DefaultEvery = 7 * 24 * time.Hour
	MinEvery     = 24 * time.Hour
	MaxEvery     = 90 * 24 * time.Hour
)

// letter is how a message is forwarded or answered. The first arguments of a forward
// are its recipients, the argument of a reply is its text.
type letter struct {
	note           int // the place of the note in the arguments, 0 for none
	inline, anyway bool
	every          time.Duration
}

// checkLetter checks what a forward or a reply sends, and to whom.
func (b *builder) checkLetter(a ActionSource, d *draftAction) {
	switch d.kind {
	case actions.Forward:
		b.checkAllowed(a)
		b.checkRecipients(a.Args)
		b.checkLetterText(a.Letter.Note, false)
		d.letter.note = b.addText(d, a.Letter.Note)
		d.letter.inline = a.Letter.Inline
		d.message.wantsWhole()
	case actions.Reply:
		b.checkAllowed(a)
		b.checkLetterText(a.Args[0], true)
		d.letter.every = b.checkEvery(a)
		d.message.include, d.message.rawLimit = []string{actions.IncludeRaw}, answeredHeader
	}
	d.letter.anyway = a.Letter.Anyway
}

func (b *builder) checkRecipients(list []Text) {
	var seen []string
	for _, to := range list {
		local, domain, _ := strings.Cut(to.Value, "@")
		switch {
		case strings.Contains(to.Value, "${"):
			b.problem(to.Pos, Error, "a recipient cannot hold ${}", "a message must not choose where it is sent: write a rule for each address")
		case local == "" || domain == "" || len(to.Value) > maxAddress || strings.ContainsFunc(to.Value, notInAddress):
			b.problem(to.Pos, Error, fmt.Sprintf("%q is no mail address", to.Value), "as in ann@example.net, without a name")
		case slices.Contains(seen, strings.ToLower(to.Value)):
			b.problem(to.Pos, Error, fmt.Sprintf("%q is a recipient twice", to.Value), "keep one of them")
		}
		seen = append(seen, strings.ToLower(to.Value))
	}
}

func notInAddress(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()[],;:"\`, r)
}

// checkLetterText checks what stands in a text literally.
func (b *builder) checkLetterText(text Text, needed bool) {
	switch {
	case needed && strings.TrimSpace(text.Value) == "":
		b.problem(text.Pos, Error, "the answer is empty", "as in "+actions.Reply.Spec().Example)
	case len(text.Value) > maxLetter:
		b.problem(text.Pos, Error, fmt.Sprintf("the text is longer than %d octets", maxLetter), "")
	case strings.ContainsFunc(text.Value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		b.problem(text.Pos, Error, "the text holds a control character", "")
	}
}

func (b *builder) checkEvery(a ActionSource) time.Duration {
	every := a.Letter.Every
	if every == 0 {
		return DefaultEvery
	}
	if every < MinEvery || every > MaxEvery {
		b.problem(a.Kind.Pos, Error, "every: is not from 1d to 90d", "nobody wants an automatic answer more than once a day")
	}
	return every
}

// printed is what the hash of a rule has of it, beside the arguments.
func (l letter) printed() []string {
	if l == (letter{}) {
		return nil
	}
	return []string{"letter", fmt.Sprint(l.note, l.inline, l.anyway, l.every)}
}

// printLetter shows a forward or a reply as it was written.
func printLetter(a ActionSource) string {
	out := &actions.Letter{Inline: a.Letter.Inline, Anyway: a.Letter.Anyway}
	if actions.Kind(a.Kind.Value) == actions.Reply {
		out.Text = strings.Join(texts(a.Args), ", ")
	} else {
		out.To = texts(a.Args)
	}
	return actions.Action{Kind: actions.Kind(a.Kind.Value), Letter: out}.String()
}

// fill works out what is sent. Values are of one line and bounded.
func (l letter) fill(r *run, kind actions.Kind, args []template) (*actions.Letter, error) {
	out := &actions.Letter{Inline: l.inline, Anyway: l.anyway, Every: l.every}
	if kind == actions.Forward {
		to := args
		if l.note > 0 {
			to = args[:l.note]
		}
		for _, t := range to {
			out.To = append(out.To, t.literal())
		}
		if l.note == 0 {
			return out, nil
		}
	}
	var err error
	out.Text, err = args[l.note].fill(r, func(value string, _ bool) (string, error) {
		return cutText(strings.Map(spaceForControl, strings.ToValidUTF8(value, "\uFFFD")), maxLetterValue), nil
	})
	out.Text = cutText(out.Text, maxLetterText)
	return out, err
}

// literal is the text of an argument without expressions.
func (t template) literal() string {
	var out strings.Builder
	for _, p := range t.parts {
		out.WriteString(p.literal)
	}
	return out.String()
}

func spaceForControl(c rune) rune {
	if unicode.IsControl(c) {
		return ' '
	}
	return c
}
