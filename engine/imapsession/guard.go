package imapsession

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

var (
	errProtocol = errors.New("the server breaks the protocol")
	errTimeout  = errors.New("the server did not answer in time")
	errClosed   = errors.New("the connection was closed")
	errBye      = errors.New("the server ended the connection")
	// errRoused ends a read between two responses; the connection is as it was.
	errRoused = errors.New("it is not to be read any more")
)

// guard is what imapclient reads and writes, through a window; see the package comment.
type guard struct {
	conn net.Conn // the secured connection
	raw  net.Conn // the socket below it
	o    *Options

	in *assembler // read by one goroutine at a time: imapclient's, or that of an IDLE

	mu sync.Mutex
	// rouseAt is when a read that waits for nothing but news is to end, zero for never;
	// listening is set while one does. between is set where no response has begun.
	rouseAt            time.Time
	listening, between bool
	roused             bool // it is to end, or that which begins next
	tags               tags
	ops                []*operation // what was begun, in the order of sending; none between commands
	responses          int          // since they were begun, or since the last ones ended
	junk               int
	caps               []string // the last list that the server sent, in upper case
	news               bool
	left               string        // the mailbox of whose IDLE no Idle returned the news
	newsCh             chan struct{} // holds a token while there may be news
	notices            *Notices      // what NOTIFY brought, nil before it
	bye                *completion
	remarks            remarks
	err                error // why the connection ended; the first reason stays
	// held is what waits to be sent together, while holding is set.
	held    []byte
	holding bool
}

func newGuard(conn, raw net.Conn, o *Options) *guard {
	g := &guard{conn: conn, raw: raw, o: o, newsCh: make(chan struct{}, 1)}
	g.in = newAssembler(socket{g}, o.Limits)
	g.in.buffers = o.Buffers
	return g
}

// begin announces the commands that may be sent next, each once and in this
// order.
func (g *guard) begin(ops ...*operation) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	limit := time.Now().Add(g.o.Timeouts.Total)
	for _, op := range ops {
		if !op.sent { // the end of an IDLE has its own
			op.limit = limit
		}
	}
	g.ops, g.responses = ops, 0
	g.arm()
	return nil
}

// end says that the answers are no longer waited for.
func (g *guard) end() { g.goOn(nil) }

// goOn says that of all commands these are waited for still, if any. The server comes to
// them only now: their time begins.
func (g *guard) goOn(ops []*operation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := time.Now().Add(g.o.Timeouts.Total)
	for _, op := range ops {
		if !op.completed {
			op.limit = limit
		}
	}
	g.ops, g.responses = ops, 0
	g.arm()
}

// hurry gives the command under way d to end, however busy it is.
func (g *guard) hurry(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, op := range g.ops {
		if at := time.Now().Add(d); op.idling || at.Before(op.limit) {
			op.limit = at
		}
		op.idling = false
	}
	g.arm()
}

// arm sets the deadline of reading: none while nothing is due. A read that is to be
// ended ends between two responses. The caller holds the mutex.
func (g *guard) arm() {
	var at time.Time
	switch op := g.due(); {
	case op != nil:
		at = op.limit
		if quiet := time.Now().Add(g.o.Timeouts.Command); quiet.Before(at) {
			at = quiet
		}
	case g.rouseAt.IsZero():
	case g.between:
		at = g.rouseAt
	default:
		at = time.Now().Add(g.o.Timeouts.Command)
	}
	_ = g.conn.SetReadDeadline(at) // fails on a closed connection only, which the next read reports
}

// due is the first command whose reply is waited for.
func (g *guard) due() *operation {
	for _, op := range g.ops {
		if !op.completed && !op.idling {
			return op
		}
	}
	return nil
}

// fail ends the connection for a reason. It may be called from any goroutine.
func (g *guard) fail(err error) {
	g.mu.Lock()
	if g.err == nil {
		g.err = err
	}
	g.mu.Unlock()
	_ = g.raw.Close() // it may be closed already
}

// failure is why the connection ended, nil while it lives, and the server's BYE
// if it said one.
func (g *guard) failure() (bye *completion, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bye, g.err
}

// socket is the reading side below the assembler: it prolongs the deadline with
// every read.
type socket struct{ g *guard }

func (s socket) Read(p []byte) (int, error) {
	for {
		s.g.mu.Lock()
		s.g.arm()
		s.g.mu.Unlock()
		n, err := s.g.conn.Read(p)
		s.g.o.Traffic.Received.Add(int64(n))
		late := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case n > 0:
			s.g.begun()
			if late {
				err = nil
			}
		case late:
			if err = s.g.late(); err == nil {
				continue
			}
		}
		return n, err
	}
}

