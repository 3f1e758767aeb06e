package imaptest

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// DialFunc opens a connection.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Recorder stands between a client and its dialer and keeps what the client
// sends, so that a test can say what crossed the wire and what did not. It reads
// clear text only. It is safe for concurrent use, and works inside a synctest
// bubble.
type Recorder struct {
	dial DialFunc

	mu       sync.Mutex
	commands []string
	received atomic.Int64
}

// Record makes a recorder of a dialer.
func Record(dial DialFunc) *Recorder { return &Recorder{dial: dial} }

// DialContext opens a connection through the recorder.
func (r *Recorder) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := r.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &recordedConn{Conn: conn, recorder: r}, nil
}

// Commands returns the commands that were sent over all connections, in the
// order in which their lines ended: without tags and without what literals hold.
// Passwords are among them.
func (r *Recorder) Commands() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.commands)
}

// Sent returns the commands that hold a text, "BODYSTRUCTURE" or "BODY.PEEK[1]",
// whatever the case.
func (r *Recorder) Sent(text string) []string {
	text = strings.ToUpper(text)
	return slices.DeleteFunc(r.Commands(), func(c string) bool { return !strings.Contains(strings.ToUpper(c), text) })
}

// Received is how many bytes came back.
func (r *Recorder) Received() int64 { return r.received.Load() }

// Reset forgets what was recorded so far.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands = nil
	r.received.Store(0)
}

func (r *Recorder) add(command string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands = append(r.commands, command)
}

type recordedConn struct {
	net.Conn
	recorder *Recorder

	mu      sync.Mutex
	line    []byte // the part of a line that was sent
	command []byte // the lines of a command before a literal
	literal int    // bytes of a literal that are still to come
}

func (c *recordedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.recorder.received.Add(int64(n))
	return n, err
}

// Write records before it sends: whoever has seen an answer finds the command.
func (c *recordedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	for _, b := range p {
		c.next(b)
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// next takes in one byte of the client's stream.
func (c *recordedConn) next(b byte) {
	if c.literal > 0 {
		c.literal--
		return
	}
	c.line = append(c.line, b)
	if b != '\n' {
		return
	}
	line := bytes.TrimRight(c.line, "\r\n")
	c.command = append(c.command, line...)
	c.line = c.line[:0]
	if c.literal = literalSize(line); c.literal > 0 {
		return
	}
	command := string(c.command)
	c.command = c.command[:0]
	// A line without a tag is DONE, or a part of logging in.
	if tag, rest, ok := strings.Cut(command, " "); ok && tag != "" {
		command = rest
	}
	c.recorder.add(command)
}

// literalSize reads the {n} or {n+} at the end of a line.
func literalSize(line []byte) int {
	open := bytes.LastIndexByte(line, '{')
	if open < 0 || !bytes.HasSuffix(line, []byte("}")) {
		return 0
	}
	n, err := strconv.Atoi(string(bytes.TrimSuffix(line[open+1:len(line)-1], []byte("+"))))
	if err != nil {
		return 0
	}
	return n
}
