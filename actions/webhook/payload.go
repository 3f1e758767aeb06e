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
}

// Address is one mailbox of an address field, decoded.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// Limits of the document, which keep it below 20 kB, the size that Standard
// Webhooks recommends.
const (
	maxText      = 1000
	maxAddresses = 10
	maxList      = 30
)

// Payload returns the document as JSON: at most 20 kB, its strings cut to
// 1,000 bytes and free of control characters, its lists cut to their first 10
// addresses and 30 others.
func Payload(m Message) []byte {
	m.Version = Version
	m.From, m.To = addresses(m.From), addresses(m.To)
	m.Subject, m.MessageID = text(m.Subject), text(m.MessageID)
	m.Mailbox = text(m.Mailbox)
	m.Flags, m.Planned = texts(m.Flags), texts(m.Planned)
	out, err := json.Marshal(m)
	if err != nil {
		// Only a year beyond 9999 cannot be marshalled; no fact needs it.
		m.Sent, m.Received = time.Time{}, time.Time{}
		out, _ = json.Marshal(m)
	}
	return out
}

func addresses(list []Address) []Address {
	out := make([]Address, 0, len(list))
	for _, a := range list[:min(len(list), maxAddresses)] {
		out = append(out, Address{Name: cut(text(a.Name), 100), Address: cut(text(a.Address), 254)})
	}
	return out
}

func texts(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list[:min(len(list), maxList)] {
		out = append(out, cut(text(s), 100))
	}
	return out
}

// text drops control characters, which no receiver needs and some print.
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return cut(s, maxText)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