// begun notes that a part of a response has come.
func (g *guard) begun() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.between = false
}

// late is what a deadline that passed means. One that passed while nothing is due was
// meant for a command that ended in the same moment, and means nothing.
func (g *guard) late() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.due() != nil:
		return errTimeout
	case g.rouseAt.IsZero():
		return nil
	case !g.between:
		return errTimeout
	case time.Now().Before(g.rouseAt):
		return nil
	}
	return errRoused
}

// next reads one response, and deals with it. It returns out with what imapclient is
// to see of it.
func (g *guard) next(out []byte) ([]byte, error) {
	g.mu.Lock()
	g.between = g.in.isEmpty()
	g.mu.Unlock()
	line, err := g.in.next()
	if err == nil {
		g.o.Traffic.Responses.Add(1)
		out, err = g.handle(line, out)
	}
	if err != nil && !errors.Is(err, errRoused) {
		g.fail(err)
	}
	return out, err
}

// Write lets the announced commands pass, and nothing else.
func (g *guard) Write(p []byte) (int, error) {
	asked := len(p)
	p, err := g.permit(p)
	if err != nil {
		g.fail(err)
		return 0, err
	}
	if p = g.pass(g.response(p)); len(p) == 0 {
		return asked, nil
	}
	return asked, g.send(p)
}

// pass returns what is to be sent now that some bytes have come: all that was held
// with them, or nothing. What asks the server for a word before it goes on is never
// held.
func (g *guard) pass(p []byte) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.holding {
		return p
	}
	g.held = append(g.held, p...)
	if op := g.writing(); len(g.held) < heldMost && (op == nil || op.continuations == 0) {
		return nil
	}
	return g.letGo()
}

// heldMost is how many bytes are held for one packet: what is longer is a message.
const heldMost = 64 << 10

// letGo ends holding, and returns what was held. The caller holds the mutex.
func (g *guard) letGo() []byte {
	p := g.held
	g.held, g.holding = nil, false
	return p
}

// hold gathers what is written from now on until release, so that commands which go
// together are one packet and wake the server once.
func (g *guard) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = true
}

// release sends what was held. That it could not be sent is why the connection then
// has ended.
func (g *guard) release() {
	g.mu.Lock()
	p := g.letGo()
	g.mu.Unlock()
	if len(p) > 0 {
		_ = g.send(p) // it is what the commands fail with
	}
}

// send writes to the server.
func (g *guard) send(p []byte) error {
	n, err := g.conn.Write(p)
	g.o.Traffic.Sent.Add(int64(n))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errTimeout
	}
	if err != nil {
		g.fail(err)
	}
	return err
}

// permit checks the start of a command and notes its tag, and counts the
// continuation requests that it asks for with literals. It returns what is to be sent.
func (g *guard) permit(p []byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return nil, g.err
	}
	op := g.writing()
	if op == nil {
		return nil, fmt.Errorf("%w: a command that nobody began", errArgument)
	}
	if !op.sent {
		tag, rest, _ := bytes.Cut(p, []byte(" "))
		after, ok := bytes.CutPrefix(rest, []byte(op.command))
		if !ok || len(after) == 0 || after[0] != ' ' && after[0] != '\r' {
			return nil, fmt.Errorf("%w: another command than %s", errArgument, op.command)
		}
		op.clientTag, op.sent = string(tag), true
		op.tag = g.tags.next(op)
		if op.tag != op.clientTag {
			p = append([]byte(op.tag), p[len(tag):]...)
		}
		g.o.Traffic.Commands.Add(1)
	}
	op.lineEnded = bytes.HasSuffix(p, []byte("\n"))
	if line, ok := bytes.CutSuffix(p, []byte("\r\n")); ok && !bytes.HasSuffix(line, []byte("+}")) {
		if _, _, literal := announcedLiteral(line); literal {
			op.continuations++
		}
	}
	g.arm()
	return p, g.conn.SetWriteDeadline(time.Now().Add(g.o.Timeouts.Command))
}

// writing is the operation that the next bytes belong to: the last one that was
// begun on the wire, until its line has ended and there is another one. nil
// means that nothing may be sent.
func (g *guard) writing() *operation {
	next := slices.IndexFunc(g.ops, func(op *operation) bool { return !op.sent })
	if next < 0 {
		next = len(g.ops)
	}
	switch {
	case next < len(g.ops) && (next == 0 || g.ops[next-1].lineEnded):
		return g.ops[next]
	case next > 0 && !g.ops[next-1].completed:
		return g.ops[next-1]
	}
	return nil
}
