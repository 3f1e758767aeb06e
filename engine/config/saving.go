package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// saving reads a save_attachments with settings, as in {to: /srv/invoices, if: not inline}.
func (l *loader) saving(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	l.mapping(n, "saving", fields{
		"to":   func(_, n *strictyaml.Node) { a.Args = l.texts(n) },
		"name": func(_, n *strictyaml.Node) { a.Name, _ = l.scalar(n) },
		"if":   func(_, n *strictyaml.Node) { a.Only, _ = l.scalar(n) },
		"max_file": func(_, n *strictyaml.Node) {
			if v, ok := l.octets(n); ok {
				a.MaxFile = int64(v)
			}
		},
	})
	if n.Get("to") == nil {
		l.problem(kind, "save_attachments does not say where to", "as in {to: /srv/invoices, if: not inline}")
	}
	return a, len(l.diags) == before
}

// warnOfFolder says where the folder of an action is missing. It may come yet: until
// then nothing is saved, and the message stays.
func (l *loader) warnOfFolder(a rules.ActionSource) {
	if actions.Kind(a.Kind.Value) != actions.SaveAttachments || len(a.Args) != 1 || !filepath.IsAbs(a.Args[0].Value) || strings.Contains(a.Args[0].Value, "${") {
		return
	}
	info, err := os.Stat(a.Args[0].Value)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		l.warn(l.refs[a.Args[0].Pos].node, "the folder is not there: "+plainPathError(err), "make it; until then nothing is saved, and the message stays")
	}
}

// wantedSaving is what a test wants to be saved: what the message says is written out
// in its pattern, and ${} is about the attachment.
func wantedSaving(src rules.ActionSource) (*actions.Saving, error) {
	out := &actions.Saving{To: src.Args[0].Value, If: src.Only.Value, MaxFile: src.MaxFile}
	pieces, err := rules.Pieces(src.Name.Value)
	for _, p := range pieces {
		piece := actions.NamePiece{Text: p.Text}
		if p.IsExpression {
			piece = actions.NamePiece{Each: p.Text}
		}
		out.Name = append(out.Name, piece)
	}
	return out, err
}

// writtenSaving is what is saved as YAML has it.
func writtenSaving(s *actions.Saving) string {
	if len(s.Name) == 0 && s.If == "" && s.MaxFile == 0 {
		return quoted(s.To)
	}
	out := "{to: " + quoted(s.To)
	if len(s.Name) > 0 {
		name := ""
		for _, p := range s.Name {
			if p.Each != "" {
				name += "${" + p.Each + "}"
			}
			name += strings.ReplaceAll(p.Text, "${", "$${")
		}
		out += ", name: " + quoted(name)
	}
	if s.If != "" {
		out += ", if: " + quoted(s.If)
	}
	if s.MaxFile != 0 {
		out += fmt.Sprintf(", max_file: %d", s.MaxFile)
	}
	return out + "}"
}
