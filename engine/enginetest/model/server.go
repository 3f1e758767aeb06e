package model

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Options say what the server does not offer.
type Options struct {
	NoMove, NoUIDPlus, NoIdle, NoESearch, NoSpecialUse bool
	// NoCopyUID offers UIDPLUS and never names what it copied.
	NoCopyUID bool
	// Gmail offers X-GM-EXT-1, and mailboxes are labels.
	Gmail bool
	Kind  Kind
}

// Operation is one command that came in.
type Operation struct {
	// Session counts connections, from 1.
	Session int
	// Command is in capitals, with UID: "UID FETCH".
	Command string
	Args    string
	Mailbox string // that is selected
}

// Server is a running model. Its methods may be called from any goroutine, and
// act as another client of the same user would.
type Server struct {
	opts Options
	// decide is asked about every command; nil is no fault ever.
	decide func(Operation) Fault
	// touches is told what messages a command of the daemon is about to change.
	touches func(mailbox string, validity uint32, uids []imap.UID)

	mu         sync.Mutex
	boxes      map[string]*mailbox
	sessions   map[*session]struct{}
	count      int // sessions so far
	origins    int
	validity   uint32
	logins     []time.Time
	idling     map[string]int
	violations []string
	full       map[string]bool // mailboxes over quota
	shut       map[string]bool // mailboxes that cannot be selected
	peak       int             // of sessions that were logged in at once
	idlesEnded int
	others     int              // connections of other programs
	marks      map[int][]string // by origin, labels that no mailbox shows
}

// New makes a server with an INBOX and the usual mailboxes. decide is asked
// about every command, touches told of every message that one changes; either
// may be nil. Both are called without the server's lock.
func New(o Options, decide func(Operation) Fault, touches func(mailbox string, validity uint32, uids []imap.UID)) *Server {
	if decide == nil {
		decide = func(Operation) Fault { return None }
	}
	if touches == nil {
		touches = func(string, uint32, []imap.UID) {}
	}
	s := &Server{
		opts: o, decide: decide, touches: touches, boxes: map[string]*mailbox{}, sessions: map[*session]struct{}{},
		idling: map[string]int{}, full: map[string]bool{}, shut: map[string]bool{}, marks: map[int][]string{}, validity: 1,
	}
	for _, name := range []string{"INBOX", "Trash", "Archive", "Junk"} {
		s.create(name)
	}
	if o.Kind.Labels {
		s.create(allMail)
	}
	return s
}

func (s *Server) create(name string) *mailbox {
	s.validity++
	b := &mailbox{name: name, validity: s.validity, next: 1}
	s.boxes[name] = b
	return b
}

// Dial opens a connection through a pipe.
func (s *Server) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	s.Serve(server)
	return client, nil
}

// Serve serves a connection, and does not wait for its end.
func (s *Server) Serve(conn net.Conn) {
	s.mu.Lock()
	s.count++
	c := newSession(s, conn, s.count)
	s.sessions[c] = struct{}{}
	s.mu.Unlock()
	c.start()
}

// Cut ends every connection without a word.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		c.cut()
	}
}

// Deliver puts a message into a mailbox, which is made when it is missing, and
// returns its origin.
func (s *Server) Deliver(name string, l Letter) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[name]
	if b == nil {
		b = s.create(name)
	}
	s.origins++
	m := &Message{Origin: s.origins, Subject: l.Subject, ID: l.MessageID, Received: l.Received, flags: slices.Clone(l.Flags)}
	if m.Received.IsZero() {
		m.Received = time.Now()
	}
	m.Received = m.Received.UTC().Truncate(time.Second)
	m.header, m.body = compose(l)
	b.add(m)
	s.labelled(m)
	s.tell(b)
	return m.Origin
}

// Place is where a message lies.
type Place struct {
	Mailbox  string
	Validity uint32
	Message
}

