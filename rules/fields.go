package rules

import (
	"slices"
	"strings"
	"time"

	"imapilot/rules/facts"
)

// Field is a fact that a rule can name.
type Field struct {
	Name, Type, Doc, Example string

	typ   typ
	needs Needs // what must be known of the message
	// first is set where only the first of its header fields is read.
	first bool
	// value reads it. It may give an error, which is that of the condition.
	value func(*snapshot) any
}

// Fields lists every fact of the language.
func Fields() []Field {
	out := slices.Concat(senderFields(), recipientFields(), whenFields(), headerFields(), threadFields(), listFields(),
		originFields(), bodyFields(), bounceFields(), historyFields(), flagFields(), gmailFields(), placeFields())
	for i := range out {
		out[i].Type = out[i].typ.String()
	}
	return out
}

func whenFields() []Field {
	return []Field{
		{Name: "sent", typ: typ{kind: timeKind}, needs: fromHeader("Date").and(Needs{Dated: true}), Doc: "When it says that it was sent (Date); received where it does not say (RFC 5256).", Example: `sent < date("2020-01-01")`,
			value: func(s *snapshot) any { return s.message.Sent() }},
		{Name: "received", typ: typ{kind: timeKind}, needs: Needs{Dated: true}, Doc: "When the server took it in (INTERNALDATE), whatever its Date says.", Example: `weekday(received) in ["Saturday", "Sunday"]`,
			value: func(s *snapshot) any { return s.message.Received }},
		{Name: "age", typ: typ{kind: durationKind}, needs: Needs{Dated: true}, Doc: "How long ago the server took it in.", Example: `age > days(30)`,
			value: func(s *snapshot) any { return s.now.Sub(s.message.Received) }},
		{Name: "size", typ: typ{kind: numberKind}, needs: Needs{Dated: true}, Doc: "Its size in octets (bytes), attachments included.", Example: `size > mb(10)`,
			value: func(s *snapshot) any { return int(s.message.Size) }},
	}
}

func flagFields() []Field {
	out := []Field{{Name: "flags", typ: listOf(textKind), Doc: "Its flags and keywords. A backslash in double quotes is written twice.", Example: `"$Invoice" in flags`,
		value: func(s *snapshot) any { return s.flags() }}}
	for _, flag := range []string{"seen", "flagged", "answered", "draft", "deleted"} {
		doc := `Whether it has \` + strings.ToUpper(flag[:1]) + flag[1:] + "."
		if flag == "deleted" {
			doc += " Only a rule that names this field looks at such messages at all."
		}
		out = append(out, Field{Name: flag, typ: typ{kind: boolKind}, Doc: doc, Example: "not " + flag,
			value: func(s *snapshot) any { return hasFlag(s.message.Flags, `\`+flag) }})
	}
	return out
}

func placeFields() []Field {
	text := typ{kind: textKind}
	return []Field{
		{Name: "mailbox", typ: text, Doc: `The mailbox that it is in, "/" between levels.`, Example: `mailbox startsWith "Lists/"`,
			value: func(s *snapshot) any { return s.mailbox }},
		{Name: "account", typ: text, Doc: "The account that it is in, by its name in the configuration.", Example: `account == "home"`,
			value: func(s *snapshot) any { return s.account.Name }},
	}
}

// fromHeader is what a fact needs that is read from these fields.
func fromHeader(fields ...string) Needs {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = canonicalHeader(f)
	}
	return Needs{HeaderFields: sortedSet(names)}
}

// snapshot is what the facts of one message are read from.
type snapshot struct {
	message *facts.Message
	header  *facts.Header // of the message
	mailbox string
	account AccountSource
	now     time.Time

	// What several facts are read from is worked out once.
	results    facts.Auth
	hasResults bool

	attachment map[string]any // the only one that is asked about, see Each
}

// newSnapshot is what rules see of a message; room is where its header lies.
func newSnapshot(in Input, account AccountSource, room *facts.Header) snapshot {
	return snapshot{message: in.Message, header: in.Message.Header.RememberIn(room), mailbox: in.Mailbox.Name, account: account, now: in.Now}
}

func (s *snapshot) from() facts.Address {
	if list := s.header.Addresses("From"); len(list) > 0 {
		return list[0]
	}
	return facts.Address{}
}

// read gives the value of a fact, or the error where it is not all there.
func (s *snapshot) read(f *fact) any {
	if len(f.needs.HeaderFields) > 0 || f.needs.WholeHeader {
		if err := s.cut(f); err != nil {
			return err
		}
	}
	return f.value(s)
}

// cut is why the fact may not be all there. Of a fact that reads the first
// field alone, whoever wrote the message cannot hide it behind others.
func (s *snapshot) cut(f *fact) error {
	if f.first && len(f.needs.HeaderFields) == 1 {
		return s.header.CutFirst(f.needs.HeaderFields[0])
	}
	return s.header.Cut(f.needs.HeaderFields...)
}

// auth reads the results of the servers that the account trusts.
func (s *snapshot) auth() facts.Auth {
	if !s.hasResults {
		s.hasResults, s.results = true, s.header.Auth(s.account.TrustedAuthserv)
	}
	return s.results
}

func (s *snapshot) flags() []string {
	out := make([]string, len(s.message.Flags))
	for i, f := range s.message.Flags {
		out[i] = string(f)
	}
	return out
}
