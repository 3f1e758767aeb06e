package imapsession

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Fetched is what FetchHeaders tells of one message.
type Fetched struct {
	UID   imap.UID
	Flags []imap.Flag
	// Received is the INTERNALDATE, zero when the server sent one that is no
	// date.
	Received time.Time
	// Size is RFC822.SIZE, in bytes.
	Size int64
	// Header holds the lines of the fields asked for, with the line breaks of
	// the wire. Of a header beyond Limits.Literal it holds the first whole lines.
	Header []byte
}

// item is a FETCH item that was asked for.
type item uint8

const (
	itemFlags item = 1 << iota
	itemDate
	itemSize
	itemHeader
)

// FetchHeaders fetches flags, INTERNALDATE, size and the named header fields of
// messages in the selected mailbox, without setting \Seen. It returns the
// messages that were asked for and of which every item came, each once, by UID.
// The others are absent: they are gone, the server is not ready to show them, or
// they went over Limits.Collected.
func (s *Session) FetchHeaders(ctx context.Context, uids imap.UIDSet, fields []string) ([]Fetched, error) {
	if err := checkFields(fields); err != nil {
		return nil, refuse("UID FETCH", s.selected, Bad, err)
	}
	options := &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{{Specifier: imap.PartSpecifierHeader, HeaderFields: fields, Peek: true}}}
	others := len(strings.Join(fields, `" "`))
	return s.fetch(ctx, uids, options, others, itemFlags|itemDate|itemSize|itemHeader)
}

// FetchFlags fetches the flags of messages in the selected mailbox. Messages
// that did not come back are absent.
func (s *Session) FetchFlags(ctx context.Context, uids imap.UIDSet) (map[imap.UID][]imap.Flag, error) {
	list, err := s.fetch(ctx, uids, &imap.FetchOptions{UID: true, Flags: true}, 0, itemFlags)
	if err != nil {
		return nil, err
	}
	out := make(map[imap.UID][]imap.Flag, len(list))
	for _, f := range list {
		out[f.UID] = f.Flags
	}
	return out, nil
}

func (s *Session) fetch(ctx context.Context, uids imap.UIDSet, options *imap.FetchOptions, others int, want item) ([]Fetched, error) {
	parts, err := split(uids, others)
	if err != nil {
		return nil, refuse("UID FETCH", s.selected, Bad, err)
	}
	var out []Fetched
	room := s.o.Limits.Collected
	for _, part := range parts {
		c := &collector{asked: part, want: want, limit: s.o.Limits.Literal, room: room, got: map[imap.UID]*message{}}
		err := s.run(ctx, newOperation("UID FETCH", s.selected, c.take), func() error {
			return s.client.Fetch(part, options).Close()
		})
		// A message that was expunged meanwhile makes some servers say NO
		// though the others came (RFC 2180 section 4.1.3).
		var refused *Error
		if err != nil && (!errors.As(err, &refused) || refused.Code != "EXPUNGEISSUED") {
			return nil, err
		}
		out = append(out, c.complete()...)
		room = c.room
	}
	return out, nil
}

// message is what came of one message so far, and which items.
type message struct {
	Fetched
	has item
}

// collector puts together what came for the messages that were asked for. The
// items of one message may come in several responses, an unsolicited one with
// news of its flags among them: the latest flags count.
type collector struct {
	asked imap.UIDSet
	want  item
	limit int // the size at which a header was cut
	room  int // bytes that may still be kept
	got   map[imap.UID]*message
}

func (c *collector) take(r response) bool {
	if r.kind != "FETCH" {
		return false
	}
	m, ok := parseFetch(r.data)
	if !ok || !c.asked.Contains(m.UID) {
		return false // it is news
	}
	const overhead = 200 // of a message beside its texts
	size := len(m.Header) + overhead
	for _, f := range m.Flags {
		size += len(f) + 16
	}
	if c.room -= size; c.room < 0 {
		c.room = 0
		return true
	}
	c.merge(m)
	return true
}

func (c *collector) merge(m message) {
	known, ok := c.got[m.UID]
	if !ok {
		known = &message{Fetched: Fetched{UID: m.UID}}
		c.got[m.UID] = known
	}
	known.has |= m.has
	if m.has&itemFlags != 0 {
		known.Flags = m.Flags
	}
	if m.has&itemDate != 0 {
		known.Received = m.Received
	}
	if m.has&itemSize != 0 {
		known.Size = m.Size
	}
	if m.has&itemHeader != 0 {
		known.Header = wholeLines(m.Header, c.limit)
	}
}

// wholeLines copies a header, without the last line if it was cut.
func wholeLines(header []byte, limit int) []byte {
	if len(header) >= limit {
		header = header[:bytes.LastIndexByte(header, '\n')+1]
	}
	return bytes.Clone(header)
}

// complete returns the messages of which everything came, by UID.
func (c *collector) complete() []Fetched {
	var out []Fetched
	for _, uid := range slices.SortedFunc(maps.Keys(c.got), cmp.Compare[imap.UID]) {
		if m := c.got[uid]; m.has&c.want == c.want {
			out = append(out, m.Fetched)
		}
	}
	return out
}

// parseFetch reads the items of a FETCH response (RFC 9051 section 7.5.2). Items
// that are not known are passed over. ok is false without a UID, or when the
// response is malformed. The header still lies in the response.
func parseFetch(data []byte) (m message, ok bool) {
	s := scanner{b: data}
	ok = s.list(func() bool {
		name, section := fetchItem(&s)
		s.spaces()
		return m.read(&s, name, section)
	})
	return m, ok && m.UID != 0
}

// fetchItem reads the name of an item and, of BODY[...]<...>, the section.
func fetchItem(s *scanner) (name, section string) {
	name = strings.ToUpper(string(s.until(" ([\"{)")))
	if !s.special('[') {
		return name, ""
	}
	start := s.i
	for !s.done() && s.b[s.i] != ']' {
		if s.b[s.i] == '"' {
			if _, ok := s.quoted(); ok {
				continue
			}
		}
		s.i++
	}
	section = strings.ToUpper(string(s.b[start:s.i]))
	s.special(']')
	if s.special('<') {
		s.until(">")
		s.special('>')
	}
	return name, section
}

// read reads the value of one item.
func (m *message) read(s *scanner, name, section string) bool {
	switch name {
	case "UID":
		n, ok := s.number(32)
		m.UID = imap.UID(n)
		return ok
	case "FLAGS":
		flags, ok := parseFlags(s)
		m.Flags, m.has = flags, m.has|itemFlags
		return ok
	case "RFC822.SIZE":
		n, ok := s.number(63)
		m.Size, m.has = int64(n), m.has|itemSize
		return ok
	case "INTERNALDATE":
		text, ok := s.nstring()
		// NIL and "00-Jan-0000" occur; the message has no date then.
		m.Received, _ = time.Parse("_2-Jan-2006 15:04:05 -0700", string(text))
		m.has |= itemDate
		return ok
	case "BODY":
		if !strings.HasPrefix(section, "HEADER.FIELDS ") && !strings.HasPrefix(section, "HEADER.FIELDS(") {
			return s.skip()
		}
		header, ok := s.nstring()
		m.Header, m.has = header, m.has|itemHeader
		return ok
	case "":
		return false
	}
	return s.skip()
}
