package imapsession

import (
	"context"
	"errors"

	"github.com/emersion/go-sasl"
)

// login authenticates, unless the server did so itself, and reads the
// capabilities again: they may differ before and after.
func (s *Session) login(ctx context.Context, greeting response) error {
	if err := s.client.WaitGreeting(); err != nil {
		return &Error{Op: "GREETING", Subject: s.o.Host, Class: Connection, Err: err}
	}
	if err := s.readCapabilities(ctx); err != nil || greeting.kind == "PREAUTH" {
		return err
	}
	if err := s.authenticate(ctx); err != nil {
		return err
	}
	return s.readCapabilities(ctx)
}

// readCapabilities takes the list that came with the last answer, or asks.
func (s *Session) readCapabilities(ctx context.Context) error {
	names := s.guard.takeCapabilities()
	if names == nil {
		op := newOperation("CAPABILITY", s.o.Host, nil)
		op.showCaps = true
		err := s.run(ctx, op, func() error {
			_, err := s.client.Capability().Wait()
			return err
		})
		if err != nil {
			return err
		}
		names = s.guard.takeCapabilities()
	}
	s.caps = newCapabilities(names)
	return nil
}

// authenticate prefers AUTHENTICATE PLAIN (RFC 4616), which carries any
// password, to LOGIN.
func (s *Session) authenticate(ctx context.Context) error {
	switch {
	case s.caps.Has("AUTH=PLAIN"):
		return s.authenticatePlain(ctx)
	case s.caps.Has("LOGINDISABLED"):
		return refuse("LOGIN", s.o.Host, Config, errors.New("the server takes no password on this connection: use TLS, or another way to log in"))
	}
	op := newOperation("LOGIN", s.o.Host, nil)
	op.showCaps = true
	return s.run(ctx, op, func() error { return s.client.Login(s.o.Username, s.o.Password).Wait() })
}

func (s *Session) authenticatePlain(ctx context.Context) error {
	op := newOperation("AUTHENTICATE", s.o.Host, nil)
	op.showCaps = true
	op.continuations = 1 // without SASL-IR the server asks for the response
	return s.run(ctx, op, func() error {
		return s.client.Authenticate(sasl.NewPlainClient("", s.o.Username, s.o.Password))
	})
}
