package imapsession

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// maxIdle is the longest a single IDLE lasts: servers may log a client out after
// 29 minutes (RFC 2177), and imapclient would renew it by itself after 28.
const maxIdle = 25 * time.Minute

// Idled is how an Idle ended that did not fail.
type Idled int

// How an Idle ends.
const (
	// Interrupted: the time was over, Rouse was called, or the context is done. Nobody
	// asked the server for anything.
	Interrupted Idled = iota
	// Renewed: the server has ended an IDLE and waits in the next one, which proves that
	// it is there.
	Renewed
	// News: the server announced that the mailbox changed.
	News
)

// lastRead is for how long what has come already is read when listening ends: whoever is
// roused again and again hears it all the same.
const lastRead = time.Millisecond

// Idle waits in the selected mailbox, by IDLE (RFC 2177), until the server
// announces that it changed (EXISTS, EXPUNGE, FETCH), until some time, or until ctx is
// done, which is no error and leaves the session usable. The zero time is never. What was
// announced since the last SELECT, or since Idle last returned News, counts, and Idle
// returns at once.
//
// The IDLE lasts beyond the call: the next Idle goes on with it, and any other command
// goes out behind its DONE, in one write. What the server tells in one IDLE is limited by
// Limits.Responses, over however many calls. Once it has lasted for refresh, rounded up to a
// whole second from a minute on, at most 25 minutes or what the server's profile allows, it
// is renewed by DONE and IDLE in one write, and Idle returns. The answers have
// Timeouts.IdleDone to come: a connection that died is noticed no later than that after
// refresh.
func (s *Session) Idle(ctx context.Context, refresh time.Duration, until time.Time) (Idled, error) {
	if !s.caps.Idle {
		return Interrupted, refuse("IDLE", s.selected, Bad, errors.New("the server does not offer IDLE"))
	}
	if s.resting == nil {
		if err := s.finishIdle(); err != nil {
			return Interrupted, err
		}
	}
	switch {
	case s.guard.takeNews():
		return News, nil
	case ctx.Err() != nil || s.resting == nil && s.guard.takeRoused():
		return Interrupted, nil
	case s.resting == nil:
		s.Park()
		if op, err := s.startIdle(nil); err != nil {
			return Interrupted, s.endedEarly(op, err)
		}
	}
	return s.idle(ctx, renewAt(s.idleFrom, min(refresh, cmp.Or(s.profile.IdleMax, maxIdle))), until)
}

// IdleSince is when the IDLE was sent that goes on after Idle returned, and that the server
// has answered, or that Idle failed with; the zero time where there is none.
func (s *Session) IdleSince() time.Time { return s.idleFrom }

// LeftNews is the mailbox whose IDLE brought news that no Idle returned, until the next one
// does; empty where there is none. It came while the IDLE was about to end, and a SELECT that
// went out behind the DONE has made it void for the session.
func (s *Session) LeftNews() string {
	g := s.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	mailbox := g.left
	g.left = ""
	return mailbox
}

// hears takes what is told before an IDLE has ended: it is about the mailbox of that, and no
// part of the answer to a SELECT behind the DONE. It is called with the mutex held.
func (g *guard) hears(mailbox string) func(response) bool {
	return func(r response) bool {
		switch r.kind {
		case "EXISTS", "EXPUNGE", "VANISHED", "FETCH":
			g.announce()
			g.left = mailbox
			return true
		}
		return false
	}
}

// renewAt is when an IDLE is renewed. Of thousands of sessions those that are due within
// one second wake the process once.
func renewAt(from time.Time, refresh time.Duration) time.Time {
	at := from.Add(refresh)
	if part := time.Duration(at.Nanosecond()); part > 0 && refresh >= time.Minute {
		at = at.Add(time.Second - part)
	}
	return at
}

// idle listens in the IDLE under way. No goroutine and no buffer wait meanwhile but the
// caller's, and its stack is kept low.
func (s *Session) idle(ctx context.Context, renew, until time.Time) (Idled, error) {
	op, at := s.resting, renew
	if !until.IsZero() && until.Before(at) {
		at = until
	}
	news, err := s.listen(ctx, func() (ended, news bool) { return s.guard.heard(op) }, time.Until(at))
	switch {
	case err != nil || op.completed:
		return Interrupted, s.endedEarly(op, err)
	case news:
		s.guard.takeNews()
		return News, nil
	case ctx.Err() != nil || time.Now().Before(renew):
		return Interrupted, nil
	}
	return s.renew(op)
}

// startIdle sends IDLE, behind the DONE of the one before, if there was one.
func (s *Session) startIdle(before *operation) (*operation, error) {
	op := newOperation("IDLE", s.selected, s.guard.hears(s.selected))
	op.continuations, op.own = 1, true
	ops := []*operation{op}
	if before != nil {
		ops = []*operation{before, op}
	}
	if err := s.guard.begin(ops...); err != nil {
		return op, err
	}
	s.owned++
	s.resting, s.idleFrom = op, time.Now()
	_, err := s.guard.Write(fmt.Appendf(nil, "%s%d IDLE\r\n", ownTag, s.owned))
	return op, err
}

