package imapsession

import (
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
// returns false when refresh has passed (at most 25 minutes), or ctx is done,
// which is no error and leaves the session usable. What was announced since the
// last SELECT, or since Idle last returned true, counts, and Idle returns at
// once.
//
// Each call ends with a DONE whose reply has Timeouts.IdleDone to come: a
// connection that died is noticed no later than that after refresh.
func (s *Session) Idle(ctx context.Context, refresh time.Duration) (bool, error) {
	if !s.caps.Idle {
		return false, refuse("IDLE", s.selected, Bad, errors.New("the server does not offer IDLE"))
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
	err := s.idle(ctx, op, min(refresh, maxIdle))
	s.guard.end()
	if op.completion.status == "OK" && op.continuations > 0 {
		// It never said "+": it does not know how to wait, and would be asked
		// again at once, for ever.
		return false, &Error{Op: "IDLE", Subject: s.selected, Status: "OK", Class: Bad, Err: errors.New("the server ended IDLE before it began")}
	}
	if errors.Is(err, errProtocol) && op.completion.status == "OK" {
		return false, s.lost(op, err)
	}
	if err := s.outcome(op, err); err != nil {
		return false, err
	}
	return s.guard.takeNews(), nil
}

// idle sends IDLE, waits, and sends DONE.
func (s *Session) idle(ctx context.Context, op *operation, refresh time.Duration) error {
	timer := time.NewTimer(refresh)
	defer timer.Stop()
	// Until the server has said "+", DONE cannot be sent.
	stop := context.AfterFunc(ctx, func() { s.guard.hurry(s.o.Timeouts.IdleDone) })
	defer stop()
	cmd, err := s.client.Idle()
	if err != nil {
		return err
	}
	select {
	case <-s.guard.newsCh:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.client.Closed():
	case <-op.done:
		// Nobody asked it to end: the server and we are out of step.
		err = fmt.Errorf("%w: it ended IDLE by itself", errProtocol)
		s.guard.fail(err)
	}
	s.guard.hurry(s.o.Timeouts.IdleDone)
	if closing := cmd.Close(); err == nil && closing == nil {
		return cmd.Wait()
	} else if err == nil {
		err = closing
	}
	return err
}
