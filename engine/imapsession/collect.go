package imapsession

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// item is a FETCH item that was asked for.
type item uint16

const (
	itemFlags item = 1 << iota
	itemDate
	itemSize
	itemFields // BODY[HEADER.FIELDS (...)]
	itemHeader // BODY[HEADER]
	itemStructure
	itemParts // BODY[1.2]
	itemRaw   // BODY[], or BODY[]<1024>
	itemEmailID
	itemLabels
	itemThread
	itemGmailID

	itemsGmail = itemLabels | itemThread | itemGmailID
)

// message is what came of one message so far, and which items.
type message struct {
	Fetched
	has item
	// headerCut is set when the end of the header was dropped.
	headerCut bool
	structure FetchedStructure
	parts     []FetchedPart
	gmail     Gmail
}

// collector puts together what came for the messages that were asked for. The
// items of one message may come in several responses, an unsolicited one with
// news of its flags among them: the latest flags count, but the first part and
// the first structure that can be read.
type collector struct {
	asked imap.UIDSet
	want  item
	// limit is how much is kept of a part, 0 if it was not asked for; nil where
	// no parts are.
	limit func(uid imap.UID, section string) int
	room  int  // bytes that may still be kept
	full  bool // something had no room
	// got are the messages in the order in which they came, at where each lies there.
	got []message
	at  map[imap.UID]int
}

func newCollector(asked imap.UIDSet, want item, limits Limits) *collector {
	n := membersOf(asked, mostAwaited)
	return &collector{asked: asked, want: want, room: limits.Collected, got: make([]message, 0, n), at: make(map[imap.UID]int, n)}
}

// mostAwaited is for how many messages there is room before the first came.
const mostAwaited = 2048

// membersOf counts the UIDs of a set, up to some number.
func membersOf(set imap.UIDSet, most int) (n int) {
	for _, r := range set {
		if r.Stop < r.Start || uint64(r.Stop)-uint64(r.Start) >= uint64(most-n) {
			return most
		}
		n += int(r.Stop-r.Start) + 1
	}
	return n
}

// of is what came of a message so far, nil if nothing did.
func (c *collector) of(uid imap.UID) *message {
	i, ok := c.at[uid]
	if !ok {
		return nil
	}
	return &c.got[i]
}

func (c *collector) take(r response) bool {
	if r.kind != "FETCH" {
		return false
	}
	m, ok := c.parse(r.data)
	if !ok || !c.asked.Contains(m.UID) {
		return false // it is news
	}
	known := c.of(m.UID)
	if known != nil {
		m.parts = slices.DeleteFunc(m.parts, known.hasPart)
	}
	if c.room -= m.footprint(); c.room < 0 {
		c.room, c.full = 0, true
		return true
	}
	if known == nil {
		c.at[m.UID] = len(c.got)
		c.got = append(c.got, message{Fetched: Fetched{UID: m.UID}})
		known = &c.got[len(c.got)-1]
	}
	known.merge(m)
	return true
}

// parse reads a response. Where structures are asked for it goes to some
// lengths: one that cannot be read must be known for it, since it would be
// asked for again for ever.
func (c *collector) parse(data []byte) (message, bool) {
	s := scanner{b: data}
	m, ok := parseFetch(&s, c.want)
	if (!ok || s.suspect) && c.want&itemStructure != 0 {
		if again, better := parseFetch(&scanner{b: data, patient: true}, c.want); better {
			return again, true
		}
	}
	if !ok && c.want&itemStructure != 0 {
		if alone, single := only(c.asked); single && m.UID == 0 && bytes.Contains(data, []byte("BODYSTRUCTURE")) {
			m.UID = alone
		}
		m.has, m.structure, ok = itemStructure, FetchedStructure{Err: errStructure}, m.UID != 0
	}
	m.parts = slices.DeleteFunc(m.parts, func(p FetchedPart) bool { return c.limit == nil || c.limit(m.UID, p.Section) == 0 })
	for i := range m.parts {
		m.parts[i].UID = m.UID
		m.parts[i].keep(c.limit(m.UID, m.parts[i].Section))
	}
	return m, ok
}

// only returns the UID of a set of one.
func only(set imap.UIDSet) (imap.UID, bool) {
	if len(set) == 1 && set[0].Start == set[0].Stop {
		return set[0].Start, true
	}
	return 0, false
}

// footprint is about how many bytes a message takes.
func (m *message) footprint() int {
	const overhead = 200 // of a message beside its texts
	size := len(m.Header) + len(m.EmailID) + overhead + m.structure.footprint
	for _, f := range m.Flags {
		size += len(f) + 16
	}
	for _, p := range m.parts {
		size += len(p.Data) + overhead
	}
	for _, label := range m.gmail.Labels {
		size += len(label) + 16
	}
	return size
}