// renew ends an IDLE and begins the next, and waits until the server has said yes to both.
func (s *Session) renew(old *operation) (Idled, error) {
	s.resting = nil
	s.sayDone(old)
	op, err := s.startIdle(old)
	s.guard.hurry(s.o.Timeouts.IdleDone)
	for err == nil && (!old.completed || !op.idling && !op.completed) {
		_, err = s.guard.next(nil)
	}
	switch {
	case err != nil && !old.completed:
		return Interrupted, s.endedEarly(old, err)
	case err != nil || op.completed:
		return Interrupted, cmp.Or(s.idled(old, nil), s.endedEarly(op, err))
	}
	if err := s.guard.begin(op); err != nil {
		return Interrupted, s.endedEarly(op, err)
	}
	if err := s.idled(old, nil); err != nil {
		return Interrupted, err // the next one goes on
	}
	return Renewed, nil
}

// leaveIdle ends the IDLE that is under way, if one is: its DONE goes out with what
// follows, and idleErr is how it ended.
func (s *Session) leaveIdle() {
	op := s.resting
	if op == nil {
		return
	}
	s.resting, s.idleFrom = nil, time.Time{}
	s.sayDone(op)
	s.air = append(s.air, &flying{tasks: []task{{op: op}}, waits: []func() error{func() error { return s.answered(op) }}, errs: make([]error, 1),
		outcome: func(op *operation, err error) error { s.idleErr = s.idled(op, err); return s.idleErr }})
}

// endedEarly is the error of an IDLE that nobody ended.
func (s *Session) endedEarly(op *operation, err error) error {
	s.resting = nil
	if err == nil && op.continuations == 0 {
		err = fmt.Errorf("%w: it ended IDLE by itself", errProtocol) // the server and we are out of step
		s.guard.fail(err)
	}
	s.guard.end()
	return s.idled(op, err)
}

// idled is the error of an IDLE that has ended.
func (s *Session) idled(op *operation, err error) error {
	if op.completion.status == "OK" && op.continuations > 0 {
		// It never said "+": it does not know how to wait, and would be asked
		// again at once, for ever.
		return &Error{Op: "IDLE", Subject: s.selected, Status: "OK", Class: Bad, Err: errors.New("the server ended IDLE before it began")}
	}
	if errors.Is(err, errProtocol) && op.completion.status == "OK" {
		return s.lost(op, err)
	}
	return s.outcome(op, err)
}

// finishIdle waits for the end of an IDLE whose DONE was sent, and tells how the
// last one ended.
func (s *Session) finishIdle() error {
	s.landAir()
	err := s.idleErr
	s.idleErr = nil
	return err
}

// sayDone has DONE go out with the command that follows. A connection on which nothing
// can be written any more is what that one fails with.
func (s *Session) sayDone(op *operation) {
	s.guard.hold()
	s.guard.hurry(s.o.Timeouts.IdleDone)
	_, _ = s.guard.Write([]byte("DONE\r\n"))
}

// listen reads, on a parked session, until heard says that it ends, or until d has passed
// or ctx is done.
func (s *Session) listen(ctx context.Context, heard func() (ended, news bool), d time.Duration) (news bool, err error) {
	g := s.guard
	g.listen(time.Now().Add(max(d, lastRead)), s.o.Timeouts.IdleDone)
	stop := context.AfterFunc(ctx, func() { g.rouse(s.o.Timeouts.IdleDone) })
	defer func() { stop(); g.listened() }()
	for {
		// What came with the news is read with it: of a flood each line would be news.
		if ended, news := heard(); ended && !g.in.hasLine() {
			return news, nil
		}
		g.in.rest()
		switch _, err := g.next(nil); {
		case errors.Is(err, errRoused):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// listen begins listening, which lasts until some time. One that was roused before ends as
// rouse(d) has it.
func (g *guard) listen(until time.Time, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listening, g.rouseAt = true, until; g.roused {
		g.listenNoMore(d)
	}
}

// Rouse has the Idle or the Listen that is under way, or else the one that begins next,
// end as if its time had passed. It may be called from any goroutine.
func (s *Session) Rouse() { s.guard.rouse(s.o.Timeouts.IdleDone) }

// rouse ends listening, from any goroutine. Until the server has said "+", DONE cannot be
// sent: for that it has d.
func (g *guard) rouse(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.roused = true; g.listening {
		g.listenNoMore(d)
	}
}

// listenNoMore has the caller hold the mutex.
func (g *guard) listenNoMore(d time.Duration) {
	for _, op := range g.ops {
		if at := time.Now().Add(d); at.Before(op.limit) {
			op.limit = at
		}
	}
	g.rouseAt = time.Now().Add(lastRead)
	g.arm()
}

// heard tells whether listening has reached its end.
func (g *guard) heard(op *operation) (ended, news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	news = g.news && op.idling
	return op.completed || news, news
}

func (g *guard) listened() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listening, g.roused, g.rouseAt = false, false, time.Time{}
}

// takeRoused reports whether what begins next is to end at once.
func (g *guard) takeRoused() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	roused := g.roused
	g.roused = false
	return roused
}
