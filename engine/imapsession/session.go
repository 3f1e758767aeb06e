package imapsession

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"imapilot/engine/provider"
)

// Session is one authenticated connection. It is used by one goroutine at a
// time; only Close may be called from any.
type Session struct {
	o     *Options // the guard's, too
	guard *guard
	// client and its window are nil while the session is parked. shown is the list of
	// capabilities that clients are shown.
	clients   sync.Mutex // held to change client, and by Close, to look at it
	client    *imapclient.Client
	window    *window
	shown     string
	caps      Capabilities
	delimiter rune
	prefix    string
	mechanism string   // of the login
	foreign   []string // with what the names of mailboxes of others begin
	selected  string   // the selected mailbox, "" if none
	server    Server
	greeting  string
	profile   provider.Profile
	owned     int  // counts the commands of our own
	noEmailID bool // the server refused what it announced
	// copiedInto are the UIDVALIDITYs that COPYUID named last, by target.
	copiedInto map[string]uint32
	// air are the flights that have not landed, in the order of their sending; idleErr is how
	// the last IDLE ended, if not well, of which that is true.
	air     []*flying
	idleErr error
	// resting is the IDLE that is under way between two calls, nil if none is, and
	// idleFrom when it was sent, or that which failed.
	resting  *operation
	idleFrom time.Time
}

// Mechanism is how the session logged in: one of [Mechanisms], or "" for the LOGIN
// command, or where the server asked for nothing.
func (s *Session) Mechanism() string { return s.mechanism }

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
	s.clients.Lock()
	client := s.client
	s.clients.Unlock()
	if client != nil {
		_ = client.Close() // it reports how the connection ended, which is by this call
	}
	return nil
}

// Noop asks for nothing, and so proves that the server answers.
func (s *Session) Noop(ctx context.Context) error {
	return s.send(ctx, newOperation("NOOP", "", nil), func() func() error { return s.client.Noop().Wait })
}

// Logout says goodbye and closes the connection, whatever the server answers.
func (s *Session) Logout(ctx context.Context) error {
	err := s.send(ctx, newOperation("LOGOUT", "", nil), func() func() error { return s.client.Logout().Wait })
	if bye, _ := s.guard.failure(); bye != nil {
		err = nil // some servers say BYE and leave it at that
	}
	return errors.Join(err, s.Close())
}

// run performs one command, once what is on its way was answered. send sends it through
// imapclient and waits; what counts as its result is the completion that the guard saw.
func (s *Session) run(ctx context.Context, op *operation, send func() error) error {
	return s.send(ctx, op, func() func() error { return send })
}

// send performs one command that goes out behind what is on its way: send writes it, and
// returns what waits.
func (s *Session) send(ctx context.Context, op *operation, send func() (wait func() error)) error {
	return s.together(ctx, task{op: op, send: send})[0]
}

// together performs commands in one go: all are sent before the first reply is
// waited for (RFC 9051 section 5.5), and each has its own error. They must be
// such that the failure of one makes no other one wrong, and hold no literals.
//
// What is in the air is answered before, and landed with them.
func (s *Session) together(ctx context.Context, tasks ...task) []error {
	if ctx.Err() == nil { // or else nothing is sent
		s.leaveIdle()
	}
	f := s.takeOff(ctx, tasks)
	s.landUpTo(f)
	return f.errs
}

// maxAir is how many flights are launched before the first of them has landed: while
// the server is at work on one, it has the next at hand.
const maxAir = 3

// besideSize is how many octets are in the air beside the first flight at most. A server
// may read nothing while it is at work, and what no buffer on the way takes would wait for
// that as if the connection were dead.
const besideSize = 32 << 10

// launch is together that does not wait: the answers are taken in while the caller
// does something else, until it calls landUpTo. ctx ends the connection as long as they
// are not all there. The tasks take about so many octets.
func (s *Session) launch(ctx context.Context, size int, tasks ...task) *flying {
	if s.resting != nil {
		s.landAir()
	}
	for len(s.air) >= maxAir || len(s.air) > 0 && s.beside()+size > besideSize {
		s.landUpTo(s.air[0])
	}
	f := s.takeOff(ctx, tasks)
	f.size = size
	return f
}

