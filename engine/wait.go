package engine

import (
	"context"
	"time"

	"imapilot/engine/imapsession"
)

// wait returns at once while a run is under way, else when a mailbox was announced, a request came, at has come or
// ctx is done. With a single connection it idles meanwhile. All of the stack below lasts
// as long as an account waits: what is done before and after is not there.
func (c *connection) wait(ctx context.Context, at time.Time) (*request, error) {
	c.heart.beat(time.Until(at))
	defer c.heart.beat(0)
	if len(c.passes) > 0 {
		return c.glance(), nil
	}
	switch can, err := c.canIdle(ctx); {
	case err != nil:
		return nil, err
	case can:
		return c.idle(ctx, at)
	}
	return c.sit(ctx, at), nil
}

// canIdle selects what the work connection idles on, and reports whether there is that.
func (c *connection) canIdle(ctx context.Context) (bool, error) {
	if !c.idlesItself() {
		return false, nil
	}
	if c.selected == c.itself {
		return true, nil
	}
	switch sel, err := c.sel(ctx, c.itself); {
	case err == nil:
		if before := c.swept.of(c.itself); before.UIDNext != 0 && isNews(before, statusOf(sel)) {
			c.wake.mailbox(c.itself) // it came while another mailbox was selected
		}
		return true, nil
	case mailboxOnly(err):
		return false, nil
	default:
		return false, err
	}
}

// glance is wait while a run is under way.
func (c *connection) glance() *request {
	if c.idlesItself() {
		c.wake.mailbox(c.itself) // nothing else tells of mail meanwhile
	}
	select {
	case req := <-c.requests:
		return &req
	default:
		return nil
	}
}

// sit is wait without IDLE.
func (c *connection) sit(ctx context.Context, at time.Time) *request {
	c.session.Park()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-c.wake.token:
	case req := <-c.requests:
		return &req
	}
	return nil
}

// idlesItself reports whether the work connection is the only one, and idles.
func (c *connection) idlesItself() bool { return c.itself != "" }

// idle waits on the work connection itself, in an IDLE that may go on afterwards: until
// news, a wake-up, a request, at, or the renewal of the IDLE.
func (c *connection) idle(ctx context.Context, at time.Time) (*request, error) {
	how, err := c.attend(ctx, at)
	return c.attended(ctx, how, err, idleLasted(c.session))
}

func (c *connection) attend(ctx context.Context, at time.Time) (imapsession.Idled, error) {
	c.wake.calls(c.session.Rouse)
	defer c.wake.calls(nil)
	return c.session.Idle(ctx, c.cfg.Idle, at)
}

// attended is what follows from how a wait in an IDLE ended that has lasted so long.
func (c *connection) attended(ctx context.Context, how imapsession.Idled, err error, lasted time.Duration) (*request, error) {
	req := c.woken()
	if c.idled(err, lasted) {
		c.session.Without("IDLE")
		c.idleItself("")
		return req, nil
	}
	if err != nil {
		if req != nil {
			c.answer(ctx, *req)
		}
		return nil, err
	}
	// What the server says to IDLE is as good as its answer to NOOP.
	at := provedBy(c.session, how)
	c.state.proof(c.dir.config(c.itself), at)
	c.proved = later(c.proved, at)
	if how == imapsession.News {
		c.covered.hear(c.itself)
		c.wake.mailbox(c.itself)
	}
	return req, nil
}

// provedBy is when the server last proved that it answers an IDLE, by how one ended.
func provedBy(s *imapsession.Session, how imapsession.Idled) time.Time {
	if how == imapsession.News {
		return time.Now()
	}
	return s.IdleSince()
}

// idleLasted is for how long an IDLE has gone on, or went on until it failed.
func idleLasted(s *imapsession.Session) time.Duration {
	if since := s.IdleSince(); !since.IsZero() {
		return time.Since(since)
	}
	return 0
}

// woken takes the token, and the request that came with it, nil if none did.
func (c *connection) woken() *request {
	select {
	case <-c.wake.token:
	default:
	}
	select {
	case req := <-c.requests:
		return &req
	default:
		return nil
	}
}
