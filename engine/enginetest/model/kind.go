package model

import (
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Kind is what a server does otherwise than the plain one. The zero Kind does nothing
// otherwise.
type Kind struct {
	// Greeting is the text of the first line.
	Greeting string
	// Hidden are capabilities that are shown after login only, Extra are shown beside
	// those of Options.
	Hidden bool
	Extra  []string
	// ID is the answer to ID, as in `("name" "Dovecot")`; "" does not know the command.
	ID string
	// Answer is asked about every command: what it returns is said in place of doing it,
	// without the tag; "" does it. What begins with "* BYE" ends the connection.
	Answer func(op Operation) string
	// MessageLimit is how many messages one command is done for, the highest, with an OK
	// that says so (RFC 9738 section 3); 0 is any number.
	MessageLimit int
	// Connections is how many may be logged in at once; one more gets OverLimit for an
	// answer. 0 is any number.
	Connections int
	OverLimit   string
	// IdleEnds is after how long an IDLE is ended, with the connection; 0 is never.
	IdleEnds time.Duration
	// Labels makes each message one that is in many mailboxes, as by labels: all of them
	// in "All Mail". What is put where it is already stays one, and what is flagged
	// \Deleted leaves its mailbox at once.
	Labels bool
}

const allMail = "All Mail"

// announced are the capabilities that a session is shown.
func (c *session) announced() string {
	k := c.server.opts.Kind
	if k.Hidden && !c.loggedIn {
		return "IMAP4rev1 AUTH=PLAIN SASL-IR"
	}
	return strings.Join(append([]string{c.server.capabilities()}, k.Extra...), " ")
}

// enter lets a session in, unless there are as many as there may be. The caller holds the
// lock.
func (c *session) enter() bool {
	in := 1 + c.server.others
	for other := range c.server.sessions {
		if other.loggedIn {
			in++
		}
	}
	if most := c.server.opts.Kind.Connections; most > 0 && in > most {
		return false
	}
	c.loggedIn = true
	c.server.peak = max(c.server.peak, in)
	return true
}

// Occupy takes so many connections for other programs of the user.
func (s *Server) Occupy(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = n
}

// Copy copies an origin's message of one mailbox to another, as another client would.
func (s *Server) Copy(origin int, from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.boxes[from].messages {
		if m.Origin == origin {
			s.put(s.boxes[to], m)
		}
	}
	s.tell(s.boxes[to])
}

// Peak is how many connections were logged in at once, at most.
func (s *Server) Peak() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

// Restart is what a server does that is started again: every connection ends, and every
// mailbox has another UIDVALIDITY if renumbered is set.
func (s *Server) Restart(renumbered bool) {
	if renumbered {
		for _, name := range s.Names() {
			s.Renumber(name, false)
		}
	}
	s.Cut()
}

// idled counts an IDLE that the server ended.
func (s *Server) idled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idlesEnded++
}

// IdlesEnded is how many IDLEs the server ended by itself.
func (s *Server) IdlesEnded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idlesEnded
}

// Names are those of all mailboxes.
func (s *Server) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names()
}

// identify answers ID (RFC 2971).
func identify(r *request) string {
	if r.server.opts.Kind.ID == "" {
		return "BAD Unknown command"
	}
	r.printf("* ID %s\r\n", r.server.opts.Kind.ID)
	return "OK done"
}

// limited is the part of some messages that a command is done for, and the code that
// says so.
func (r *request) limited(all []*Message) ([]*Message, string) {
	most := r.server.opts.Kind.MessageLimit
	if most == 0 || len(all) <= most {
		return all, ""
	}
	all = all[len(all)-most:]
	return all, fmt.Sprintf("[MESSAGELIMIT %d %d] ", most, all[0].UID)
}

// put adds a copy of a message to a mailbox, unless it is there by its label already.
func (s *Server) put(to *mailbox, m *Message) imap.UID { return s.into(to, m).UID }

// labelled is told of a message that was delivered: it is in "All Mail", too.
func (s *Server) labelled(m *Message) {
	if s.opts.Kind.Labels {
		s.put(s.boxes[allMail], m)
	}
}

// expungeAtOnce takes away what was just flagged \Deleted, where that does it alone.
func (s *Server) expungeAtOnce(b *mailbox, changed []*Message) {
	for _, m := range changed {
		if s.opts.Kind.Labels && m.Has(imap.FlagDeleted) {
			b.remove(m.UID)
		}
	}
}