// beside is how many octets are in the air beside the first flight.
func (s *Session) beside() (size int) {
	for _, f := range s.air[1:] {
		size += f.size
	}
	return size
}

// takeOff sends tasks behind what is in the air.
func (s *Session) takeOff(ctx context.Context, tasks []task) *flying {
	f := &flying{tasks: tasks, errs: make([]error, len(tasks)), outcome: s.outcome}
	if s.refusedToBegin(ctx, f) {
		f.landed = true
		return f
	}
	s.o.Traffic.RoundTrips.Add(1)
	f.stop = context.AfterFunc(ctx, func() { s.guard.fail(context.Cause(ctx)) })
	s.sendAll(f)
	s.air = append(s.air, f)
	return f
}

// sendAll sends every task of a flight, and what is held already, in one write.
func (s *Session) sendAll(f *flying) {
	s.guard.hold()
	defer s.guard.release()
	f.send()
}

// landAir waits for all that is in the air.
func (s *Session) landAir() {
	s.leaveIdle()
	s.guard.release()
	if n := len(s.air); n > 0 {
		s.landUpTo(s.air[n-1])
	}
}

// landUpTo waits for a flight, and for those that were sent before it.
func (s *Session) landUpTo(f *flying) {
	for !f.landed {
		first := s.air[0]
		first.await()
		s.air = slices.Delete(s.air, 0, 1)
		s.guard.goOn(opsOf(s.air))
		first.land()
	}
}

// refusedToBegin announces tasks to the guard, and tells whether nothing may be
// sent any more.
func (s *Session) refusedToBegin(ctx context.Context, f *flying) bool {
	if err := ctx.Err(); err != nil {
		for i, t := range f.tasks {
			f.errs[i] = &Error{Op: t.op.command, Subject: t.op.subject, Class: Connection, Err: err}
		}
		return true
	}
	err := s.guard.begin(append(opsOf(s.air), f.ops()...)...)
	if err == nil {
		err = s.unpark()
	}
	if err != nil {
		for i, t := range f.tasks {
			f.errs[i] = s.lost(t.op, err)
		}
		return true
	}
	return false
}

// opsOf are the operations of some flights.
func opsOf(all []*flying) (out []*operation) {
	for _, f := range all {
		out = append(out, f.ops()...)
	}
	return out
}

// flying is commands that were sent together.
type flying struct {
	tasks []task
	waits []func() error
	// errs are how they ended, by outcome, once they have landed.
	errs    []error
	outcome func(op *operation, err error) error
	stop    func() bool
	landed  bool
	size    int // about so many octets were sent
}

func (f *flying) ops() []*operation {
	out := make([]*operation, len(f.tasks))
	for i, t := range f.tasks {
		out[i] = t.op
	}
	return out
}

// send sends every task.
func (f *flying) send() {
	f.waits = make([]func() error, len(f.tasks))
	for i, t := range f.tasks {
		f.waits[i] = t.send()
	}
}

// await waits for every answer.
func (f *flying) await() {
	for i, wait := range f.waits {
		f.errs[i] = wait()
	}
}

// land tells how everything ended that was waited for.
func (f *flying) land() {
	if f.stop != nil {
		f.stop()
	}
	f.landed = true
	for i, t := range f.tasks {
		f.errs[i] = f.outcome(t.op, f.errs[i])
	}
}

// outcome makes an error of how an operation ended, nil for plain success.
func (s *Session) outcome(op *operation, err error) error {
	switch {
	case !op.completed:
		return s.lost(op, err)
	case op.completion.status != "OK", notSuccess(op.completion.code):
		e := refusal(op.command, op.subject, op.completion)
		s.caps.MessageLimit = lower(s.caps.MessageLimit, e.Limit) // an announcement that came late
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
