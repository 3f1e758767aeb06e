package actions

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Letter is a message that an action sends.
type Letter struct {
	// To are the recipients of forward, of the configuration.
	To []string `json:"to,omitempty"`
	// Text is the answer of reply, or the note above what is forwarded, which may be "".
	Text string `json:"text,omitempty"`
	// Inline shows what is forwarded as part of the new message, in place of attaching it.
	Inline bool `json:"inline,omitempty"`
	// Anyway sends it for bulk and automatic mail, too.
	Anyway bool `json:"anyway,omitempty"`
	// Every is for how long one sender gets no second answer.
	Every time.Duration `json:"every,omitempty"`
}

// Letters reports whether an action of this kind sends a message.
func (k Kind) Letters() bool { return k == Forward || k == Reply }

// Tells gives what makes one letter another one than the next: two that tell the same
// are one to whoever asks whether it was sent. Of a forward the note does not count, of
// a reply not after how long the next is due.
func (l *Letter) Tells() []string {
	if l == nil {
		return nil
	}
	out := []string{strconv.FormatBool(l.Inline), strconv.FormatBool(l.Anyway)}
	if len(l.To) == 0 {
		return append(out, l.Text)
	}
	var to []string
	for _, a := range l.To {
		to = append(to, strings.ToLower(a))
	}
	slices.Sort(to)
	return append(out, slices.Compact(to)...)
}

func (l *Letter) equal(o *Letter) bool {
	return (l == nil) == (o == nil) && slices.Equal(l.Tells(), o.Tells())
}

// String prints a letter as the configuration would spell it, on one line that is safe
// on a terminal: the recipients, or the text, of which a long one ends in an ellipsis.
func (l *Letter) String() string {
	if l == nil {
		return ""
	}
	name, what := "text", text(l.Text)
	if len(l.To) > 0 {
		name, what = "to", recipients(l.To)
	}
	var more strings.Builder
	if l.Inline {
		more.WriteString(", inline: true")
	}
	if l.Anyway {
		more.WriteString(", anyway: true")
	}
	if more.Len() == 0 {
		return what
	}
	return "{" + name + ": " + what + more.String() + "}"
}

func recipients(to []string) string {
	out := make([]string, len(to))
	for i, a := range to {
		out[i] = word(a)
	}
	if len(out) == 1 {
		return out[0]
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// text is word, always in quotes.
func text(s string) string {
	if w := word(s); strings.HasPrefix(w, `"`) {
		return w
	}
	return strconv.Quote(s)
}
