package actions

import (
	"errors"
	"slices"
	"strings"
)

// Append is what append adds to a mailbox: a copy of the message with header fields at
// its top, or a note of our own about it.
type Append struct {
	// Header are the fields of a copy, in their order, as they were written.
	Header []Field `json:"header,omitempty"`
	// Note says that it is one; Subject and Body are what it says, the body in lines
	// that end with \n.
	Note    bool   `json:"note,omitempty"`
	Subject string `json:"subject,omitempty"`
	Body    string `json:"body,omitempty"`
}

// Field is a header field (RFC 5322 section 2.2). Its value is one line of text.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func appendSpec() Spec {
	return Spec{
		Kind: AppendTo, Arg: ArgAppend, Phase: PhaseCopy,
		Doc: "Add a message to another mailbox, which is created when missing, or to the one with a role: a copy with header: fields at its top, or a note with subject: and body:. " +
			"With account: NAME to one of another account.",
		Needs:   "APPEND, at most 64 MiB a message. UIDPLUS proves it; without it the target is searched after a crash for the X-Imapilot-Id that each has.",
		Example: `append: {to: Notes, subject: 'Paid: ${subject}', body: 'by ${from.address}'}`,
		apply:   appendMessages,
	}
}

// appendMessages adds something for each message, one after the other. A plain OK
// counts where nobody tells the UID: nothing is removed on its word.
func appendMessages(r request) ([]Outcome, error) {
	out := r.all(Done)
	for i, ref := range r.refs {
		uid, err := r.mailbox.Append(r.ctx, ref, r.action)
		switch {
		case errors.Is(err, ErrGone):
			out[i].State = Gone
		case err != nil:
			return out[:i], err
		}
		out[i].Target = uid
	}
	return out, nil
}

// equal reports whether two appends add the same.
func (a *Append) equal(b *Append) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Note == b.Note && a.Subject == b.Subject && a.Body == b.Body && slices.EqualFunc(a.Header, b.Header, func(f, g Field) bool {
		return strings.EqualFold(f.Name, g.Name) && f.Value == g.Value
	})
}

// shownAppend is an append as the configuration would spell it, but for the body.
func (a Action) shownAppend() string {
	out := "to: " + a.Mailbox
	if a.Account != "" {
		out = "account: " + a.Account + ", " + out
	}
	switch {
	case a.Append == nil:
	case a.Append.Note:
		out += ", subject: " + a.Append.Subject
	default:
		var fields []string
		for _, f := range a.Append.Header {
			fields = append(fields, f.Name+": "+f.Value)
		}
		out += ", header: {" + strings.Join(fields, ", ") + "}"
	}
	return "{" + out + "}"
}
