package webhook

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
)

// Version is the version of the document. Fields may be added under the same
// version; a change of meaning gets a new one.
const Version = 1

// Message is the document that is posted: what is known of a message and what
// the rules planned for it when the call was recorded.
type Message struct {
	Version int `json:"version"`
	// ID is the webhook-id: the same in every attempt.
	ID      string `json:"id"`
	Rule    string `json:"rule"`
	Account string `json:"account"`
	// Mailbox, UIDValidity and UID say where the message was when it was
	// decided (RFC 9051 section 2.3.1.1).
	Mailbox     string    `json:"mailbox"`
	UIDValidity uint32    `json:"uidvalidity"`
	UID         uint32    `json:"uid"`
	From        []Address `json:"from"`
	To          []Address `json:"to"`
	Subject     string    `json:"subject"`
	// Sent is the Date field, left out when it is missing or malformed;
	// Received is the INTERNALDATE.
	Sent      time.Time `json:"sent,omitzero"`
	Received  time.Time `json:"received"`
	MessageID string    `json:"message_id"`
	Size      int64     `json:"size"` // RFC822.SIZE in bytes
	Flags     []string  `json:"flags"`
	// Planned are the actions of all rules on this message, in the order of
	// apply, as the configuration spells them.
	Planned []string `json:"planned"`
	// Title and Body are what the rule says to people, if it does.
	Title string `json:"title,omitempty"`
	Body  string `json:"body,omitempty"`
	// Result says where the message is after everything that was done to it. It is
	// there in a call that waited for that.
	Result *Place `json:"result,omitempty"`
	Included
}

// Place is where a message is (RFC 9051 section 2.3.1.1). Mailbox is "" when it was
// expunged; UIDValidity and UID are 0 where the server did not tell them.
type Place struct {
	// Account is set when it is in another account than that of the call.
	Account     string `json:"account,omitempty"`
	Mailbox     string `json:"mailbox"`
	UIDValidity uint32 `json:"uidvalidity,omitempty"`
	UID         uint32 `json:"uid,omitempty"`
}

// Address is one mailbox of an address field, decoded.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// MaxPayload is the size of the largest document in bytes, but for what it includes:
// what Standard Webhooks recommends as the most.
const MaxPayload = 20_000

// limits bound what the document takes over: bytes of a text, addresses of a
// field, and members of the other lists.
type limits struct{ text, addresses, list int }

// half is the next smaller size of document.
func (l limits) half() limits { return limits{l.text / 2, l.addresses / 2, l.list / 2} }

// Payload returns the document as JSON, at most [MaxPayload] bytes and what is
// [Included]: its strings are free of control characters and cut to 1,000 bytes, the
// body to 8,000, names, flags and actions to 200, its lists to the first 10 addresses
// and 30 others. Where that is still too large, for escapes take up to six bytes for
// one, less of each is taken over.
func Payload(m Message) []byte {
	l := limits{text: 1000, addresses: 10, list: 30}
	m.Included = m.Included.within()
	most := MaxPayload + m.size()
	out := marshal(m.within(l))
	for len(out) > most {
		l = l.half()
		out = marshal(m.within(l))
	}
	return out
}

// within returns a copy of the message that keeps to the limits.
func (m Message) within(l limits) Message {
	m.Version = Version
	m.From, m.To = addresses(m.From, l), addresses(m.To, l)
	for _, s := range []*string{&m.ID, &m.Rule, &m.Account, &m.Mailbox, &m.Subject, &m.MessageID} {
		*s = text(*s, l.text)
	}
	m.Title, m.Body = text(m.Title, l.text), textOfLines(m.Body, 8*l.text)
	m.Flags, m.Planned = texts(m.Flags, l), texts(m.Planned, l)
	return m
}

func marshal(m Message) []byte {
	m.Sent, m.Received = printable(m.Sent), printable(m.Received)
	out, err := json.Marshal(m)
	if err != nil {
		// The document has no field that can fail: its dates are printable.
		panic(err)
	}
	return out
}

// printable drops a date that RFC 3339 cannot express: a year of five digits,
// an offset of days.
func printable(t time.Time) time.Time {
	if _, err := t.MarshalJSON(); err != nil {
		return time.Time{}
	}
	return t
}

func addresses(list []Address, l limits) []Address {
	out := make([]Address, 0, len(list))
	for _, a := range list[:min(len(list), l.addresses)] {
		out = append(out, Address{Name: text(a.Name, l.text/5), Address: text(a.Address, l.text/3)})
	}
	return out
}

func texts(list []string, l limits) []string {
	out := make([]string, 0, len(list))
	for _, s := range list[:min(len(list), l.list)] {
		out = append(out, text(s, l.text/5))
	}
	return out
}

// textOfLines is text that keeps its lines.
func textOfLines(s string, most int) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		lines = append(lines, text(line, most))
	}
	s = strings.Join(lines, "\n")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// text drops control characters, which no receiver needs and some print, and
// cuts at most bytes.
func text(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
