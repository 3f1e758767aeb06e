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
	// value reads it. It may give an error, which is that of the condition.
	value func(*snapshot) any
}

// Fields lists every fact of the language.
func Fields() []Field {
	out := slices.Concat(senderFields(), recipientFields(), contentFields(), flagFields(), placeFields())
	for i := range out {
		out[i].Type = out[i].typ.String()
	}
	return out
}

func senderFields() []Field {
	from := func(get func(facts.Address) string) func(*snapshot) any {
		return func(s *snapshot) any { return get(s.from()) }
	}
	text := typ{kind: textKind}
	return []Field{
		{Name: "from.address", typ: text, needs: fromHeader("From"), Doc: "The first address of From.", Example: `from.address == "ann@example.org"`,
			value: from(func(a facts.Address) string { return a.Address })},
		{Name: "from.domain", typ: text, needs: fromHeader("From"), Doc: `Its part after the "@".`, Example: `from.domain in ["stripe.com", "hetzner.com"]`,
			value: from(func(a facts.Address) string { return a.Domain })},
		{Name: "from.local", typ: text, needs: fromHeader("From"), Doc: `Its part before the "@".`, Example: `from.local startsWith "noreply"`,
			value: from(func(a facts.Address) string { return a.Local })},
		{Name: "from.name", typ: text, needs: fromHeader("From"), Doc: "The name that stands with it, decoded.", Example: `from.name contains "GitHub"`,
			value: from(func(a facts.Address) string { return a.Name })},
	}
}

func recipientFields() []Field {
	addresses := listOf(addressKind)
	return []Field{
		{Name: "to", typ: addresses, needs: fromHeader("To"), Doc: "The addresses of To, each with .address, .domain, .local and .name.", Example: `any(to, .address == "me@example.org")`,
			value: func(s *snapshot) any { return s.addresses("To") }},
		{Name: "cc", typ: addresses, needs: fromHeader("Cc"), Doc: "The addresses of Cc.", Example: `len(cc) > 10`,
			value: func(s *snapshot) any { return s.addresses("Cc") }},
	}
}

func contentFields() []Field {
	text := typ{kind: textKind}
	list := func(get func(*facts.Header) string) func(*snapshot) any {
		return func(s *snapshot) any { return get(s.message.Header) }
	}
	return []Field{
		{Name: "subject", typ: text, needs: fromHeader("Subject"), Doc: "The subject, decoded.", Example: `has(subject, "invoice", "receipt")`,
			value: list((*facts.Header).Subject)},
		{Name: "list.id", typ: text, needs: fromHeader("List-ID"), Doc: `The identifier of the mailing list (RFC 2919), "" if there is none.`, Example: `list.id endsWith ".debian.org"`,
			value: list((*facts.Header).ListID)},
		{Name: "list.name", typ: text, needs: fromHeader("List-ID"), Doc: "The first label of list.id.", Example: "move: Lists/${list.name}",
			value: list((*facts.Header).ListName)},
		{Name: "list.title", typ: text, needs: fromHeader("List-ID"), Doc: "The title of the list, decoded.", Example: `list.title contains "announce"`,
			value: list((*facts.Header).ListTitle)},
		{Name: "sent", typ: typ{kind: timeKind}, needs: fromHeader("Date"), Doc: "When it says that it was sent (Date); received where it does not say (RFC 5256).", Example: `sent < date("2020-01-01")`,
			value: func(s *snapshot) any { return s.message.Sent() }},
		{Name: "received", typ: typ{kind: timeKind}, Doc: "When the server took it in (INTERNALDATE).", Example: `weekday(received) in ["Saturday", "Sunday"]`,
			value: func(s *snapshot) any { return s.message.Received }},
		{Name: "age", typ: typ{kind: durationKind}, Doc: "The time since received.", Example: `age > days(30)`,
			value: func(s *snapshot) any { return s.now.Sub(s.message.Received) }},
		{Name: "size", typ: typ{kind: numberKind}, Doc: "Its size in octets.", Example: `size > mb(10)`,
			value: func(s *snapshot) any { return int(s.message.Size) }},
	}
}

func flagFields() []Field {
	out := []Field{{Name: "flags", typ: listOf(textKind), Doc: "Its flags and keywords.", Example: `"$Invoice" in flags`,
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
		{Name: "account", typ: text, Doc: "The account that it is in.", Example: `account == "home"`,
			value: func(s *snapshot) any { return s.account.Name }},
	}
}

// fromHeader is what a fact needs that is read from these fields.
func fromHeader(fields ...string) Needs {
	for i, f := range fields {
		fields[i] = canonicalHeader(f)
	}
	return Needs{HeaderFields: sortedSet(fields)}
}

// snapshot is what the facts of one message are read from.
type snapshot struct {
	message *facts.Message
	mailbox string
	account AccountSource
	now     time.Time

	sender    facts.Address
	hasSender bool
}

func (s *snapshot) from() facts.Address {
	if !s.hasSender {
		s.hasSender, s.sender = true, facts.Address{}
		if list := s.message.Header.Addresses("From"); len(list) > 0 {
			s.sender = list[0]
		}
	}
	return s.sender
}

// addresses gives each part also in its folded form, under its name and "~".
func (s *snapshot) addresses(header string) []map[string]string {
	list := s.message.Header.Addresses(header)
	out := make([]map[string]string, len(list))
	for i, a := range list {
		out[i] = map[string]string{
			"address": a.Address, "domain": a.Domain, "local": a.Local, "name": a.Name,
			"address~": fold(a.Address), "domain~": fold(a.Domain), "local~": fold(a.Local), "name~": fold(a.Name),
		}
	}
	return out
}

func (s *snapshot) flags() []string {
	out := make([]string, len(s.message.Flags))
	for i, f := range s.message.Flags {
		out[i] = string(f)
	}
	return out
}
