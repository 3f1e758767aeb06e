package model

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Letter is a message to deliver.
type Letter struct {
	Subject, From string
	// MessageID without the angle brackets; "" sends none.
	MessageID string
	Flags     []imap.Flag
	// Received is the INTERNALDATE; zero is now.
	Received time.Time
	Body     string
	// Raw is the message as it is, in place of what is said above of its text.
	Raw []byte
}

// Message is one message in one mailbox.
type Message struct {
	Origin   int
	UID      imap.UID
	Subject  string
	ID       string // Message-ID
	Received time.Time
	flags    []imap.Flag
	header   []byte
	body     []byte
	pad      int // octets that the server claims beside those it has
	version  int // of the flags
}

// Has reports whether the message carries a flag.
func (m *Message) Has(flag imap.Flag) bool {
	return slices.ContainsFunc(m.flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(flag)) })
}

// Flags returns a copy of the message's flags.
func (m *Message) Flags() []imap.Flag { return slices.Clone(m.flags) }

func (m *Message) size() int { return len(m.header) + len(m.body) + m.pad }

func (m *Message) set(flag imap.Flag, on bool) {
	had := m.Has(flag)
	if had == on {
		return
	}
	m.version++
	if on {
		m.flags = append(m.flags, flag)
		return
	}
	m.flags = slices.DeleteFunc(m.flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(flag)) })
}

// clear takes all flags away.
func (m *Message) clear() {
	for _, f := range slices.Clone(m.flags) {
		m.set(f, false)
	}
}

// read takes the text of a message.
func (m *Message) read(text string) {
	header, body, _ := strings.Cut(text, "\r\n\r\n")
	m.header, m.body = []byte(header+"\r\n\r\n"), []byte(body)
	for line := range strings.SplitSeq(header, "\r\n") {
		switch name, value, _ := strings.Cut(line, ": "); name {
		case "Subject":
			m.Subject = value
		case "Message-ID":
			m.ID = strings.Trim(value, "<>")
		}
	}
}

type mailbox struct {
	name     string
	validity uint32
	next     imap.UID
	messages []*Message
}

func (b *mailbox) find(uid imap.UID) *Message {
	for _, m := range b.messages {
		if m.UID == uid {
			return m
		}
	}
	return nil
}

func (b *mailbox) add(m *Message) *Message {
	m.UID = b.next
	b.next++
	b.messages = append(b.messages, m)
	return m
}

func (b *mailbox) remove(uid imap.UID) {
	b.messages = slices.DeleteFunc(b.messages, func(m *Message) bool { return m.UID == uid })
}

// copyOf is what COPY and MOVE make of a message (RFC 9051 section 6.4.7).
func copyOf(m *Message) *Message {
	c := *m
	c.flags = slices.Clone(m.flags)
	return &c
}

func compose(l Letter) (header, body []byte) {
	if head, text, ok := bytes.Cut(l.Raw, []byte("\r\n\r\n")); ok {
		return append(slices.Clone(head), "\r\n\r\n"...), text
	}
	var h strings.Builder
	h.WriteString("From: " + l.From + "\r\nTo: me@example.org\r\nSubject: " + l.Subject + "\r\n")
	if l.MessageID != "" {
		h.WriteString("Message-ID: <" + l.MessageID + ">\r\n")
	}
	h.WriteString("Date: Mon, 4 May 2026 12:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
	return []byte(h.String()), []byte(l.Body + "\r\n")
}
