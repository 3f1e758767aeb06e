package engine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/actions/attachment"
	"imapilot/actions/webhook"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// errNoFolder is why nothing is saved where only a journal says so.
var errNoFolder = errors.New("no rule saves attachments there any more")

// saveAttachments saves those attachments of a message that a step asks for. What is to
// be saved was recorded with the step; that its folder is one is the word of the
// configuration in force.
func (o *outbox) saveAttachments(ctx context.Context, s *actions.Saving, raw []byte) webhook.Result {
	if s == nil || raw == nil {
		return webhook.Result{Err: errNoRaw}
	}
	if !o.account.savesInto(s.To) {
		return webhook.Result{Err: unsent{fmt.Errorf("%s: %w", shown(s.To), errNoFolder)}, Retry: true}
	}
	asked, err := newAsked(s)
	if err != nil {
		return webhook.Result{Err: err}
	}
	folder := attachment.Folder{Path: s.To, MaxFile: cmp.Or(s.MaxFile, rules.MaxRaw)}
	if len(s.Name) > 0 {
		folder.Name = asked.name
	}
	saved, err := o.account.engine.opts.Save(ctx, folder, bytes.NewReader(raw), asked.wants)
	err = errors.Join(asked.failed, err)
	return webhook.Result{
		Err: oneLine(err), Body: savedText(s.To, saved.Files),
		Retry: attachment.Temporary(err) || errors.Is(err, attachment.ErrNoFolder) || ctx.Err() != nil,
	}
}

// savesInto reports whether a rule in force names a folder.
func (a *account) savesInto(folder string) bool {
	ruleset, _ := a.current()
	return slices.ContainsFunc(ruleset.Rules(), func(r rules.Rule) bool { return slices.Contains(r.Folders, folder) })
}

// savingID tells one saving from another.
func savingID(s *actions.Saving) []byte {
	id, err := json.Marshal(s)
	if err != nil {
		panic(err) // it has texts and numbers only
	}
	return id
}

// asked is what a step asks of each attachment.
type asked struct {
	pieces []actions.NamePiece
	each   []*rules.Each // of the pieces, nil for a text
	only   *rules.Each   // nil for all
	failed error         // why it could not be told of one
}

func newAsked(s *actions.Saving) (*asked, error) {
	out := &asked{pieces: s.Name, each: make([]*rules.Each, len(s.Name))}
	for i, p := range s.Name {
		if p.Each == "" {
			continue
		}
		e, err := rules.CompileEach(p.Each)
		if err != nil {
			return nil, fmt.Errorf("name: %w", err)
		}
		out.each[i] = e
	}
	if s.If == "" {
		return out, nil
	}
	e, err := rules.CompileEach(s.If)
	if err != nil {
		return nil, fmt.Errorf("if: %w", err)
	}
	out.only = e
	return out, nil
}

func (a *asked) wants(p attachment.Part) bool {
	if a.only == nil {
		return true
	}
	ok, err := a.only.True(facts.Attachment(p))
	if err != nil && a.failed == nil {
		a.failed = fmt.Errorf("if: %w", err)
	}
	return ok
}

func (a *asked) name(p attachment.Part) ([]attachment.Piece, error) {
	out := make([]attachment.Piece, len(a.pieces))
	for i, piece := range a.pieces {
		out[i] = attachment.Piece{Text: piece.Text, Mail: piece.Mail}
		if a.each[i] == nil {
			continue
		}
		text, err := a.each[i].Text(facts.Attachment(p))
		if err != nil {
			return nil, err
		}
		out[i] = attachment.Piece{Text: text, Mail: true}
	}
	return out, nil
}

// maxTold is how many octets say what was saved: what the journal keeps of an answer.
const maxTold = 512

// savedText says which files there are now, as many as there is room for.
func savedText(folder string, files []attachment.File) string {
	if len(files) == 0 {
		return "nothing to save"
	}
	out := "saved "
	for i, f := range files {
		text := filepath.Join(folder, filepath.FromSlash(f.Name))
		if f.Existed {
			text += " (it was there)"
		}
		if i > 0 {
			text = ", " + text
		}
		more := fmt.Sprintf(", and %d more", len(files)-i)
		switch room := maxTold - len(out) - len(more); {
		case len(text) > room && i == 0:
			return fmt.Sprintf("saved, %d in all", len(files))
		case len(text) > room:
			return out + more
		}
		out += text
	}
	return out
}

// oneLine is an error of several attachments as the journal keeps it.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	const most = 3
	text := strings.Join(lines[:min(len(lines), most)], "; ")
	if n := len(lines) - most; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return errors.New(text)
}
