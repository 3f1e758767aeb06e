package memserver

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"sync"
)

// tracking remembers the open connections, and hides IDLE where it is switched
// off.
type tracking struct {
	net.Listener
	server *MemoryServer
}

func (l tracking) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := l.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &trackedConn{Conn: raw, server: s}
	s.conns[c] = struct{}{}
	if s.opts.NoIdle {
		return &noIdle{Conn: c}, nil
	}
	return c, nil
}

type trackedConn struct {
	net.Conn
	server *MemoryServer
	once   sync.Once
}

// Close closes the connection; the server forgets it on its own time, so that
// it may be called under the server's lock.
func (c *trackedConn) Close() error {
	c.once.Do(func() {
		go func() {
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			delete(c.server.conns, c)
		}()
	})
	return c.Conn.Close()
}

// noIdle takes IDLE out of a connection, since imapserver always offers it: out
// of the capabilities, and on the way in the command becomes an unknown one.
type noIdle struct {
	net.Conn
	line    []byte // the part of a command line that has come
	literal int    // bytes of a literal still to come
}

func (c *noIdle) Write(p []byte) (int, error) {
	head := p[:min(len(p), 64)]
	if !bytes.Contains(head, []byte("CAPABILITY IMAP4rev1")) {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(bytes.Replace(p, []byte(" IDLE"), nil, 1)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *noIdle) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for i := range p[:n] {
		c.next(p, i)
	}
	return n, err
}

// next takes in one byte of the client's stream; p[i] may be rewritten.
func (c *noIdle) next(p []byte, i int) {
	if c.literal > 0 {
		c.literal--
		return
	}
	c.line = append(c.line, p[i])
	// "IDLE" is seen at its last letter, which makes it an unknown "IDLX".
	if _, command, ok := bytes.Cut(c.line, []byte(" ")); ok && bytes.EqualFold(command, []byte("IDLE")) {
		p[i] = 'X'
	}
	if p[i] == '\n' {
		c.literal = literalSize(c.line)
		c.line = c.line[:0]
	}
}

// literalSize reads the {n} or {n+} at the end of a line.
func literalSize(line []byte) int {
	line = bytes.TrimRight(line, "\r\n")
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

// pipeListener accepts what dial opens.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
