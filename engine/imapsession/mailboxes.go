package imapsession

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// MailboxInfo is one mailbox of a listing.
type MailboxInfo struct {
	// Name is the server's spelling, decoded to UTF-8.
	Name string
	// Role is the mailbox's SPECIAL-USE attribute (RFC 6154) in lower case and
	// without its backslash: "trash", "junk"; empty if it has none.
	Role string
	// NoSelect mailboxes hold no messages, NonExistent ones do not exist but
	// have children (RFC 9051 section 7.3.1).
	NoSelect, NonExistent bool
	// Subscribed is known only on servers with LIST-EXTENDED.
	Subscribed bool
}

// maxMailboxes is how many mailboxes a listing may hold.
const maxMailboxes = 50_000

// List returns all mailboxes that the server shows. A mailbox whose name cannot
// be sent back as it came (malformed UTF-7, control characters) is left out.
func (s *Session) List(ctx context.Context) ([]MailboxInfo, error) {
	var out []MailboxInfo
	op := newOperation("LIST", "", nil)
	op.take = func(r response) bool {
		if r.kind != "LIST" {
			return false
		}
		if _, info, ok := parseList(r.data); ok && info.Name != "" {
			if len(out) == maxMailboxes {
				op.failed = errTooMuch
				return true
			}
			out = append(out, info)
		}
		return true
	}
	err := s.send(ctx, op, func() func() error { return s.client.List("", "*", s.listOptions()).Close })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Subscriptions returns the mailboxes that the user subscribed to, by LSUB, which every
// server knows (RFC 3501 section 6.3.9). Where there is LIST-EXTENDED, List tells.
func (s *Session) Subscriptions(ctx context.Context) ([]string, error) {
	var out []string
	op := newOperation("LSUB", "", nil)
	op.take = func(r response) bool {
		if r.kind != "LSUB" {
			return false
		}
		// \Noselect is the mere parent of one that is subscribed to.
		if _, info, ok := parseList(r.data); ok && info.Name != "" && !info.NoSelect {
			if len(out) == maxMailboxes {
				op.failed = errTooMuch
				return true
			}
			out = append(out, info.Name)
		}
		return true
	}
	if err := s.together(ctx, s.own(op, `LSUB "" "*"`))[0]; err != nil {
		return nil, err
	}
	return out, nil
}

// ListStatus is List that brings the Status of each mailbox, too, in one command
// (LIST-STATUS, RFC 5819). A mailbox whose STATUS the server did not tell has none.
// modSeq asks for HIGHESTMODSEQ; see StatusModSeq.
func (s *Session) ListStatus(ctx context.Context, modSeq bool) ([]MailboxInfo, map[string]Status, error) {
	if !s.caps.ListStatus {
		return nil, nil, refuse("LIST", "", Bad, errors.New("the server does not offer LIST-STATUS"))
	}
	var out []MailboxInfo
	all := map[string]Status{}
	op := newOperation("LIST", "", nil)
	op.take = func(r response) bool {
		switch r.kind {
		case "STATUS":
			if name, st, ok := parseStatus(r.data); ok && len(all) < maxMailboxes {
				all[name] = st
			}
			return true
		case "LIST":
		default:
			return false
		}
		if _, info, ok := parseList(r.data); ok && info.Name != "" {
			if len(out) == maxMailboxes {
				op.failed = errTooMuch
				return true
			}
			out = append(out, info)
		}
		return true
	}
	if err := s.together(ctx, s.own(op, s.listStatusLine(modSeq)))[0]; err != nil {
		return nil, nil, err
	}
	return out, all, nil
}

func (s *Session) listStatusLine(modSeq bool) string {
	items := "UIDVALIDITY UIDNEXT MESSAGES"
	if modSeq && s.caps.CondStore {
		items += " HIGHESTMODSEQ"
	}
	options := ""
	if s.caps.ListExtended {
		options = "SUBSCRIBED "
		if s.caps.SpecialUse {
			options += "SPECIAL-USE "
		}
	}
	return `LIST "" "*" RETURN (` + options + "STATUS (" + items + "))"
}

func (s *Session) listOptions() *imap.ListOptions {
	if !s.caps.ListExtended {
		return nil
	}
	return &imap.ListOptions{ReturnSubscribed: true, ReturnSpecialUse: s.caps.SpecialUse}
}

// parseList reads the data of a LIST response: attributes, delimiter, name.
func parseList(data []byte) (delimiter rune, info MailboxInfo, ok bool) {
	s := scanner{b: data}
	attributes := s.list(func() bool {
		word, ok := s.atom()
		info.attribute(strings.ToLower(string(word)))
		return ok
	})
	s.spaces()
	separator, hasDelimiter := s.nstring()
	s.spaces()
	name, hasName := s.astring()
	if !attributes || !hasDelimiter || !hasName {
		return 0, info, false
	}
	if len(separator) > 0 {
		delimiter, _ = utf8.DecodeRune(separator)
	}
	info.Name, ok = decodeMailbox(name)
	return delimiter, info, ok || len(name) == 0
}

func (m *MailboxInfo) attribute(name string) {
	switch name {
	case `\noselect`:
		m.NoSelect = true
	case `\nonexistent`:
		m.NonExistent, m.NoSelect = true, true // RFC 5258 section 3.4: the one implies the other
	case `\subscribed`:
		m.Subscribed = true
	case `\all`, `\archive`, `\drafts`, `\flagged`, `\important`, `\junk`, `\sent`, `\trash`:
		m.Role = name[1:]
	}
}

// namespace asks for the prefix and delimiter of the personal namespace (RFC
// 2342).
func (s *Session) namespace() task {
	return task{newOperation("NAMESPACE", "", s.takeNamespace), func() func() error {
		cmd := s.client.Namespace()
		return func() error {
			_, err := cmd.Wait()
			return err
		}
	}}
}

// hierarchy asks for the delimiter alone, by LIST "" "" (RFC 9051 section
// 6.3.9).
func (s *Session) hierarchy() task {
	return task{newOperation("LIST", "", func(r response) bool {
		if r.kind != "LIST" {
			return false
		}
		if delimiter, _, ok := parseList(r.data); ok {
			s.delimiter = delimiter
		}
		return true
	}), func() func() error { return s.client.List("", "", nil).Close }}
}

func isConnection(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == Connection
}

// takeNamespace reads the first personal namespace: (("INBOX." ".")) NIL NIL.
func (s *Session) takeNamespace(r response) bool {
	if r.kind != "NAMESPACE" {
		return false
	}
	sc := scanner{b: r.data}
	if outer := sc.special('('); !outer || !sc.special('(') {
		return true // NIL: there is none
	}
	prefix, hasPrefix := sc.str()
	sc.spaces()
	delimiter, hasDelimiter := sc.nstring()
	if !hasPrefix || !hasDelimiter {
		return true
	}
	name, ok := decodeMailbox(prefix)
	if ok {
		s.prefix = name
	}
	s.foreign = foreignPrefixes(r.data)
	if len(delimiter) > 0 && (ok || len(prefix) == 0) {
		s.delimiter, _ = utf8.DecodeRune(delimiter)
	}
	return true
}

// foreignPrefixes reads with what the names of other users' and of shared mailboxes
// begin, which stand behind the personal ones.
func foreignPrefixes(data []byte) []string {
	sc := scanner{b: data}
	if !sc.skip() {
		return nil
	}
	var out []string
	for range 2 {
		sc.spaces()
		sc.list(func() bool {
			at := sc.i
			if prefix, ok := sc.opening(); ok && len(out) < maxNamespaces {
				if name, decoded := decodeMailbox(prefix); decoded {
					out = append(out, name)
				}
			}
			sc.i = at
			return sc.skip()
		})
		if hasPrefixFold(sc.rest(), "NIL") {
			sc.i += len("NIL")
		}
	}
	return out
}

// maxNamespaces is how many prefixes are kept.
const maxNamespaces = 100

// opening reads the first string of a parenthesised list.
func (s *scanner) opening() ([]byte, bool) {
	if !s.special('(') {
		return nil, false
	}
	return s.str()
}

// Personal reports whether a mailbox is one of the user's own, as far as NAMESPACE told:
// neither another user's nor shared.
func (s *Session) Personal(mailbox string) bool {
	return !slices.ContainsFunc(s.foreign, func(prefix string) bool { return strings.HasPrefix(mailbox+string(s.delimiter), prefix) })
}

// Create makes a mailbox.
func (s *Session) Create(ctx context.Context, mailbox string) error {
	if err := checkMailbox(mailbox); err != nil {
		return refuse("CREATE", mailbox, Target, err)
	}
	return s.run(ctx, newOperation("CREATE", mailbox, nil), func() error { return s.client.Create(mailbox, nil).Wait() })
}

// Subscribe adds a mailbox to those that clients show.
func (s *Session) Subscribe(ctx context.Context, mailbox string) error {
	if err := checkMailbox(mailbox); err != nil {
		return refuse("SUBSCRIBE", mailbox, Target, err)
	}
	return s.run(ctx, newOperation("SUBSCRIBE", mailbox, nil), func() error { return s.client.Subscribe(mailbox).Wait() })
}
