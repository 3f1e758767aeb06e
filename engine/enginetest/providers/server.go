package providers

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"imapilot/engine/enginetest/model"
)

// Provider is a kind of server.
type Provider struct {
	// Name is that of its profile.
	Name string
	// Host is where its users connect to; one that tells nothing where it may be anywhere.
	Host string

	options model.Options
	// behave answers a command otherwise than the model does, "" if it does not.
	behave func(s *Server, op model.Operation) string
	// spoil is what goes wrong with a command that is done.
	spoil func(s *Server, op model.Operation) model.Fault
}

// Server is a running server of a provider.
type Server struct {
	*model.Server
	Provider Provider

	mu       sync.Mutex
	sent     []Command
	known    map[int]bool         // the sessions that sent ID
	shown    map[string]time.Time // when mail that comes late can be fetched
	throttle time.Time            // nothing is answered well before that
	closed   bool                 // lets everybody in and nobody do anything
	before   func(model.Operation) model.Fault
}

// Command is one that the daemon sent.
type Command struct {
	model.Operation
	At time.Time
}

// Start starts a server.
func (p Provider) Start() *Server {
	s := &Server{Provider: p, known: map[int]bool{}, shown: map[string]time.Time{}}
	o := p.options
	o.Kind.Answer = s.answer
	s.Server = model.New(o, s.decide, nil)
	return s
}

// DialContext opens a connection, whatever the address.
func (s *Server) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return s.Dial(ctx, network, address)
}

func (s *Server) decide(op model.Operation) model.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, Command{op, time.Now()})
	if s.before != nil {
		if fault := s.before(op); fault != model.None {
			return fault
		}
	}
	if s.Provider.spoil == nil {
		return model.None
	}
	return s.Provider.spoil(s, op)
}

// Before has a test decide what goes wrong with a command; nil is nothing.
func (s *Server) Before(f func(op model.Operation) model.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

func (s *Server) answer(op model.Operation) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Provider.behave == nil {
		return ""
	}
	return s.Provider.behave(s, op)
}

// Sent are the commands that came in, in order.
func (s *Server) Sent() []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// Throttle makes an Exchange server ask everybody to wait for so long.
func (s *Server) Throttle(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttle = time.Now().Add(d)
}

// LetInOnly makes an Exchange server accept every login and nothing after it, as it does
// with a wrong password.
func (s *Server) LetInOnly(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = yes
}