// All returns every message, by mailbox and UID.
func (s *Server) All() []Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Place
	for _, name := range s.names() {
		for _, m := range s.boxes[name].messages {
			out = append(out, Place{Mailbox: name, Validity: s.boxes[name].validity, Message: *copyOf(m)})
		}
	}
	return out
}

func (s *Server) names() []string { return slices.Sorted(maps.Keys(s.boxes)) }

// Flag sets or clears a flag of an origin's copy in a mailbox.
func (s *Server) Flag(name string, origin int, flag imap.Flag, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[name]
	if b == nil {
		return
	}
	for _, m := range b.messages {
		if m.Origin == origin {
			m.set(flag, on)
		}
	}
	s.tell(b)
}

// Move moves an origin's copies from one mailbox to another.
func (s *Server) Move(origin int, from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b := s.boxes[from], s.boxes[to]
	if a == nil {
		return
	}
	if b == nil {
		b = s.create(to)
	}
	for _, m := range slices.Clone(a.messages) {
		if m.Origin == origin {
			a.remove(m.UID)
			c := copyOf(m)
			c.set(imap.FlagDeleted, false)
			b.add(c)
		}
	}
	s.tell(a)
	s.tell(b)
}

// Expunge removes an origin's copies from a mailbox.
func (s *Server) Expunge(name string, origin int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[name]
	if b == nil {
		return
	}
	b.messages = slices.DeleteFunc(b.messages, func(m *Message) bool { return m.Origin == origin })
	s.tell(b)
}

// Create makes a mailbox.
func (s *Server) Create(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.boxes[name] == nil {
		s.create(name)
	}
}

// Delete removes a mailbox with what it holds.
func (s *Server) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(name)
	delete(s.boxes, name)
}

// Rename renames a mailbox; what it holds keeps its UIDs and UIDVALIDITY.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[from]
	if b == nil || s.boxes[to] != nil {
		return
	}
	s.leave(from)
	delete(s.boxes, from)
	b.name = to
	s.boxes[to] = b
}

// Renumber gives a mailbox another UIDVALIDITY and its messages other UIDs.
// rewrite changes their dates and sizes, too, as a migration may.
func (s *Server) Renumber(name string, rewrite bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[name]
	if b == nil {
		return
	}
	s.leave(name)
	s.validity++
	b.validity, b.next = s.validity, 1
	for _, m := range b.messages {
		m.UID = b.next
		b.next++
		if rewrite {
			m.Received = m.Received.Add(time.Second)
			m.pad += 7
		}
	}
}

// leave disconnects who has a mailbox selected.
func (s *Server) leave(name string) {
	for c := range s.sessions {
		if c.selected == name {
			c.cut()
		}
	}
}

// Fill makes a mailbox refuse whatever would be put into it, for its quota.
func (s *Server) Fill(name string, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full[name] = full
}

// Shut makes a mailbox refuse to be selected; what is put into it still arrives.
func (s *Server) Shut(name string, shut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut[name] = shut
}

// Logins returns when somebody logged in.
func (s *Server) Logins() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logins)
}

// Violations returns what the daemon did that it must never do.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Server) violate(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// tell wakes the sessions that idle on a mailbox.
func (s *Server) tell(b *mailbox) {
	for c := range s.sessions {
		if c.selected == b.name {
			select {
			case c.news <- struct{}{}:
			default:
			}
		}
	}
}

func (s *Server) capabilities() string {
	caps := []string{"IMAP4rev1", "LITERAL+", "NAMESPACE", "UNSELECT", "AUTH=PLAIN", "SASL-IR"}
	for name, off := range map[string]bool{
		"MOVE": s.opts.NoMove, "UIDPLUS": s.opts.NoUIDPlus, "IDLE": s.opts.NoIdle,
		"ESEARCH": s.opts.NoESearch, "SPECIAL-USE": s.opts.NoSpecialUse,
	} {
		if !off {
			caps = append(caps, name)
		}
	}
	if s.opts.Gmail {
		caps = append(caps, "X-GM-EXT-1")
	}
	slices.Sort(caps)
	return strings.Join(caps, " ")
}
