package imapsession

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Session is one authenticated connection. It is used by one goroutine at a
// time; Close may be called from any.
type Session struct {
	guard     *guard
	client    *imapclient.Client
	host      string
	secured   bool
	caps      Capabilities
	delimiter rune
	prefix    string
	timeouts  Timeouts
	close     sync.Once
}

func newSession(conn net.Conn, o Options, secured bool) *Session {
	s := &Session{guard: newGuard(conn, o), host: o.Host, secured: secured, timeouts: o.Timeouts}
	if o.Logger != nil {
		s.guard.alert = func(text string) { o.Logger.Warn("the server says", slog.String("alert", text)) }
	}
	return s
}

// Capabilities are what the server announced after login (RFC 9051 section
// 7.2.2), its names in capitals.
type Capabilities struct {
	Move, UIDPlus, Idle, CondStore, ESearch, SpecialUse, Unselect bool
	Names                                                         []string
}

func newCapabilities(set imap.CapSet) Capabilities {
	var c Capabilities
	for name := range set {
		c.Names = append(c.Names, strings.ToUpper(string(name)))
	}
	slices.Sort(c.Names)
	c.Move, c.UIDPlus, c.Idle = c.has("MOVE"), c.has("UIDPLUS"), c.has("IDLE")
	c.CondStore, c.ESearch = c.has("CONDSTORE"), c.has("ESEARCH")
	c.SpecialUse, c.Unselect = c.has("SPECIAL-USE"), c.has("UNSELECT")
	return c
}

func (c Capabilities) has(name string) bool { return slices.Contains(c.Names, name) }

// Capabilities returns what the server announced after login.
func (s *Session) Capabilities() Capabilities { return s.caps }

// Delimiter is the hierarchy separator of the personal namespace, 0 if it is
// flat.
func (s *Session) Delimiter() rune { return s.delimiter }

// Prefix is the prefix of the personal namespace, as in "INBOX.".
func (s *Session) Prefix() string { return s.prefix }

// Close ends the connection at once.
func (s *Session) Close() error {
	var err error
	s.close.Do(func() { err = s.guard.Close() })
	return err
}

// Logout says goodbye and closes the connection.
func (s *Session) Logout(ctx context.Context) error {
	defer s.Close()
	return s.run(ctx, "LOGOUT", s.host, nil, func() error { return s.client.Logout().Wait() })
}

// Noop proves that the server answers.
func (s *Session) Noop(ctx context.Context) error {
	return s.run(ctx, "NOOP", s.host, nil, func() error { return s.client.Noop().Wait() })
}

// run performs one command: it ends the connection when ctx is done or the
// command takes too long, lets tap read the untagged data, and types the
// error.
func (s *Session) run(ctx context.Context, op, subject string, tap func(resp []byte), f func() error) error {
	if err := ctx.Err(); err != nil {
		return &Error{Op: op, Subject: subject, Class: Connection, Err: err}
	}
	limited, cancel := context.WithTimeout(ctx, s.timeouts.Total)
	defer cancel()
	stop := context.AfterFunc(limited, func() { s.Close() })
	s.guard.listen(tap)
	err := f()
	s.guard.mute()
	if !stop() {
		return &Error{Op: op, Subject: subject, Class: Connection, Unknown: true, Err: context.Cause(limited)}
	}
	return s.typed(op, subject, err)
}

// typed makes an *Error of what a command came to, nil for a plain OK.
func (s *Session) typed(op, subject string, err error) error {
	var refused *imap.Error
	last, bye, failure := s.guard.state()
	switch {
	case err == nil && (last.status == "" || last.status == "OK" && !notSuccess(last.code)):
		return nil
	case err == nil || errors.As(err, &refused):
		return refusal(op, subject, last)
	case bye != "":
		e := refusal(op, subject, completion{status: "BYE", text: bye})
		e.Unknown = true
		return e
	case failure != nil:
		err = failure
	}
	return &Error{Op: op, Subject: subject, Class: Connection, Unknown: true, Err: plain(err)}
}

// plain puts a time-out in the words of a user.
func plain(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("the server did not answer in time")
	}
	return err
}

// bad reports whether a string must not become part of a command: a line
// break would end it and begin another.
func bad(s string) bool { return strings.ContainsAny(s, "\r\n\x00") }

func refuse(op, subject string) error {
	return &Error{Op: op, Subject: printable(subject), Class: Message, Err: errors.New("the name holds a line break or a NUL")}
}

// Idle waits in the selected mailbox until the server announces new mail
// (true), or refresh has passed or ctx is done (false). An announcement since
// the last SELECT counts and returns at once. The reply to DONE has its own
// deadline, so that a dead connection is noticed at every refresh.
func (s *Session) Idle(ctx context.Context, refresh time.Duration) (bool, error) {
	if s.guard.takeNews() {
		return true, nil
	}
	var news bool
	// The total limit of a command does not fit one that waits.
	err := s.idle(ctx, refresh, &news)
	return news, err
}

func (s *Session) idle(ctx context.Context, refresh time.Duration, news *bool) error {
	s.guard.listen(nil)
	cmd, err := s.client.Idle()
	if err != nil {
		return s.typed("IDLE", "", err)
	}
	timer := time.NewTimer(refresh)
	defer timer.Stop()
	select {
	case <-s.guard.newsC:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.client.Closed():
	}
	if err = cmd.Close(); err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return s.typed("IDLE", "", err)
	}
	*news = s.guard.takeNews()
	return s.typed("IDLE", "", nil)
}
