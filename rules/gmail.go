package rules

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// maxLabel is how many octets the name of a label has at most, levels included.
const maxLabel = 225

// maxGmailSearch is how many octets a search in Gmail's own words has at most.
const maxGmailSearch = 1500

func gmailFields() []Field {
	need := Needs{Gmail: true}
	text := func(name, doc, example string, get func(*facts.Gmail) string) Field {
		return Field{Name: "gmail." + name, typ: typ{kind: textKind}, needs: need, Doc: doc, Example: example,
			value: func(s *snapshot) any { return get(s.message.Gmail) }}
	}
	return []Field{
		{Name: "gmail.labels", typ: listOf(textKind), needs: need, Doc: `Its labels, but for the one of the mailbox that it is looked at in. System labels begin with a backslash: \Inbox, \Important, \Starred, \Sent.`,
			Example: `"Work" in gmail.labels or "\\Important" in gmail.labels`, value: func(s *snapshot) any { return s.message.Gmail.Labels }},
		text("thread_id", "The number of its conversation.", `gmail.thread_id == "1278455344230334865"`, func(g *facts.Gmail) string { return g.ThreadID }),
		text("message_id", "The number of the message, the same in all its mailboxes.", `gmail.message_id == "1278455344230334866"`, func(g *facts.Gmail) string { return g.MessageID }),
	}
}

// usableLabels are the system labels that a rule may add and remove. \Starred is the flag
// \Flagged under another name: it is changed under one, so that nothing is missed of it.
func usableLabels() []string { return []string{`\Important`} }

// literalLabel gives a label that is written out, or says what is wrong with it.
func literalLabel(name string) (label, message, hint string) {
	head, _, _ := strings.Cut(name, "/")
	switch {
	case strings.HasPrefix(name, `\`):
		return systemLabel(name)
	case isReserved(head):
		return "", fmt.Sprintf("%q is Gmail's own", name), `use \Important, or the actions archive, trash and junk`
	case strings.EqualFold(head, "INBOX"):
		return systemLabel(`\Inbox`)
	case strings.HasPrefix(strings.ToLower(name), "role:"):
		return "", "a label has no role", "write its name, as in Work"
	case len(name) > maxLabel:
		return "", fmt.Sprintf("the label is longer than %d octets", maxLabel), ""
	}
	message, hint = literalMailbox(name, true)
	if message = strings.NewReplacer("the mailbox name", "the label", "a target is one mailbox", "a label is one name").Replace(message); message != "" {
		return "", message, hint
	}
	return name, "", ""
}

// systemLabel is literalLabel for a name that begins with a backslash.
func systemLabel(name string) (label, message, hint string) {
	for _, known := range usableLabels() {
		if strings.EqualFold(known, name) {
			return known, "", ""
		}
	}
	hint = map[string]string{
		`\inbox`: "to take a message out of the inbox use archive, to bring it there move: INBOX", `\trash`: "use trash", `\spam`: "use junk",
		`\seen`:    "use add_flags and remove_flags",
		`\starred`: `it is the flag \Flagged: use add_flags and remove_flags`, `\flagged`: "use add_flags and remove_flags",
	}[strings.ToLower(name)]
	return "", fmt.Sprintf("%q is no label that a rule can change", name), cmpOr(hint, cmpOr(didYouMean(name, usableLabels()), `it can be \Important, or a label of your own, without a backslash`))
}

// isReserved reports whether a level of a name is the one below which Gmail keeps its
// system labels, in whatever language.
func isReserved(head string) bool {
	return strings.EqualFold(head, "[Gmail]") || strings.EqualFold(head, "[Google Mail]")
}

// checkLabel checks what is written out of a label.
func (b *builder) checkLabel(r RuleSource, kind actions.Kind, arg draftArgument, literal string, whole bool) {
	if !whole {
		if strings.HasPrefix(arg.segments[0].literal, `\`) {
			b.problem(arg.text.Pos, Error, "a system label cannot hold ${}", `write it out, as in \Important`)
			return
		}
		b.checkMailbox(arg, literal, whole)
		return
	}
	label, message, hint := literalLabel(literal)
	if message == "" && kind == actions.RemoveLabels && slices.ContainsFunc(r.in(), func(in string) bool { return strings.EqualFold(in, label) }) {
		message, hint = fmt.Sprintf("this would take the message out of %s, at which the rule looks", label), "use archive, or move"
	}
	if message != "" {
		b.problem(arg.text.Pos, Error, message, hint)
	}
}

// label gives a label. A system label can only be meant by the user, so that a value
// that looks like the beginning of one is made different.
func (t template) label(r *run) (string, error) {
	if len(t.parts) == 1 && t.parts[0].program == nil {
		return t.parts[0].literal, nil
	}
	name, err := t.mailbox(r)
	if err != nil {
		return "", err
	}
	if head, _, _ := strings.Cut(name, "/"); isReserved(head) && t.parts[0].program != nil {
		name = "_" + name[1:]
	}
	if len(name) > maxLabel {
		return "", fmt.Errorf("the label is longer than %d octets", maxLabel)
	}
	return name, nil
}

// labels works out the labels of an action, each once. A message has the label of the
// mailbox that it is in already.
func (r *run) labels(c *compiledAction) (out []string, err error) {
	for _, t := range c.args {
		label, err := t.label(r)
		if err != nil {
			return nil, err
		}
		here := c.kind == actions.AddLabels && strings.EqualFold(label, r.in.Mailbox.Name)
		if !here && !actions.HasLabel(out, label) {
			out = append(out, label)
		}
	}
	return out, nil
}

// literalLabels are the mailboxes of the labels that an action adds, as far as they are
// written out.
func (a draftAction) literalLabels() []string {
	var out []string
	for _, arg := range a.args {
		if name, whole := literalOf(arg.segments); whole && !strings.HasPrefix(name, `\`) {
			out = append(out, name)
		}
	}
	return out
}

// checkSearch checks what is searched for in Gmail's own words. Only a rule on a clock
// looks at mail that is there, which is what one can search.
func (b *builder) checkSearch(r RuleSource) {
	q := r.GmailSearch
	if q == (Text{}) {
		return
	}
	switch {
	case r.On != OnSchedule:
		b.problem(q.Pos, Error, "only a rule on a clock can search: one for mail that arrives is asked about each message as it comes", "give the rule on: {cron: '0 3 * * *'}, or say it in if:")
	case strings.TrimSpace(q.Value) == "":
		b.problem(q.Pos, Error, "the search is empty", "as in search: {gmail: 'older_than:30d category:promotions'}")
	case len(q.Value) > maxGmailSearch:
		b.problem(q.Pos, Error, fmt.Sprintf("the search is longer than %d octets", maxGmailSearch), "")
	case strings.ContainsFunc(q.Value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		b.problem(q.Pos, Error, "the search has a control character in it", "write it on one line")
	case strings.Contains(q.Value, "${"):
		b.problem(q.Pos, Error, "a search cannot hold ${}", "the search comes before any message is looked at; say the rest in if:")
	}
}
