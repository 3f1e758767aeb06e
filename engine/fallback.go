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
}

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
	_, before := f.given[feature]
	if before || f.works[feature] {
		return Fallback{}, false
	}
	if f.given == nil {
		f.given = map[string]Fallback{}
	}
	b := Fallback{Feature: feature, Instead: instead(feature), Reason: why.Error(), Since: time.Now()}
	f.given[feature] = b
	return b, true
}

func (f *fallbacks) has(feature string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.given[feature]
	return ok
}

func (f *fallbacks) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.given))
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
	a.state.set(func(s *AccountStatus) { s.Fallbacks = append(slices.Clone(s.Fallbacks), b) })
	return true
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
