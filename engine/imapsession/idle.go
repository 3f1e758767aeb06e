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

// Idle waits in the selected mailbox, by IDLE (RFC 2177), until the server
// announces that it changed (EXISTS, EXPUNGE, FETCH): then it returns true. It
// returns false when refresh has passed (at most 25 minutes, or what the server's
// profile allows), or ctx is done,
// which is no error and leaves the session usable. What was announced since the
// last SELECT, or since Idle last returned true, counts, and Idle returns at
// once.
//
// Each call ends with a DONE whose reply has Timeouts.IdleDone to come: a
// connection that died is noticed no later than that after refresh. After news the
// reply is not waited for: the next command goes out behind the DONE.
func (s *Session) Idle(ctx context.Context, refresh time.Duration) (bool, error) {
	if !s.caps.Idle {
		return false, refuse("IDLE", s.selected, Bad, errors.New("the server does not offer IDLE"))
	}
	if err := s.finishIdle(); err != nil {
		return false, err
	}
	if s.guard.takeNews() {
		return true, nil
	}
	if s.guard.takeRoused() || ctx.Err() != nil {
		return false, nil
	}
	s.Park()
	op := newOperation("IDLE", s.selected, nil)
	op.continuations, op.own = 1, true
	if err := s.guard.begin(op); err != nil {
		return false, s.lost(op, err)
	}
	err := s.idle(ctx, op, min(refresh, cmp.Or(s.profile.IdleMax, maxIdle)))
	if err == nil && !op.completed && s.guard.takeNews() {
		s.flyDone(op)
		return true, nil
	}
	return s.finish(op, err)
}

// flyDone has what follows go out behind the DONE, not after its answer.
func (s *Session) flyDone(op *operation) {
	s.air = &flying{tasks: []task{{op: op}}, waits: []func() error{func() error { return s.answered(op) }}, errs: make([]error, 1),
		outcome: func(op *operation, err error) error { s.idleErr = s.idled(op, err); return s.idleErr }}
}

// finish waits for the end of an IDLE, and reports whether there was news in the end.
func (s *Session) finish(op *operation, err error) (news bool, _ error) {
	s.guard.release()
	if err == nil {
		err = s.answered(op)
	}
	s.guard.end()
	if err := s.idled(op, err); err != nil {
		return false, err
	}
	return s.guard.takeNews(), nil
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

// idle sends IDLE, listens, and sends DONE, which after news is held for the command that
// follows. No goroutine and no buffer wait meanwhile but the caller's, and its stack is
// kept low.
func (s *Session) idle(ctx context.Context, op *operation, refresh time.Duration) error {
	if err := s.sayIdle(); err != nil {
		return err
	}
	news, err := s.listen(ctx, func() (ended, news bool) { return s.guard.heard(op) }, refresh)
	if err != nil {
		return err
	}
	return s.sayDone(op, news)
}

func (s *Session) sayIdle() error {
	s.owned++
	_, err := fmt.Fprintf(s.guard, "%s%d IDLE\r\n", ownTag, s.owned)
	return err
}

func (s *Session) sayDone(op *operation, news bool) error {
	g := s.guard
	switch {
	case op.completed && op.continuations > 0:
		return nil // it was refused
	case op.completed:
		// Nobody asked it to end: the server and we are out of step.
		err := fmt.Errorf("%w: it ended IDLE by itself", errProtocol)
		g.fail(err)
		return err
	case news:
		g.hold()
	}
	g.hurry(s.o.Timeouts.IdleDone)
	_, err := g.Write([]byte("DONE\r\n"))
	return err
}

// listen reads, on a parked session, until heard says that it ends, or until d has passed
// or ctx is done.
func (s *Session) listen(ctx context.Context, heard func() (ended, news bool), d time.Duration) (news bool, err error) {
	g := s.guard
	g.listen(time.Now().Add(d), s.o.Timeouts.IdleDone)
	stop := context.AfterFunc(ctx, func() { g.rouse(s.o.Timeouts.IdleDone) })
	defer func() { stop(); g.listened() }()
	for {
		if ended, news := heard(); ended {
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
	g.rouseAt = time.Unix(1, 0)
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
