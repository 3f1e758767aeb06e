package hostile

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"imapilot/engine/enginetest/imaptest"
)

// when says whether the answer to a command is tampered with.
type when int

const (
	before  when = iota // the lie, then the true answer
	instead             // the lie, and the end of the connection; the server never hears of the command
	after               // the server obeys; the lie is all that is heard of it, and the end
	alone               // the lie is the whole answer, and the connection goes on
)

// lie is one attack.
type lie struct {
	// at is the command that it waits for: the first one that begins with it and
	// holds every further word. "GREETING" is the beginning of a connection.
	at   string
	when when
	tell func(c *told)
}

// told is the client that a lie is told to.
type told struct {
	w   *bufio.Writer
	r   *bufio.Reader
	tag string
	err error
}

// say writes one line.
func (c *told) say(format string, args ...any) { c.raw(fmt.Sprintf(format, args...) + "\r\n") }

// raw writes bytes.
func (c *told) raw(s string) {
	if c.err == nil {
		_, c.err = c.w.WriteString(s)
	}
}

// flood says a line n times, or until the client is gone: -1 is for ever.
func (c *told) flood(line string, n int) {
	for i := 0; i != n && c.err == nil; i++ {
		c.raw(line)
	}
}

// silence waits until the client is gone.
func (c *told) silence() {
	if c.err = c.w.Flush(); c.err == nil {
		_, c.err = io.Copy(io.Discard, c.r)
	}
}

// liar stands between clients and a server.
type liar struct {
	dial imaptest.DialFunc
	lie  lie

	mu    sync.Mutex
	lines []string // that clients sent, as they came
	told  int      // how often the lie was told
	conns int
	over  chan struct{} // closed when the lie is over
}

func newLiar(srv *imaptest.Server, l lie) *liar {
	return &liar{dial: srv.DialContext, lie: l, over: make(chan struct{})}
}

// listen opens a socket for the liar, until the end of the test.
func (l *liar) listen(t testing.TB) (host string, port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return // closed at the end of the test
			}
			serving.Go(func() { l.serve(conn) })
		}
	})
	t.Cleanup(func() { ln.Close(); serving.Wait() })
	addr := ln.Addr().(*net.TCPAddr)
	return addr.IP.String(), addr.Port
}

// dialPipe connects to the liar through a pipe, for tests in a bubble.
func (l *liar) dialPipe(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go l.serve(server)
	return client, nil
}

// serve relays one connection, command by command.
func (l *liar) serve(conn net.Conn) {
	defer conn.Close()
	up, err := l.dial(context.Background(), "tcp", "")
	if err != nil {
		return
	}
	defer up.Close()
	l.mu.Lock()
	l.conns++
	l.mu.Unlock()
	r := relay{liar: l, client: bufio.NewReader(conn), out: bufio.NewWriterSize(conn, 32<<10), up: up, server: bufio.NewReader(up)}
	r.run()
}

// taken reports whether a command is the one to lie at, once.
func (l *liar) taken(command string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lie.tell == nil || l.told > 0 || !matches(l.lie.at, command) {
		return false
	}
	l.told++
	return true
}

func matches(at, command string) bool {
	words := strings.Split(at, " ... ")
	if !strings.HasPrefix(command, words[0]) {
		return false
	}
	for _, w := range words[1:] {
		if !strings.Contains(command, w) {
			return false
		}
	}
	return true
}

func (l *liar) record(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// sent are the lines that clients sent so far.
func (l *liar) sent() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

// connections counts them.
func (l *liar) connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns
}

// wasTold reports whether the lie was told to its end.
func (l *liar) wasTold() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// relay is one connection through a liar.
type relay struct {
	liar   *liar
	client *bufio.Reader
	out    *bufio.Writer
	up     net.Conn
	server *bufio.Reader
	alone  bool // the lie was the whole answer
}

