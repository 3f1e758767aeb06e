package smtp

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// maxText is the longest text of an answer or a note in octets.
const maxText = 64 << 10

// Replying says how a message is answered.
type Replying struct {
	// ID is the same for every attempt, and another for every answer.
	ID string
	// Account names the account, the same in every message of it.
	Account string
	// From is the account's own address, Name what stands before it, if
	// anything.
	From, Name string
	// At is the Date of the answer.
	At time.Time
	// Text is the answer, at most 64 KiB of UTF-8.
	Text string
	// Addresses are those of the account; one must be among the recipients of
	// the message (RFC 3834 section 2). None is From alone.
	Addresses []string
	// Anyway answers also what is bulk or automatic, comes from an address
	// that nobody reads, or names none of the addresses. What is itself an
	// automatic answer is not answered even so.
	Anyway bool
}

// Reply builds the answer to a message, as RFC 3834 wants it: to the
// Return-Path, or else to From, with the null reverse-path, so that the answer
// to it goes nowhere. The error is a [Refusal] where none is to be sent.
func Reply(raw []byte, r Replying) ([]byte, Envelope, error) {
	o, err := newOrigin(r.ID, r.Account, r.From, r.Name, r.At)
	if err != nil {
		return nil, Envelope{}, err
	}
	if err := checkText(r.Text); err != nil {
		return nil, Envelope{}, err
	}
	h, _ := readHeader(raw)
	to, err := r.recipient(h, o)
	if err != nil {
		return nil, Envelope{}, err
	}
	c := &composer{}
	o.write(c, "reply", []address{to}, prefixed("Auto: Re:", h, "auto:", "re:")...)
	if id := h.messageID(); len(id) > 0 {
		c.field("In-Reply-To", id...)
	}
	if refs := h.references(); len(refs) > 0 {
		c.field("References", refs...)
	}
	c.field("Auto-Submitted", "auto-replied")
	c.writeMarks(h, o)
	c.plainText(r.Text)
	out, err := c.bytes()
	return out, Envelope{To: []string{to.local + "@" + to.domain}}, err
}

func checkText(s string) error {
	if len(s) > maxText {
		return fmt.Errorf("the text has %d bytes; at most %d", len(s), maxText)
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return errors.New("the text is not UTF-8, or holds a NUL")
	}
	return nil
}

// recipient is who is answered, or a refusal.
func (r Replying) recipient(h header, o origin) (address, error) {
	if err := h.loops(o); err != nil {
		return address{}, err
	}
	to, err := h.sender()
	if err != nil {
		return address{}, err
	}
	own, err := r.own()
	if err != nil {
		return address{}, err
	}
	if among(own, to) {
		return address{}, refuse(Own, "this message is from the account itself")
	}
	if h.says("Auto-Submitted", func(word string) bool { return word == "auto-replied" }) {
		return address{}, refuse(Automatic, "this message is not answered: it is an automatic answer itself")
	}
	if r.Anyway {
		return to, nil
	}
	return to, h.unwanted(to, own)
}

// unwanted returns why RFC 3834 would have no answer.
func (h header) unwanted(to address, own []address) error {
	if why := h.automatic(); why != "" {
		return refuse(Automatic, "this message is not answered: %s", why)
	}
	for _, a := range append(addressesIn(h.first("From")), to) {
		if a.isRobot() {
			return refuse(Automatic, "this message is not answered: nobody reads %s", shown(a.String()))
		}
	}
	for _, value := range h.all("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc") {
		for _, a := range addressesIn(value) {
			if among(own, a) {
				return nil
			}
		}
	}
	return refuse(NotAddressed, "this message is not answered: none of the account's addresses is among its recipients")
}

// own are the account's addresses.
func (r Replying) own() ([]address, error) {
	var out []address
	for _, s := range append([]string{r.From}, r.Addresses...) {
		a, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func among(all []address, a address) bool {
	for _, b := range all {
		if a.same(b) {
			return true
		}
	}
	return false
}

// prefixed are the words of a subject behind a prefix, without those that it
// has already. The prefix is never encoded: filters look for it.
func prefixed(prefix string, h header, drop ...string) []string {
	subject := decodeText(h.first("Subject"))
	for i := 0; i < len(drop); i++ {
		if n := len(drop[i]); len(subject) >= n && strings.EqualFold(subject[:n], drop[i]) {
			subject = strings.TrimSpace(subject[n:])
			i = -1
		}
	}
	return append(strings.Fields(prefix), encodeText(subject)...)
}
