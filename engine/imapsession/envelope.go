package imapsession

import (
	"mime"
	"net/mail"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// envelope reads the envelope of a message within a message (RFC 9051 section
// 7.5.2). It is never nil.
func (r *structureReader) envelope() *imap.Envelope {
	e := &imap.Envelope{}
	if !r.more() {
		return e
	}
	if !r.special('(') {
		r.drop()
		return e
	}
	e.Date, _ = mail.ParseDate(r.text()) // zero if it is no date
	e.Subject = decodeText(r.text())
	for _, list := range []*[]imap.Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc} {
		*list = r.addresses()
	}
	e.InReplyTo = messageIDs(r.text())
	if ids := messageIDs(r.text()); len(ids) > 0 {
		e.MessageID = ids[0]
	}
	r.end()
	return e
}

// addresses reads a list of (name route mailbox host).
func (r *structureReader) addresses() []imap.Address {
	var out []imap.Address
	r.each(maxAddresses, func() {
		if !r.special('(') {
			r.drop()
			return
		}
		a := imap.Address{Name: decodeText(r.text())}
		r.text() // the route, which nobody uses any more
		a.Mailbox, a.Host = r.text(), r.text()
		r.end()
		out = append(out, a)
	})
	return out
}

// messageIDs takes message identifiers apart, without their angle brackets.
func messageIDs(text string) []string {
	var out []string
	for range maxAddresses {
		_, rest, ok := strings.Cut(text, "<")
		id, rest, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			break
		}
		out, text = append(out, id), rest
	}
	return out
}

// decodeText decodes encoded words (RFC 2047) as imapclient does: of UTF-8 and
// Latin-1. A text with another one stays as it is.
func decodeText(text string) string {
	if !strings.Contains(text, "=?") {
		return text
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(text)
	if err != nil {
		return text
	}
	return decoded
}