func (r *relay) run() {
	greeting, err := r.server.ReadString('\n')
	if err != nil || !r.attack("GREETING", "*") {
		return
	}
	if _, err := r.out.WriteString(greeting); err != nil || r.out.Flush() != nil {
		return
	}
	for {
		line, err := r.client.ReadString('\n')
		if err != nil {
			return
		}
		r.liar.record(line)
		tag, command, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		switch goesOn := r.attack(command, tag); {
		case goesOn && r.alone:
			r.alone = false
			continue
		case !goesOn:
			return
		}
		if !r.forward(line) || !r.answer(tag, strings.HasPrefix(command, "IDLE")) {
			return
		}
	}
}

// attack lies if it is time, and reports whether the connection goes on: with the
// true answer unless alone is set.
func (r *relay) attack(command, tag string) bool {
	if !r.liar.taken(command) {
		return true
	}
	defer close(r.liar.over)
	l := r.liar.lie
	if l.when == after {
		honest := r.out
		r.out = bufio.NewWriter(io.Discard)
		r.forward(tag + " " + command + "\r\n")
		r.answer(tag, false)
		r.out = honest
	}
	c := &told{w: r.out, r: r.client, tag: tag}
	l.tell(c)
	r.alone = l.when == alone
	return r.out.Flush() == nil && (l.when == before || r.alone)
}

// forward passes on a line, and the literals that it announces.
func (r *relay) forward(line string) bool {
	if _, err := io.WriteString(r.up, line); err != nil {
		return false
	}
	size, waits, ok := literal(line)
	if !ok {
		return true
	}
	if waits { // "{5}": the server says when
		if ready, err := r.server.ReadString('\n'); err != nil || r.pass(ready) != nil {
			return false
		}
	}
	if _, err := io.CopyN(r.up, r.client, size); err != nil {
		return false
	}
	rest, err := r.client.ReadString('\n')
	r.liar.record(rest)
	return err == nil && r.forward(rest)
}

func (r *relay) pass(line string) error {
	if _, err := r.out.WriteString(line); err != nil {
		return err
	}
	return r.out.Flush()
}

// answer passes on what the server says up to the end of a command.
func (r *relay) answer(tag string, idle bool) bool {
	for {
		line, err := r.server.ReadString('\n')
		if err != nil || !r.literals(line) {
			return false
		}
		switch {
		case strings.HasPrefix(line, tag+" "):
			return r.out.Flush() == nil
		case strings.HasPrefix(line, "+") && idle:
			go r.more() // DONE may come at any time
		case strings.HasPrefix(line, "+"):
			if r.out.Flush() != nil || !r.more() {
				return false
			}
		}
		if r.server.Buffered() == 0 && r.out.Flush() != nil {
			return false
		}
	}
}

// more passes on one further line of the client's.
func (r *relay) more() bool {
	line, err := r.client.ReadString('\n')
	if err != nil {
		r.up.Close()
		return false
	}
	r.liar.record(line)
	_, err = io.WriteString(r.up, line)
	return err == nil
}

// literals passes on a line and the literals that follow it.
func (r *relay) literals(line string) bool {
	for {
		if _, err := r.out.WriteString(line); err != nil {
			return false
		}
		size, _, ok := literal(line)
		if !ok {
			return true
		}
		if _, err := io.CopyN(r.out, r.server, size); err != nil {
			return false
		}
		var err error
		if line, err = r.server.ReadString('\n'); err != nil {
			return false
		}
	}
}

// literal reads the {n} or {n+} at the end of a line.
func literal(line string) (size int64, waits, ok bool) {
	line = strings.TrimRight(line, "\r\n")
	open := strings.LastIndexByte(line, '{')
	if open < 0 || !strings.HasSuffix(line, "}") {
		return 0, false, false
	}
	digits, plus := strings.CutSuffix(line[open+1:len(line)-1], "+")
	size, err := strconv.ParseInt(digits, 10, 32)
	return size, !plus, err == nil
}
