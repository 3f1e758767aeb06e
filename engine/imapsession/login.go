package imapsession

import (
	"context"
	"errors"
	"strings"
)

// login authenticates, unless the server did so itself, and reads the
// capabilities again: they may differ before and after.
func (s *Session) login(ctx context.Context, greeting response) error {
	if err := s.client.WaitGreeting(); err != nil {
		return &Error{Op: "GREETING", Subject: s.o.Host, Class: Connection, Err: err}
	}
	s.greeting = printable(string(greeting.text))
	if err := s.readCapabilities(ctx); err != nil {
		return err
	}
	s.o.Trace.announced(s.caps, greeting.kind == "PREAUTH")
	if greeting.kind == "PREAUTH" {
		return nil
	}
	if err := s.authenticate(ctx); err != nil {
		return err
	}
	err := s.readCapabilities(ctx)
	s.o.Trace.announced(s.caps, true)
	return err
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
	s.setCapabilities(names)
	s.shown = clientCaps(names)
	return nil
}

// authenticate logs in, as strongly as the server and what there is to show allow.
func (s *Session) authenticate(ctx context.Context) error {
	mechanism, err := s.o.mechanism(s.caps)
	if err != nil {
		return refuse("LOGIN", s.o.Host, Config, err)
	}
	s.o.Trace.tried(mechanism)
	if mechanism == loginCommand {
		op := newOperation("LOGIN", s.o.Host, nil)
		op.showCaps = true
		return s.run(ctx, op, func() error { return s.client.Login(s.o.Username, s.o.Password).Wait() })
	}
	s.mechanism = mechanism
	x, err := s.exchange(mechanism)
	if err != nil {
		return refuse("AUTHENTICATE", s.o.Host, Config, err)
	}
	op := newOperation("AUTHENTICATE", s.o.Host, nil)
	op.showCaps = true
	op.continuations = maxChallenges // without SASL-IR the server asks for the first response, too
	return x.judge(s.o.Host, s.run(ctx, op, func() error { return s.client.Authenticate(x) }))
}

// judge adds to how a login ended what only its mechanism knows.
func (x *exchange) judge(host string, err error) error {
	var e *Error
	switch {
	case x.failed != nil:
		return refuse("AUTHENTICATE", host, Auth, x.failed)
	case err == nil && x.proven != nil && !x.proven():
		return refuse("AUTHENTICATE", host, Auth, errProof)
	case errors.As(err, &e) && x.reason != "":
		e.Text = strings.TrimSpace(e.Text + " " + x.reason)
	}
	return err
}
