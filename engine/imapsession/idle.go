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
	if ctx.Err() != nil {
		return false, nil
	}
	op := newOperation("IDLE", s.selected, nil)
	op.continuations = 1
	if err := s.guard.begin(op); err != nil {
		return false, s.lost(op, err)
	}
	wait, err := s.idle(ctx, op, min(refresh, cmp.Or(s.profile.IdleMax, maxIdle)))
	if err == nil && s.guard.takeNews() {
		// What follows goes out behind the DONE, not after its answer.
		s.air = &flying{tasks: []task{{op: op}}, waits: []func() error{wait}, errs: make([]error, 1),
			outcome: func(op *operation, err error) error { s.idleErr = s.idled(op, err); return s.idleErr }}
		return true, nil
	}
	s.guard.release()
	if err == nil {
		err = wait()
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

// idle sends IDLE, waits, and sends DONE. It returns what waits for the end.
func (s *Session) idle(ctx context.Context, op *operation, refresh time.Duration) (wait func() error, err error) {
	timer := time.NewTimer(refresh)
	defer timer.Stop()
	// Until the server has said "+", DONE cannot be sent.
	stop := context.AfterFunc(ctx, func() { s.guard.hurry(s.o.Timeouts.IdleDone) })
	defer stop()
	cmd, err := s.client.Idle()
	if err != nil {
		return nil, err
	}
	select {
	case <-s.guard.newsCh:
		s.guard.hold() // the DONE, for the command that follows
	case <-timer.C:
	case <-ctx.Done():
	case <-s.client.Closed():
	case <-op.done:
		// Nobody asked it to end: the server and we are out of step.
		err = fmt.Errorf("%w: it ended IDLE by itself", errProtocol)
		s.guard.fail(err)
	}
	s.guard.hurry(s.o.Timeouts.IdleDone)
	if closing := cmd.Close(); err == nil {
		err = closing
	}
	return cmd.Wait, err
}
