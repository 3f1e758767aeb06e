package imapsession

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// window is the net.Conn that one imapclient has of the guard. A session has an
// imapclient only while there are commands for it: two buffers and a goroutine are most
// of what an idle connection would cost. Between them the next one takes its place on the
// same connection.
type window struct {
	*guard
	out    []byte // what imapclient has still to read
	closed bool   // under guard.mu: it is not the window any more
}

// Read gives imapclient what it may see, and blocks until there is some.
func (w *window) Read(p []byte) (int, error) {
	for len(w.out) == 0 {
		if w.isClosed() {
			return 0, io.EOF
		}
		var err error
		if w.out, err = w.next(w.out[:0]); err != nil && !errors.Is(err, errRoused) {
			return 0, err
		}
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

func (w *window) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// Close ends the connection, unless another one has taken the place of imapclient.
func (w *window) Close() error {
	if !w.isClosed() {
		w.fail(errClosed)
	}
	return nil
}

// The rest of net.Conn. imapclient's deadlines are not ours, and are ignored.

// LocalAddr is the socket's.
func (w *window) LocalAddr() net.Addr { return w.raw.LocalAddr() }

// RemoteAddr is the socket's.
func (w *window) RemoteAddr() net.Addr { return w.raw.RemoteAddr() }

// SetDeadline does nothing.
func (w *window) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (w *window) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (w *window) SetWriteDeadline(time.Time) error { return nil }

// tags make the tags of imapclients that follow each other those of one connection, on
// which no tag comes twice.
type tags struct{ before, last int }

// next is the tag on the wire of a command that is about to be sent. One of our own has
// its tag already.
func (t *tags) next(op *operation) string {
	digits, ok := strings.CutPrefix(op.clientTag, "T")
	n, err := strconv.Atoi(digits)
	if op.own || !ok || err != nil {
		return op.clientTag
	}
	t.last = t.before + n
	return "T" + strconv.Itoa(t.last)
}

// open puts an imapclient above the guard, which sees a greeting of this kind.
func (s *Session) open(kind string) {
	g := s.guard
	g.mu.Lock()
	g.tags.before = g.tags.last
	g.mu.Unlock()
	w := &window{guard: g, out: []byte("* " + kind + " [CAPABILITY " + s.shown + "] ready\r\n")}
	client := imapclient.New(w, nil)
	s.clients.Lock()
	defer s.clients.Unlock()
	s.window, s.client = w, client
}

// Park has an idle session hold as little as can be, until the next command. Nothing is
// read meanwhile: what the server says is found then.
func (s *Session) Park() {
	if s.resting != nil {
		s.landAir()
	}
	if s.client == nil || len(s.air) > 0 {
		return
	}
	s.guard.leave(s.window)
	<-s.client.Closed()
	s.guard.stay()
	s.guard.in.rest()
	s.clients.Lock()
	defer s.clients.Unlock()
	s.window, s.client = nil, nil
}

// unpark gives the next commands an imapclient.
func (s *Session) unpark() error {
	if s.client != nil {
		return nil
	}
	s.open("PREAUTH") // the login was one's before it
	return s.client.WaitGreeting()
}

// leave makes the read under way end, if it is between two responses, and that of
// imapclient for good.
func (g *guard) leave(w *window) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.closed, g.rouseAt = true, time.Unix(1, 0)
	g.arm()
}

// stay lets the next one read.
func (g *guard) stay() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rouseAt = time.Time{}
}

// answered waits for the end of a command of our own.
func (s *Session) answered(op *operation) error {
	if s.client != nil {
		select {
		case <-op.done:
		case <-s.client.Closed():
		}
		return nil
	}
	for !op.completed {
		if _, err := s.guard.next(nil); err != nil {
			return err
		}
	}
	return nil
}
