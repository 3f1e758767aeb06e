package imapsession

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// MailboxInfo is one mailbox of a listing.
type MailboxInfo struct {
	Name string // the server's spelling, UTF-8
	// Role is the SPECIAL-USE attribute (RFC 6154) in lower case and without
	// its backslash: "trash", "junk"; "" if it has none.
	Role                              string
	NoSelect, NonExistent, Subscribed bool
}

// List returns every mailbox of the personal namespace and the others that
// the server shows.
func (s *Session) List(ctx context.Context) ([]MailboxInfo, error) {
	var out []MailboxInfo
	var opts *imap.ListOptions
	if s.caps.SpecialUse && s.caps.has("LIST-EXTENDED") {
		opts = &imap.ListOptions{ReturnSpecialUse: true}
	}
	err := s.run(ctx, "LIST", "", nil, func() error {
		list, err := s.client.List("", "*", opts).Collect()
		for _, l := range list {
			out = append(out, info(l))
		}
		return err
	})
	return out, err
}

func info(l *imap.ListData) MailboxInfo {
	m := MailboxInfo{Name: l.Mailbox}
	for _, attr := range l.Attrs {
		switch attr {
		case imap.MailboxAttrNoSelect:
			m.NoSelect = true
		case imap.MailboxAttrNonExistent:
			m.NonExistent, m.NoSelect = true, true
		case imap.MailboxAttrSubscribed:
			m.Subscribed = true
		case imap.MailboxAttrAll, imap.MailboxAttrArchive, imap.MailboxAttrDrafts, imap.MailboxAttrFlagged,
			imap.MailboxAttrJunk, imap.MailboxAttrSent, imap.MailboxAttrTrash:
			m.Role = strings.ToLower(strings.TrimPrefix(string(attr), `\`))
		}
	}
	return m
}

// Status is what STATUS tells (RFC 9051 section 6.3.11).
type Status struct {
	UIDValidity   uint32
	UIDNext       imap.UID
	Messages      uint32
	HighestModSeq uint64
}

// Status asks for the status of a mailbox that is not selected.
func (s *Session) Status(ctx context.Context, mailbox string) (Status, error) {
	var out Status
	if bad(mailbox) {
		return out, refuse("STATUS", mailbox)
	}
	err := s.run(ctx, "STATUS", mailbox, nil, func() error {
		data, err := s.client.Status(mailbox, &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true}).Wait()
		if err != nil {
			return err
		}
		out.UIDValidity, out.UIDNext = data.UIDValidity, data.UIDNext
		if data.NumMessages != nil {
			out.Messages = *data.NumMessages
		}
		return nil
	})
	return out, err
}

// Selected is what SELECT tells (RFC 9051 section 6.3.2).
type Selected struct {
	Mailbox        string
	UIDValidity    uint32 // 0 when the server gave none
	UIDNext        imap.UID
	Messages       uint32
	HighestModSeq  uint64
	ReadOnly       bool
	PermanentFlags []imap.Flag
}

// Select selects a mailbox for reading and writing. It is always sent, also
// for the selected mailbox: that refreshes the server's view of it.
func (s *Session) Select(ctx context.Context, mailbox string) (Selected, error) {
	sel := Selected{Mailbox: mailbox}
	if bad(mailbox) {
		return sel, refuse("SELECT", mailbox)
	}
	err := s.run(ctx, "SELECT", mailbox, sel.read, func() error {
		_, err := s.client.Select(mailbox, nil).Wait()
		return err
	})
	return sel, err
}

// read takes the data of a SELECT out of its responses.
func (sel *Selected) read(resp []byte) {
	if arg, ok := codeArgument(resp, "UIDVALIDITY"); ok {
		n, _ := strconv.ParseUint(arg, 10, 32) // 0, "unknown", when malformed
		sel.UIDValidity = uint32(n)
	}
	if arg, ok := codeArgument(resp, "UIDNEXT"); ok {
		n, _ := strconv.ParseUint(arg, 10, 32) // 0, "unknown", when malformed
		sel.UIDNext = imap.UID(n)
	}
	if arg, ok := codeArgument(resp, "HIGHESTMODSEQ"); ok {
		sel.HighestModSeq, _ = strconv.ParseUint(arg, 10, 63) // 0 when malformed
	}
	if arg, ok := codeArgument(resp, "PERMANENTFLAGS"); ok {
		p := parser{b: []byte(arg + " ")}
		sel.PermanentFlags, _ = p.flags() // none when malformed
	}
	if _, ok := codeArgument(resp, "READ-ONLY"); ok {
		sel.ReadOnly = true
	}
	if number, rest := cutWord(strings.TrimPrefix(string(resp), "* ")); strings.EqualFold(rest, "EXISTS") {
		n, _ := strconv.ParseUint(number, 10, 32) // a count for people
		sel.Messages = uint32(n)
	}
}

// Unselect leaves the selected mailbox without expunging anything: UNSELECT
// (RFC 3691), or EXAMINE and CLOSE, never the CLOSE of a mailbox that is open
// for writing.
func (s *Session) Unselect(ctx context.Context, selected string) error {
	if s.caps.Unselect {
		return s.run(ctx, "UNSELECT", selected, nil, func() error { return s.client.Unselect().Wait() })
	}
	err := s.run(ctx, "EXAMINE", selected, nil, func() error {
		_, err := s.client.Select(selected, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	if err != nil {
		return err
	}
	return s.run(ctx, "CLOSE", selected, nil, func() error { return s.client.UnselectAndExpunge().Wait() })
}

// Create makes a mailbox.
func (s *Session) Create(ctx context.Context, mailbox string) error {
	if bad(mailbox) || strings.ContainsAny(mailbox, "%*") {
		return &Error{Op: "CREATE", Subject: printable(mailbox), Class: Target, Err: errors.New("the name holds a line break or a wildcard")}
	}
	return s.run(ctx, "CREATE", mailbox, nil, func() error { return s.client.Create(mailbox, nil).Wait() })
}

// Subscribe adds a mailbox to the subscribed ones.
func (s *Session) Subscribe(ctx context.Context, mailbox string) error {
	if bad(mailbox) {
		return refuse("SUBSCRIBE", mailbox)
	}
	return s.run(ctx, "SUBSCRIBE", mailbox, nil, func() error { return s.client.Subscribe(mailbox).Wait() })
}

// Delete removes a mailbox and everything in it. The daemon never does; tests
// and demos do.
func (s *Session) Delete(ctx context.Context, mailbox string) error {
	if bad(mailbox) {
		return refuse("DELETE", mailbox)
	}
	return s.run(ctx, "DELETE", mailbox, nil, func() error { return s.client.Delete(mailbox).Wait() })
}
