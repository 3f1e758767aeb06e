package rules

import (
	"fmt"
	"regexp"
	"strings"

	"imapilot/actions"
)

// maxHeaderFields is how many header fields an append adds. Their values have at most
// maxTitle octets, the subject of a note too, and its body maxBody.
const maxHeaderFields = 8

// appending is what an append adds. Its numbers are places in the arguments of the
// action: the first is the mailbox, 0 is none. The last ones are the values of fields.
type appending struct {
	note          bool
	subject, body int
	names         []string
}

// checkAppend checks what an append adds, and adds its texts to the arguments.
func (b *builder) checkAppend(r RuleSource, a ActionSource, d *draftAction) {
	if d.kind != actions.AppendTo {
		return
	}
	d.appending.note = a.Subject != (Text{}) || a.Body != (Text{})
	message, hint := "", ""
	switch {
	case d.appending.note && len(a.Header) > 0:
		message, hint = "append has header: beside subject: or body:", "header: is for a copy of the message, subject: and body: make a note"
	case d.appending.note && a.Subject.Value == "":
		message, hint = "a note has a subject", `as in subject: "About ${subject}"`
	case !d.appending.note && len(a.Header) == 0:
		message, hint = "append does not say what", `write header: {X-Label: bills} for a copy of the message, or subject: and body: for a note; copy copies it as it is`
	case len(a.Header) > maxHeaderFields:
		message, hint = fmt.Sprintf("header: has more than %d fields", maxHeaderFields), ""
	}
	if message != "" {
		b.problem(a.Kind.Pos, Error, message, hint)
		return
	}
	d.appending.subject = b.addText(d, withRule(a.Subject, r))
	d.appending.body = b.addText(d, withRule(a.Body, r))
	for _, v := range a.Header {
		b.checkHeader(v.Name)
		d.appending.names = append(d.appending.names, v.Name.Value)
		d.args = append(d.args, b.checkArgument(withRule(v.Value, r)))
	}
}

// withRule puts the name of the rule into a text, where it says ${rule}.
func withRule(t Text, r RuleSource) Text {
	name := strings.ReplaceAll(r.Name.Value, "${", "$${")
	t.Value = regexp.MustCompile(`\$?\$\{ *rule *\}`).ReplaceAllStringFunc(t.Value, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found // a literal
		}
		return name
	})
	return t
}

// checkHeader refuses the name of a field that means something: who a message is from,
// where it goes, and what it is, must stay what it was.
func (b *builder) checkHeader(name Text) {
	own := regexp.MustCompile(`(?i)^(X-[a-z0-9-]+|Keywords|Comments)$`).MatchString(name.Value)
	switch {
	case strings.EqualFold(name.Value, actions.FieldID):
		b.problem(name.Pos, Error, name.Value+" is imapilot's own", "name it otherwise")
	case !own || len(name.Value) > 70:
		b.problem(name.Pos, Error, fmt.Sprintf("%q cannot be added to a message", name.Value), "use X- and letters, digits or dashes, as in X-Label; or Keywords, or Comments")
	}
}

// printed is what the hash of a rule has of it, beside the arguments.
func (p appending) printed() []string {
	if !p.note && len(p.names) == 0 {
		return nil
	}
	return append([]string{"append", fmt.Sprint(p.note, p.subject, p.body)}, p.names...)
}

// fill works out what is appended.
func (p appending) fill(r *run, args []template) (out *actions.Append, err error) {
	out = &actions.Append{Note: p.note}
	if p.subject > 0 {
		if out.Subject, err = args[p.subject].line(r); err != nil {
			return nil, err
		}
	}
	if p.body > 0 {
		if out.Body, err = args[p.body].fill(r, textOfBody); err != nil {
			return nil, err
		}
		out.Body = cutText(out.Body, maxBody)
	}
	values := args[len(args)-len(p.names):]
	for i, name := range p.names {
		value, err := values[i].line(r)
		if err != nil {
			return nil, err
		}
		out.Header = append(out.Header, actions.Field{Name: name, Value: value})
	}
	return out, nil
}

// printAppend shows an append as it was written.
func printAppend(a ActionSource) string {
	out := actions.Action{Kind: actions.AppendTo, Account: a.Account.Value, Mailbox: strings.Join(texts(a.Args), ", ")}
	out.Append = &actions.Append{Note: len(a.Header) == 0, Subject: a.Subject.Value}
	for _, v := range a.Header {
		out.Append.Header = append(out.Append.Header, actions.Field{Name: v.Name.Value, Value: v.Value.Value})
	}
	return out.String()
}
