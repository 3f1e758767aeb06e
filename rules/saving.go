package rules

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"imapilot/actions"
)

// The limits of what save_attachments is told.
const (
	maxFolder    = 1000 // octets of the folder, and of the pattern
	maxNameParts = 20   // expressions of the pattern
	maxNameValue = 120  // octets of one value from a message
	maxLevels    = 8    // folders of the pattern
)

// saving says how the arguments of save_attachments make what is saved. The first of
// them is the folder.
type saving struct {
	name    []savingPiece
	only    string
	maxFile int64
}

// savingPiece is a piece of the pattern of names: a text, the place of an argument, or
// an expression about the attachment.
type savingPiece struct {
	text string
	arg  int
	each string
}

// checkSaving checks what save_attachments is told, and adds the values of its pattern
// to the arguments.
func (b *builder) checkSaving(a ActionSource, d *draftAction) {
	if d.kind.Spec().Arg != actions.ArgFolder {
		return
	}
	b.checkAllowed(a)
	b.checkFolder(a.Args[0])
	d.saving.maxFile = a.MaxFile
	if a.Only != (Text{}) {
		d.saving.only = a.Only.Value
		if e := b.each(a.Only.Value, a.Only.Pos, 0); e.node != nil && !e.typ.fits(typ{kind: boolKind}) {
			b.problem(a.Only.Pos, Error, fmt.Sprintf("the condition must be true or false, this is %s", e.typ), `compare it with something, as in type == "application/pdf"`)
		}
	}
	b.checkPattern(a.Name, d)
	d.message.wantsWhole()
}

func (b *builder) checkFolder(to Text) {
	switch {
	case strings.Contains(to.Value, "${"):
		b.problem(to.Pos, Error, "the folder cannot hold ${}", "a message must not choose where files are written; name: makes folders below it")
	case !filepath.IsAbs(to.Value):
		b.problem(to.Pos, Error, fmt.Sprintf("the folder %q has no absolute path", to.Value), "as in /srv/invoices")
	case len(to.Value) > maxFolder || strings.ContainsFunc(to.Value, unicode.IsControl):
		b.problem(to.Pos, Error, fmt.Sprintf("this is no path: it has control characters, or more than %d octets", maxFolder), "")
	}
}

// checkPattern cuts the pattern of names into its pieces.
func (b *builder) checkPattern(name Text, d *draftAction) {
	segments, offsets, bad := split(name.Value)
	if bad != nil {
		b.add(name.Pos, 0, []issue{*bad})
		return
	}
	values := 0
	for i, s := range segments {
		if !s.isExpr {
			d.saving.name = append(d.saving.name, savingPiece{text: s.literal})
			continue
		}
		values++
		d.saving.name = append(d.saving.name, b.checkNameValue(name, s.text, offsets[i], d))
	}
	if len(name.Value) > maxFolder || values > maxNameParts {
		b.problem(name.Pos, Error, fmt.Sprintf("the name has more than %d octets, or more than %d values", maxFolder, maxNameParts), "")
	}
	b.checkLevels(name, d.saving.name)
}

// checkNameValue checks a value of the pattern: of the attachment, where it names one
// of its fields, else of the message.
func (b *builder) checkNameValue(name Text, text string, offset int, d *draftAction) savingPiece {
	if b.asksAttachment(text) {
		if e := b.each(text, name.Pos, offset); e.node != nil {
			b.checkPrintable(e, name.Pos, offset)
		}
		return savingPiece{each: text}
	}
	arg := draftArgument{text: name}
	if e := b.expression(text, name.Pos, offset); e.node != nil && b.checkPrintable(e, name.Pos, offset) {
		arg.segments = []segment{{isExpr: true, expression: e}}
	}
	d.args = append(d.args, arg)
	return savingPiece{arg: len(d.args) - 1}
}

// checkLevels checks the folders that are written out in a pattern.
func (b *builder) checkLevels(name Text, pieces []savingPiece) {
	var all strings.Builder
	for _, p := range pieces {
		if all.WriteString(p.text); p.text == "" {
			all.WriteString("x")
		}
	}
	levels := strings.Split(all.String(), "/")
	for i, level := range levels {
		if strings.Trim(level, ". ") == "" && (i < len(levels)-1 || level != "") {
			b.problem(name.Pos, Error, "a folder or a file of the name is empty, or only dots", `"/" separates folders below to:; a name that ends in "/" means the attachment's own there`)
			return
		}
	}
	if len(levels) > maxLevels+1 {
		b.problem(name.Pos, Error, fmt.Sprintf("the name has more than %d folders", maxLevels), "")
	}
}

// printed is what the hash of a rule has of it, beside the arguments.
func (s saving) printed() []string {
	if len(s.name) == 0 && s.only == "" && s.maxFile == 0 {
		return nil
	}
	out := []string{"saving", s.only, strconv.FormatInt(s.maxFile, 10)}
	for _, p := range s.name {
		out = append(out, p.text, strconv.Itoa(p.arg), p.each)
	}
	return out
}

// fill works out what is saved of a message. What it says has no separators and no
// control characters; the rest is cleaned when the name is made.
func (s saving) fill(r *run, args []template) (*actions.Saving, error) {
	out := &actions.Saving{To: args[0].parts[0].literal, If: s.only, MaxFile: s.maxFile}
	for _, p := range s.name {
		piece := actions.NamePiece{Text: p.text, Each: p.each}
		if p.arg > 0 {
			text, err := args[p.arg].fill(r, nameValue)
			if err != nil {
				return nil, fmt.Errorf("name: %w", err)
			}
			piece = actions.NamePiece{Text: text, Mail: true}
		}
		out.Name = append(out.Name, piece)
	}
	return out, nil
}

// nameValue makes a value a part of one name.
func nameValue(value string, _ bool) (string, error) {
	clean := strings.Map(func(c rune) rune {
		switch {
		case unicode.IsControl(c):
			return -1
		case c == '/' || c == '\\':
			return '_'
		}
		return c
	}, strings.ToValidUTF8(value, "\uFFFD"))
	return cutText(clean, maxNameValue), nil
}

// writtenSaving is what is saved, as it stands in the configuration.
func writtenSaving(a ActionSource, args []string) *actions.Saving {
	out := &actions.Saving{To: strings.Join(args, ", "), If: a.Only.Value, MaxFile: a.MaxFile}
	if a.Name.Value != "" {
		out.Name = []actions.NamePiece{{Text: a.Name.Value}}
	}
	return out
}
