package engine

import (
	"errors"
	"math/rand/v2"
	"time"

	"imapilot/engine/imapsession"
)

// backoff decides how long an account waits before it connects again.
type backoff struct {
	timing   *Timing
	failures int
	refused  int
	loggedIn bool // since the last failure
	shown    bool // the last attempt got as far as a login
	since    time.Time
}

// verdict is what follows from a failure.
type verdict struct {
	wait   time.Duration
	parked bool
}

// connected is told of a login that worked.
func (b *backoff) connected() { b.loggedIn, b.since = true, time.Now() }

// lived is how long the connection has been logged in, 0 if it never was: what a login
// waited for its turn proves nothing.
func (b *backoff) lived() time.Duration {
	if !b.loggedIn {
		return 0
	}
	return time.Since(b.since)
}

// failed is told why a connection ended and how long it had lived. The delay
// is forgotten only after a connection that proved itself, so that a server
// which accepts a login and then drops it does not cause a storm of logins.
func (b *backoff) failed(err error, lived time.Duration) verdict {
	if lived >= b.timing.Proven {
		b.failures = 0
	}
	b.failures++
	// Where there is no grant any more, no login is made: there is nothing to count.
	if b.isRefused(err, lived) || isEnded(err) {
		return verdict{wait: b.timing.Parked, parked: true}
	}
	wait := max(b.delay(), retryAfter(err))
	if isClass(err, imapsession.Throttled) {
		wait = max(wait, b.timing.Again)
	}
	// One that came to nothing is repeated soon, for a server that was started anew; those
	// after it are a minute apart. Refusals are not, for they park the account soon.
	if b.shown && b.failures > 1 {
		wait = max(wait, min(60*b.timing.FirstRetry, b.timing.MaxRetry))
	}
	return verdict{wait: wait}
}

// isLogin reports whether a login failed that was sent: an attempt that ends before one
// costs the account nothing, and is repeated sooner.
func isLogin(err error) bool {
	var e *imapsession.Error
	return errors.As(err, &e) && (e.Op == "LOGIN" || e.Op == "AUTHENTICATE") && e.Class != imapsession.Config
}

// isRefused counts the refusals of a user in a row and reports whether there
// were enough. Exchange accepts a wrong password and refuses what comes next, so
// a login that worked ends the row only when the connection ended otherwise.
func (b *backoff) isRefused(err error, lived time.Duration) bool {
	refused := isClass(err, imapsession.Auth)
	b.shown = !refused && (b.loggedIn || isLogin(err))
	if b.loggedIn && (!refused || lived >= b.timing.Proven) {
		b.refused = 0
	}
	b.loggedIn = false
	if refused {
		b.refused++
	}
	return refused && b.refused >= maxRefusals
}

func (b *backoff) delay() time.Duration {
	d := b.timing.FirstRetry
	for range b.failures - 1 {
		d = min(d*4, b.timing.MaxRetry)
	}
	// Full delays and up to a quarter more, so that many accounts on one
	// server do not come back in step.
	return d + rand.N(d/4+1)
}

func isClass(err error, class imapsession.Class) bool {
	var e *imapsession.Error
	return errors.As(err, &e) && e.Class == class
}

func retryAfter(err error) time.Duration {
	var e *imapsession.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
