package engine

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"imapilot/engine/imapsession"
)

// Fallback is something that the server announces and then refuses, and what
// is done instead for as long as the process runs.
type Fallback struct {
	// Feature is the capability, or STATUS.
	Feature string `json:"feature"`
	Instead string `json:"instead"`
	// Reason is the server's answer, the first time.
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Until is when the feature is tried again, zero for never.
	Until time.Time `json:"until,omitzero"`
}

// inForce are those fallbacks whose time is not over.
func inForce(all []Fallback, now time.Time) []Fallback {
	return slices.DeleteFunc(slices.Clone(all), func(b Fallback) bool { return b.isOver(now) })
}

func (b Fallback) isOver(now time.Time) bool { return !b.Until.IsZero() && !now.Before(b.Until) }

// fallbacks remembers what a server announces and does not do, so that it is
// not tried for each message. Watchers use it, too. A feature that was seen to
// work is not given up for one refusal: that is about what was asked.
type fallbacks struct {
	mu    sync.Mutex
	given map[string]Fallback
	works map[string]bool
}

// instead is what is done without a feature. Nothing here ever leads to EXPUNGE
// or CLOSE, which would remove what others flagged.
func instead(feature string) string {
	return map[string]string{
		"MOVE":          "COPY, proof of the copy, \\Deleted and UID EXPUNGE",
		"UIDPLUS":       "moved messages stay behind, flagged \\Deleted, and expunge fails",
		"IDLE":          "mailboxes are polled",
		"ESEARCH":       "plain SEARCH",
		"STATUS":        "SELECT, which shows the same",
		"CONDSTORE":     "STATUS without HIGHESTMODSEQ",
		"SPECIAL-USE":   "roles are known by the names of mailboxes, unless LIST shows them anyway",
		"LIST-EXTENDED": "plain LIST",
		"LIST-STATUS":   "STATUS of each mailbox",
		"NOTIFY":        "IDLE on the busiest mailboxes, the others are polled",
	}[feature]
}

// worked notes that a feature was seen to work.
func (f *fallbacks) worked(feature string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.works == nil {
		f.works = map[string]bool{}
	}
	f.works[feature] = true
}

// give reports whether a feature is given up now: not where it worked before.
// It is false, too, for what was given up already.
func (f *fallbacks) give(feature string, why error) (Fallback, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.works[feature] {
		return Fallback{}, false
	}
	return f.note(feature, why, 0)
}

// giveFor gives a feature up for a while, also where it worked before.
func (f *fallbacks) giveFor(feature string, why error, d time.Duration) (Fallback, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.note(feature, why, d)
}

// note writes a fallback, for ever where d is 0. The caller holds the mutex.
func (f *fallbacks) note(feature string, why error, d time.Duration) (Fallback, bool) {
	now := time.Now()
	if before, ok := f.given[feature]; ok && !before.isOver(now) {
		return Fallback{}, false
	}
	if f.given == nil {
		f.given = map[string]Fallback{}
	}
	b := Fallback{Feature: feature, Instead: instead(feature), Reason: why.Error(), Since: now}
	if d > 0 {
		b.Until = now.Add(d)
	}
	f.given[feature] = b
	return b, true
}

func (f *fallbacks) has(feature string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.given[feature]
	return ok && !b.isOver(time.Now())
}

// names are what is given up for good: sessions do without it.
func (f *fallbacks) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f.given)) {
		if f.given[name].Until.IsZero() {
			out = append(out, name)
		}
	}
	return out
}

// without stops the use of a feature, says so once in the log and for good in
// the status, and reports whether that is new. Any goroutine may call it.
func (a *account) without(feature string, why error) bool {
	b, fresh := a.fallbacks.give(feature, why)
	if !fresh {
		return false
	}
	a.log.Warn("the server announces this and refuses it; another way is used from now on",
		"feature", feature, "instead", b.Instead, "error", why)
	a.showFallback(b)
	return true
}

// withoutFor stops the use of a way to watch for a while.
func (a *account) withoutFor(feature string, why error, d time.Duration) {
	b, fresh := a.fallbacks.giveFor(feature, why, d)
	if !fresh {
		return
	}
	a.log.Warn("this way to watch does not do on this server; another one is used for a while",
		"feature", feature, "instead", b.Instead, "reason", why, "again", b.Until.Format(time.RFC3339))
	a.showFallback(b)
}

func (a *account) showFallback(b Fallback) {
	a.state.set(func(s *AccountStatus) {
		others := slices.DeleteFunc(slices.Clone(s.Fallbacks), func(o Fallback) bool { return o.Feature == b.Feature })
		s.Fallbacks = append(others, b)
	})
}

// without is the account's, for the connection that is open as well.
func (c *connection) without(feature string, why error) bool {
	if !c.account.without(feature, why) {
		return false
	}
	c.session.Without(feature)
	return true
}

// fallBack reports whether a refused step is to be sent again in another way,
// since what the server does not do is the command and not this message: it is
// a BAD (RFC 9051 section 7.1.3), or of UID EXPUNGE, which names nothing that
// could be wrong, a NO without a reason.
func (c *connection) fallBack(e *imapsession.Error) bool {
	switch {
	case e.Op == "UID MOVE" && e.Class == imapsession.Bad && !c.session.Profile().MoveOnly:
		return c.without("MOVE", e)
	case e.Op == "UID EXPUNGE" && (e.Class == imapsession.Bad || e.Class == imapsession.Message):
		return c.without("UIDPLUS", e)
	}
	return false
}

// refusedOutright reports whether a command was refused as such: a BAD, or a NO
// that gives no reason or says that it can never be.
func refusedOutright(err error) bool {
	var e *imapsession.Error
	if !errors.As(err, &e) || e.Status == "" || e.Status == "BYE" {
		return false
	}
	return e.Class == imapsession.Bad || e.Status == "NO" && (e.Code == "" && e.Class == imapsession.TryAgain || e.Code == "CANNOT")
}
