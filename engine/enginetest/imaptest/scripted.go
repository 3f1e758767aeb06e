package imaptest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// ScriptedServer says to each connection what a script tells it to: a server
// as bad as a test wants it. It needs no socket and works inside a synctest
// bubble; Listen gives it one, for a client in another process.
type ScriptedServer struct {
	t      testing.TB
	script func(c *Script)

	mu      sync.Mutex
	dialled int
	running sync.WaitGroup
}

// Scripted makes a server of a script, which runs once for each connection.
// When it returns, the connection is closed.
func Scripted(t testing.TB, script func(c *Script)) *ScriptedServer {
	t.Helper()
	return &ScriptedServer{t: t, script: script}
}

// DialContext opens a connection, whatever the address.
func (s *ScriptedServer) DialContext(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	s.serve(server)
	return client, nil
}

// Listen opens a socket on the loopback interface until the end of the test,
// which waits for the scripts.
func (s *ScriptedServer) Listen() (host string, port int) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed at the end of the test
			}
			s.serve(conn)
		}
	})
	s.t.Cleanup(func() {
		_ = l.Close() // this is what ends accepting
		accepting.Wait()
		s.Wait()
	})
	return split(l.Addr().String())
}

func (s *ScriptedServer) serve(conn net.Conn) {
	s.mu.Lock()
	s.dialled++
	c := &Script{Conn: conn, Number: s.dialled, t: s.t, r: bufio.NewReader(conn)}
	s.mu.Unlock()
	s.running.Go(func() {
		defer func() { _ = conn.Close() }() // the client may be gone already
		s.script(c)
	})
}

// Connections is how many there were.
func (s *ScriptedServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialled
}

// Wait waits until every script has returned.
func (s *ScriptedServer) Wait() { s.running.Wait() }

// Script is the server's end of one connection. A client that went away is
// noticed by Read; what is sent to it is lost.
type Script struct {
	net.Conn
	// Number counts the connections from 1.
	Number int

	t testing.TB
	r *bufio.Reader
}

// Send sends lines.
func (c *Script) Send(lines ...string) {
	for _, line := range lines {
		if _, err := io.WriteString(c.Conn, line+"\r\n"); err != nil {
			return
		}
	}
}

// Sendf sends one line.
func (c *Script) Sendf(format string, args ...any) { c.Send(fmt.Sprintf(format, args...)) }

// Read reads a command: its tag and the rest of the line. ok is false when the
// client is gone.
func (c *Script) Read() (tag, command string, ok bool) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", "", false
	}
	tag, command, _ = strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	return tag, command, true
}

// Expect reads a command that must begin with this text, and returns its tag. A
// client that is gone yields "".
func (c *Script) Expect(command string) (tag string) {
	c.t.Helper()
	tag, got, ok := c.Read()
	if ok && !strings.HasPrefix(got, command) {
		c.t.Errorf("the client sent %q, want %q", got, command)
	}
	return tag
}

// Answer reads a command and answers it with lines, of which the last is the
// completion without its tag.
func (c *Script) Answer(command string, lines ...string) {
	c.t.Helper()
	tag := c.Expect(command)
	last := len(lines) - 1
	c.Send(lines[:last]...)
	c.Send(tag + " " + lines[last])
}

// Login greets, offers only LOGIN, lets the client in with these capabilities
// and answers LIST "" "".
func (c *Script) Login(capabilities string) {
	c.t.Helper()
	c.Send("* OK [CAPABILITY IMAP4rev1] hello")
	c.Answer("LOGIN", "OK [CAPABILITY IMAP4rev1 "+capabilities+"] welcome")
	c.Answer(`LIST "" ""`, `* LIST (\Noselect) "/" ""`, "OK done")
}

// Select answers SELECT with an empty mailbox.
func (c *Script) Select() {
	c.t.Helper()
	c.Answer("SELECT", "* 0 EXISTS", "* OK [UIDVALIDITY 7] ok", "* OK [UIDNEXT 8] ok", "OK [READ-WRITE] selected")
}

// Drain reads until the client is gone.
func (c *Script) Drain() {
	_, _ = io.Copy(io.Discard, c.r) // the client going away is what it waits for
}
