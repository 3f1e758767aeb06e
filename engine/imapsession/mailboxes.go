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
	err := s.run(ctx, op, func() error { return s.client.List("", "*", s.listOptions()).Close() })
	if err != nil {
		return nil, err
	}
	return out, nil
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
	if len(delimiter) > 0 && (ok || len(prefix) == 0) {
		s.delimiter, _ = utf8.DecodeRune(delimiter)
	}
	return true
}

// Status is what STATUS tells (RFC 9051 section 6.3.11). What a server does not
// tell is 0.
type Status struct {
	UIDValidity   uint32
	UIDNext       imap.UID
	Messages      uint32
	HighestModSeq uint64
	// Size is how many octets it holds, where that was asked for (RFC 8438).
	Size uint64
	// appendLimit is APPENDLIMIT (RFC 7889 section 4).
	appendLimit int64
}

// Status asks for the state of a mailbox, best one that is not selected. It does
// not ask for HIGHESTMODSEQ.
func (s *Session) Status(ctx context.Context, mailbox string) (Status, error) {
	return s.status(ctx, mailbox, false)
}

// StatusModSeq is Status with HIGHESTMODSEQ, where the server has CONDSTORE. It
// makes this connection one that knows of CONDSTORE (RFC 7162 section 3.1), for
// which some servers do far more work with each change.
func (s *Session) StatusModSeq(ctx context.Context, mailbox string) (Status, error) {
	return s.status(ctx, mailbox, true)
}

func (s *Session) status(ctx context.Context, mailbox string, modSeq bool) (Status, error) {
	if err := checkMailbox(mailbox); err != nil {
		return Status{}, refuse("STATUS", mailbox, Target, err)
	}
	t, result := s.statusTask(mailbox, modSeq)
	return result(s.together(ctx, t)[0])
}

// statusTask is a STATUS, and what gives its result once it has ended.
func (s *Session) statusTask(mailbox string, modSeq bool) (task, func(error) (Status, error)) {
	return s.statusOf(mailbox, s.statusOptions(modSeq))
}

func (s *Session) statusOptions(modSeq bool) *imap.StatusOptions {
	return &imap.StatusOptions{UIDValidity: true, UIDNext: true, NumMessages: true, HighestModSeq: modSeq && s.caps.CondStore}
}

func (s *Session) statusOf(mailbox string, options *imap.StatusOptions) (task, func(error) (Status, error)) {
	var st Status
	seen := false
	op := newOperation("STATUS", mailbox, func(r response) bool {
		if r.kind != "STATUS" {
			return false
		}
		got, ok := parseStatus(r.data, mailbox)
		if ok {
			st, seen = got, true
		}
		return ok
	})
	send := func() func() error {
		cmd := s.client.Status(mailbox, options)
		return func() error { _, err := cmd.Wait(); return err }
	}
	return task{op, send}, func(err error) (Status, error) {
		if err == nil && !seen {
			err = &Error{Op: "STATUS", Subject: mailbox, Status: "OK", Class: TryAgain, Err: errors.New("the server sent no STATUS of this mailbox")}
		}
		return st, err
	}
}

// StatusResult is the answer about one mailbox.
type StatusResult struct {
	Status Status
	Err    error
}

// StatusAll is Status for many mailboxes, of which none is named twice, in as few
// round trips as may be.
func (s *Session) StatusAll(ctx context.Context, mailboxes []string) []StatusResult {
	var out []StatusResult
	for chunk := range slices.Chunk(mailboxes, maxFlight) {
		out = append(out, s.statusFlight(ctx, chunk, s.statusOptions(false))...)
	}
	return out
}

func (s *Session) statusFlight(ctx context.Context, mailboxes []string, options *imap.StatusOptions) []StatusResult {
	out := make([]StatusResult, len(mailboxes))
	var tasks []task
	var results []func(error) (Status, error)
	var at []int
	for i, name := range mailboxes {
		if err := checkMailbox(name); err != nil {
			out[i].Err = refuse("STATUS", name, Target, err)
			continue
		}
		t, result := s.statusOf(name, options)
		tasks, results, at = append(tasks, t), append(results, result), append(at, i)
	}
	if len(tasks) == 0 {
		return out
	}
	for k, err := range s.together(ctx, tasks...) {
		out[at[k]].Status, out[at[k]].Err = results[k](err)
	}
	return out
}

// parseStatus reads a STATUS response if it is about the mailbox. Some servers
// answer with another case of the name.
func parseStatus(data []byte, mailbox string) (st Status, ok bool) {
	s := scanner{b: data}
	wire, ok := s.astring()
	if name, decoded := decodeMailbox(wire); !ok || !decoded || !strings.EqualFold(name, mailbox) {
		return st, false
	}
	s.spaces()
	ok = s.list(func() bool {
		word, ok := s.atom()
		if !ok {
			return false
		}
		s.spaces()
		n, isNumber := s.number(64)
		if !isNumber {
			return s.skip()
		}
		switch strings.ToUpper(string(word)) {
		case "UIDVALIDITY":
			st.UIDValidity = clamp(n)
		case "UIDNEXT":
			st.UIDNext = imap.UID(clamp(n))
		case "MESSAGES":
			st.Messages = clamp(n)
		case "HIGHESTMODSEQ":
			st.HighestModSeq = n
		case "SIZE":
			st.Size = n
		case "APPENDLIMIT":
			st.appendLimit = int64(min(n, 1<<62))
		}
		return true
	})
	return st, ok
}

// clamp makes 0, which is "unknown", of a number beyond 32 bits.
func clamp(n uint64) uint32 {
	if n > 1<<32-1 {
		return 0
	}
	return uint32(n)
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
