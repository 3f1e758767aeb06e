package actions

import (
	"slices"
	"strings"
)

// Saving says which attachments of a message are saved, and where.
type Saving struct {
	// To is the absolute path of a folder that exists.
	To string `json:"to"`
	// Name is the pattern of the path of each file below it, empty for the
	// attachment's own name.
	Name []NamePiece `json:"name,omitempty"`
	// If is an expression about each attachment, "" for all of them.
	If string `json:"if,omitempty"`
	// MaxFile is the most octets of one file, 0 for the default of package
	// actions/attachment.
	MaxFile int64 `json:"max_file,omitempty"`
}

// NamePiece is a piece of a pattern: a text, or an expression about the attachment.
type NamePiece struct {
	// Text goes down into a folder where it holds "/", unless it is Mail: what a
	// message says.
	Text string `json:"text,omitempty"`
	Mail bool   `json:"mail,omitempty"`
	// Each is the expression.
	Each string `json:"each,omitempty"`
}

// String prints it on one line that is safe on a terminal, in the short form where
// that says all.
func (s *Saving) String() string {
	if s == nil {
		return ""
	}
	if len(s.Name) == 0 && s.If == "" {
		return word(s.To)
	}
	out := []string{"to: " + word(s.To)}
	if len(s.Name) > 0 {
		out = append(out, "name: "+word(s.pattern()))
	}
	if s.If != "" {
		out = append(out, "if: "+word(s.If))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// pattern is Name as the configuration spells it.
func (s *Saving) pattern() string {
	var out strings.Builder
	for _, p := range s.pieces() {
		if p.Each != "" {
			out.WriteString("${" + p.Each + "}")
		}
		out.WriteString(p.Text)
	}
	return out.String()
}

// pieces are those of Name without what tells where a text came from.
func (s *Saving) pieces() []NamePiece {
	var out []NamePiece
	for _, p := range s.Name {
		p.Mail = false
		if n := len(out); n > 0 && p.Each == "" && out[n-1].Each == "" {
			out[n-1].Text += p.Text
			continue
		}
		out = append(out, p)
	}
	return out
}

// equal reports whether two save the same files under the same names.
func (s *Saving) equal(o *Saving) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.To == o.To && s.If == o.If && s.MaxFile == o.MaxFile && slices.Equal(s.pieces(), o.pieces())
}
