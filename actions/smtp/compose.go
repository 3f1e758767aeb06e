package smtp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

const (
	// maxLine is the longest line in octets, without its CRLF (RFC 5322
	// section 2.1.1).
	maxLine = 998
	// foldAt is where lines of a header are folded.
	foldAt = 78
)

// composer writes a message. Its first error stays and is what bytes returns.
type composer struct {
	buf bytes.Buffer
	err error
}

// field writes a header field of words, folded between them (RFC 5322 section
// 2.2.3). A word that holds anything but visible characters could end the field
// and begin another: it is an error, and so is one that fits in no line. Only
// an address may have characters beyond ASCII (RFC 6532).
func (c *composer) field(name string, words ...string) {
	var line strings.Builder
	line.WriteString(name + ":")
	length := line.Len()
	for _, word := range words {
		if word == "" || len(word) > maxLine-len(name)-2 || strings.ContainsFunc(word, notVisible) {
			c.fail(fmt.Errorf("%s: %s cannot stand in a header", name, shown(word)))
			return
		}
		if length+1+len(word) > foldAt && length > len(name)+1 {
			line.WriteString("\r\n")
			length = 0
		}
		line.WriteString(" " + word)
		length += 1 + len(word)
	}
	c.buf.WriteString(line.String() + "\r\n")
}

func notVisible(r rune) bool { return notGraphic(r) && !isText(r) }

func (c *composer) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// end ends a header.
func (c *composer) end() { c.buf.WriteString("\r\n") }

// bytes returns what was written, or the first error.
func (c *composer) bytes() ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	return c.buf.Bytes(), nil
}

// origin is what both kinds of message say of where they come from.
type origin struct {
	id, account string
	from        address
	name        string
	at          time.Time
}

func newOrigin(id, account, from, name string, at time.Time) (origin, error) {
	a, err := parseAddress(from)
	if err != nil {
		return origin{}, err
	}
	if id == "" || account == "" || at.IsZero() {
		return origin{}, fmt.Errorf("a message needs an id, an account and a time")
	}
	return origin{id: id, account: account, from: a, name: clean(name), at: at}, nil
}

// messageID is the same for the same id, and tells nobody what it was made of.
func (o origin) messageID(kind string) string {
	return "<" + kind + "." + digest("message", kind, o.id, o.account) + "@" + o.from.domain + ">"
}

// mark is the value of the loop field. Names of accounts are alike everywhere,
// so that the address is part of it.
func (o origin) mark() string { return digest("loop", o.account, o.from.key()) }

// write writes the fields that both kinds have, but the end of the header.
func (o origin) write(c *composer, kind string, to []address, subject ...string) {
	c.field("Date", strings.Fields(o.at.Format(time.RFC1123Z))...)
	c.field("From", mailbox(o.name, o.from)...)
	c.field("To", list(to)...)
	c.field("Message-ID", o.messageID(kind))
	c.field("Subject", subject...)
	c.field("MIME-Version", "1.0")
}

func mailbox(name string, a address) []string {
	if name == "" {
		return []string{a.String()}
	}
	return append(encodePhrase(name), "<"+a.String()+">")
}

func list(all []address) []string {
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = a.String()
		if i < len(all)-1 {
			words[i] += ","
		}
	}
	return words
}

// digest is 128 bits of a hash over texts, in hexadecimal. Their lengths are
// part of it, so that no two lists are one.
func digest(texts ...string) string {
	h := sha256.New()
	for _, s := range texts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
