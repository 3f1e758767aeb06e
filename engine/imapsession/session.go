package imapsession

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/emersion/go-imap/v2/imapclient"
)

// Session is one authenticated connection. It is used by one goroutine at a
// time; only Close may be called from any.
type Session struct {
	o         Options
	guard     *guard
	client    *imapclient.Client
	caps      Capabilities
	delimiter rune
	prefix    string
	selected  string // the selected mailbox, "" if none
	server    Server
	owned     int  // counts the commands of our own
	noEmailID bool // the server refused what it announced
	// ending is an IDLE whose DONE was sent and not answered yet, idleErr how the
	// last such one ended, if not well.
	ending  *ending
	idleErr error
}

// Capabilities returns what the server announced after login.
func (s *Session) Capabilities() Capabilities { return s.caps }

// Traffic counts what passes through the session.
func (s *Session) Traffic() *Traffic { return s.o.Traffic }

// Server returns how the server introduced itself after login.
func (s *Session) Server() Server { return s.server }

// Delimiter is the hierarchy separator of the personal namespace, 0 if it is
// flat.
func (s *Session) Delimiter() rune { return s.delimiter }

// Prefix is what the names of the personal namespace begin with, as in
// "INBOX.", or empty.
func (s *Session) Prefix() string { return s.prefix }

// Close ends the connection at once. It may be called more than once, and from
// any goroutine; a method under way then returns an error.
func (s *Session) Close() error {
	s.guard.fail(errClosed)
	_ = s.client.Close() // it reports how the connection ended, which is by this call
	return nil
}

// Noop asks for nothing, and so proves that the server answers.
func (s *Session) Noop(ctx context.Context) error {
	return s.run(ctx, newOperation("NOOP", "", nil), func() error { return s.client.Noop().Wait() })
}

// Logout says goodbye and closes the connection, whatever the server answers.
func (s *Session) Logout(ctx context.Context) error {
	err := s.run(ctx, newOperation("LOGOUT", "", nil), func() error { return s.client.Logout().Wait() })
	if bye, _ := s.guard.failure(); bye != nil {
		err = nil // some servers say BYE and leave it at that
	}
	return errors.Join(err, s.Close())
}

// run performs one command. send sends it through imapclient and waits; what
// counts as its result is the completion that the guard saw.
func (s *Session) run(ctx context.Context, op *operation, send func() error) error {
	return s.together(ctx, task{op: op, send: func() func() error { return send }})[0]
}

// together performs commands in one go: all are sent before the first reply is
// waited for (RFC 9051 section 5.5), and each has its own error. They must be
// such that the failure of one makes no other one wrong, and hold no literals.
func (s *Session) together(ctx context.Context, tasks ...task) []error {
	errs := make([]error, len(tasks))
	ops := make([]*operation, len(tasks))
	for i, t := range tasks {
		ops[i] = t.op
	}
	before := s.ending
	if err := ctx.Err(); err != nil {
		for i, op := range ops {
			errs[i] = &Error{Op: op.command, Subject: op.subject, Class: Connection, Err: err}
		}
		return errs
	}
	if err := s.guard.begin(before.ahead(ops)...); err != nil {
		for i, op := range ops {
			errs[i] = s.lost(op, err)
		}
		return errs
	}
	s.o.Traffic.RoundTrips.Add(1)
	stop := context.AfterFunc(ctx, func() { s.guard.fail(context.Cause(ctx)) })
	sendAll(tasks, before, errs)
	stop()
	s.guard.end()
	s.ended(before)
	for i, op := range ops {
		errs[i] = s.outcome(op, errs[i])
	}
	return errs
}

// sendAll sends every task and then waits for them, and first for what ends before
// them.
func sendAll(tasks []task, before *ending, errs []error) {
	waits := make([]func() error, len(tasks))
	for i, t := range tasks {
		waits[i] = t.send()
	}
	before.await()
	for i, wait := range waits {
		errs[i] = wait()
	}
}

// outcome makes an error of how an operation ended, nil for plain success.
func (s *Session) outcome(op *operation, err error) error {
	switch {
	case !op.completed:
		return s.lost(op, err)
	case op.completion.status != "OK", notSuccess(op.completion.code):
		e := refusal(op.command, op.subject, op.completion)
		if e.Limit > 0 && (s.caps.MessageLimit == 0 || e.Limit < s.caps.MessageLimit) {
			s.caps.MessageLimit = e.Limit // an announcement that came late
		}
		return e
	case op.failed != nil:
		return &Error{Op: op.command, Subject: op.subject, Status: "OK", Class: Limit, Err: op.failed}
	}
	return nil
}

// lost is the error of a command that the connection did not outlive.
func (s *Session) lost(op *operation, err error) error {
	bye, cause := s.guard.failure()
	switch {
	case cause != nil:
		err = cause
	case err == nil:
		err = errClosed
	}
	if bye != nil && errors.Is(err, errBye) {
		e := refusal(op.command, op.subject, *bye)
		e.Unknown, e.Err = op.sent, nil
		return e
	}
	e := &Error{Op: op.command, Subject: op.subject, Class: Connection, Unknown: op.sent, Err: inWords(err)}
	if errors.Is(err, errArgument) {
		e.Class = Bad
	}
	// A connection that is left half way through a command is of no use.
	s.guard.fail(err)
	return e
}

// inWords puts what the network says in a user's words.
func inWords(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server closed the connection: %w", err)
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return fmt.Errorf("%w: %w", errClosed, err)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", errTimeout, err)
	}
	return err
}

// refuse is the error of a command that is not sent at all.
func refuse(command, subject string, class Class, err error) error {
	return &Error{Op: command, Subject: printable(subject), Class: class, Err: err}
}