func (m *message) merge(n message) {
	if n.has&itemFlags != 0 {
		m.Flags = n.Flags
	}
	if n.has&itemDate != 0 {
		m.Received = n.Received
	}
	if n.has&itemSize != 0 {
		m.Size = n.Size
	}
	if n.has&itemEmailID != 0 {
		m.EmailID = n.EmailID
	}
	m.gmail.merge(n.gmail, n.has)
	if n.has&(itemFields|itemHeader) != 0 {
		m.Header = wholeLines(n.Header, n.headerCut)
	}
	if n.has&itemStructure != 0 && (m.has&itemStructure == 0 || m.structure.Err != nil) {
		m.structure = n.structure
	}
	for _, p := range n.parts {
		if !m.hasPart(p) {
			p.Data = append([]byte{}, p.Data...)
			m.parts = append(m.parts, p)
		}
	}
	m.has |= n.has
}

func (m *message) hasPart(p FetchedPart) bool {
	return slices.ContainsFunc(m.parts, func(q FetchedPart) bool { return p.Section == q.Section })
}

// wholeLines copies a header, without the last line if it was cut.
func wholeLines(header []byte, cut bool) []byte {
	if cut {
		header = header[:bytes.LastIndexByte(header, '\n')+1]
	}
	return bytes.Clone(header)
}

// complete returns the messages of which everything came, by UID.
func (c *collector) complete() []*message {
	out := make([]*message, 0, len(c.got))
	for i := range c.got {
		if m := &c.got[i]; m.has&c.want == c.want {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *message) int { return cmp.Compare(a.UID, b.UID) })
	return out
}

// errStructure is why FetchedStructure.Err is set.
var errStructure = errors.New("the server describes the parts of this message in a way that cannot be read")

// parseFetch reads the items of a FETCH response (RFC 9051 section 7.5.2). Items
// that are not known, and large ones that are not wanted, are passed over. ok is
// false without a UID, or when the response is malformed. Header and parts still
// lie in the response.
func parseFetch(s *scanner, want item) (m message, ok bool) {
	ok = s.list(func() bool {
		name, section, bracketed := itemName(s)
		s.spaces()
		if !bracketed {
			return m.read(s, name, want)
		}
		return m.readSection(s, name, section, want)
	})
	return m, ok && m.UID != 0
}

// itemName reads the name of an item and, of BODY[...]<...>, what is in the
// brackets, if there are any. A part from another byte than the first on has a
// section of its own.
func itemName(s *scanner) (name, section string, bracketed bool) {
	name = usualName(s.until(" ([\"{)"))
	if !s.special('[') {
		return name, "", false
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
	text := sectionName(s.b[start:s.i])
	s.special(']')
	if s.special('<') {
		if origin := string(s.until(">")); strings.Trim(origin, "0") != "" {
			text += "<" + origin
		}
		s.special('>')
	}
	return name, text, true
}

// headerFields is how the section of chosen fields begins. Which these are was asked, and is
// not kept of each answer.
const headerFields = "HEADER.FIELDS "

// sectionName is a section in capital letters, of chosen fields only how it begins.
func sectionName(b []byte) string {
	if n := len(headerFields); len(b) >= n && bytes.EqualFold(b[:n-1], []byte(headerFields[:n-1])) && (b[n-1] == ' ' || b[n-1] == '(') {
		return headerFields
	}
	return strings.ToUpper(string(b))
}

// usualName is a name in capital letters. Those that come with every message are not
// made anew for each.
func usualName(b []byte) string {
	switch string(b) {
	case "UID":
		return "UID"
	case "FLAGS":
		return "FLAGS"
	case "INTERNALDATE":
		return "INTERNALDATE"
	case "RFC822.SIZE":
		return "RFC822.SIZE"
	case "EMAILID":
		return "EMAILID"
	case "BODY":
		return "BODY"
	}
	return strings.ToUpper(string(b))
}

// read reads the value of an item without a section.
func (m *message) read(s *scanner, name string, want item) bool {
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
		m.Received, m.has = parseDate(text), m.has|itemDate
		return ok
	case "EMAILID":
		id, ok := readEmailID(s)
		m.EmailID, m.has = id, m.has|itemEmailID
		return ok
	case "X-GM-LABELS", "X-GM-THRID", "X-GM-MSGID":
		if want&itemsGmail == 0 {
			return s.skip()
		}
		has, ok := m.gmail.read(s, name)
		m.has |= has
		return ok
	case "BODYSTRUCTURE":
		if want&itemStructure == 0 {
			return s.skip()
		}
		m.structure, m.has = readStructure(s), m.has|itemStructure
		return m.structure.Err == nil || s.skip()
	case "":
		return false
	}
	return s.skip()
}

// readSection reads the value of BODY[section].
func (m *message) readSection(s *scanner, name, section string, want item) bool {
	has := item(0)
	switch {
	case name != "BODY":
	case section == "HEADER":
		has = itemHeader & want
	case strings.HasPrefix(section, headerFields): // and perhaps an origin
		has = itemFields & want
	case section == "" || section[0] == '<':
		has = itemRaw & want
	case checkSection(section) == nil:
		has = itemParts & want
	}
	if has == 0 || len(m.parts) >= maxSections {
		return s.skip()
	}
	s.cut = false
	text, ok := s.nstring()
	if has&(itemParts|itemRaw) != 0 {
		m.parts = append(m.parts, FetchedPart{Section: section, Data: text, Truncated: s.cut})
	} else {
		m.Header, m.headerCut = text, s.cut
	}
	m.has |= has
	return ok
}
