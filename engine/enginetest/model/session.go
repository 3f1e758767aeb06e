package model

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
)

// session is one connection.
type session struct {
	server *Server
	conn   net.Conn
	number int
	lines  chan string
	news   chan struct{}
	ended  chan struct{} // closed by cut
	once   sync.Once
	out    *outbox

	// The rest is guarded by the server's mutex.
	selected string
	readOnly bool
	loggedIn bool
	view     []seen
	deaf     bool // answers nothing any more
}

// seen is a message as a session knows it.
type seen struct {
	uid     imap.UID
	version int
}

func newSession(s *Server, conn net.Conn, number int) *session {
	return &session{
		server: s, conn: conn, number: number, lines: make(chan string), news: make(chan struct{}, 1),
		ended: make(chan struct{}), out: newOutbox(conn),
	}
}

func (c *session) start() {
	go c.read()
	go c.out.run()
	go c.serve()
}

// cut ends the connection at once. It may be called more than once, and under
// the server's lock.
func (c *session) cut() {
	c.once.Do(func() {
		close(c.ended)
		_ = c.conn.Close() // a pipe's Close reports nothing
		c.out.stop()
	})
}

// read collects command lines with their literals.
func (c *session) read() {
	defer c.cut()
	in := bufio.NewReader(c.conn)
	for {
		command, err := c.command(in)
		if err != nil {
			return
		}
		select {
		case c.lines <- command:
		case <-c.ended:
			return
		}
	}
}

func (c *session) command(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		b.WriteString(line)
		open := strings.LastIndexByte(line, '{')
		if open < 0 || !strings.HasSuffix(line, "}") {
			return b.String(), nil
		}
		size := line[open+1 : len(line)-1]
		n, err := strconv.Atoi(strings.TrimSuffix(size, "+"))
		if err != nil {
			return b.String(), nil
		}
		if !strings.HasSuffix(size, "+") {
			c.out.write("+ go on\r\n")
		}
		literal := make([]byte, n)
		if _, err := io.ReadFull(in, literal); err != nil {
			return "", err
		}
		b.WriteString("\r\n")
		b.Write(literal)
	}
}

func (c *session) serve() {
	defer func() {
		c.cut()
		c.server.mu.Lock()
		defer c.server.mu.Unlock()
		delete(c.server.sessions, c)
	}()
	c.out.write("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] " + cmp.Or(c.server.opts.Kind.Greeting, "ready") + "\r\n")
	for {
		select {
		case <-c.ended:
			return
		case line := <-c.lines:
			c.think()
			if c.isEnded() {
				return // what was sent before the line was cut is not performed
			}
			if !c.one(line) {
				c.out.finish()
				return
			}
		}
	}
}

// think takes a time that no other session takes, so that two of them never
// act at one moment.
func (c *session) think() {
	time.Sleep(2*time.Millisecond + time.Duration(c.number)*37*time.Microsecond)
}

// one performs a command with whatever goes wrong with it. It returns false
// when the connection is over.
func (c *session) one(line string) bool {
	if c.isDeaf() {
		return true
	}
	tag, rest, _ := strings.Cut(line, " ")
	command, args := split(rest)
	op := Operation{Session: c.number, Command: command, Args: args, Mailbox: c.mailbox()}
	fault := c.server.decide(op)
	switch fault {
	case DropBefore:
		return c.hangUp()
	case Renumbered:
		c.server.Renumber(op.Mailbox, false)
		return c.hangUp()
	case Swallow:
		c.goDeaf()
		return true
	case Bye:
		c.out.write("* BYE Server is going down\r\n")
		return false
	}
	if refused := fault.refusal(); refused != "" {
		c.out.write(tag + " " + refused + "\r\n")
		return true
	}
	if answer := c.server.opts.Kind.Answer; answer != nil {
		if said := answer(op); said != "" {
			return c.say(tag, said)
		}
	}
	if command == "IDLE" {
		return c.idle(tag, fault)
	}
	reply := c.execute(tag, command, args, fault)
	return c.reply(command, reply, fault)
}

// say answers a command that is not done.
func (c *session) say(tag, reply string) bool {
	if strings.HasPrefix(reply, "* BYE") {
		c.out.write(reply + "\r\n")
		return false
	}
	c.out.write(tag + " " + reply + "\r\n")
	return true
}

func (c *session) reply(command, reply string, fault Fault) bool {
	switch fault {
	case DropAfter:
		return c.hangUp()
	case DropMidway:
		c.out.write(reply[:len(reply)/2])
		return false
	case SwallowAfter:
		c.goDeaf()
		return true
	case Slow:
		time.Sleep(50 * time.Second)
	}
	c.out.write(reply)
	return command != "LOGOUT"
}

// hangUp ends the connection without sending what is still queued.
func (c *session) isEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (c *session) hangUp() bool {
	c.cut()
	return false
}

func (c *session) goDeaf() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.deaf = true
}

func (c *session) isDeaf() bool {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.deaf
}

func (c *session) mailbox() string {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.selected
}

// split takes a command's name off its arguments.
func split(rest string) (command, args string) {
	command, args, _ = strings.Cut(rest, " ")
	command = strings.ToUpper(command)
	if command == "UID" {
		second, more, _ := strings.Cut(args, " ")
		command, args = "UID "+strings.ToUpper(second), more
	}
	return command, args
}

// idle announces until DONE (RFC 2177).
func (c *session) idle(tag string, fault Fault) bool {
	if c.server.opts.NoIdle {
		c.out.write(tag + " BAD Unknown command\r\n")
		return true
	}
	switch fault {
	case DropAfter:
		return c.hangUp()
	case DropMidway:
		c.out.write("+ idl")
		return false
	case SwallowAfter:
		c.out.write("+ idling\r\n")
		c.goDeaf()
		return true
	}
	c.out.write("+ idling\r\n")
	name := c.count(1)
	defer c.server.uncount(name)
	var over <-chan time.Time // never, where an IDLE is not ended
	if most := c.server.opts.Kind.IdleEnds; most > 0 {
		over = time.After(most)
	}
	for {
		c.out.write(c.updates())
		select {
		case <-c.ended:
			return false
		case <-over:
			c.server.idled()
			return c.say(tag, "* BYE IDLE terminated")
		case <-c.news:
			c.think()
		case line := <-c.lines:
			c.think()
			if !strings.EqualFold(line, "DONE") {
				c.out.write(tag + " BAD Expected DONE\r\n")
				return true
			}
			c.out.write(c.updates() + tag + " OK IDLE completed\r\n")
			return true
		}
	}
}

func (c *session) count(n int) string {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idling[c.selected] += n
	if s.idling[c.selected] > 1 {
		s.violate("%d connections idle on %s at once", s.idling[c.selected], c.selected)
	}
	return c.selected
}

func (s *Server) uncount(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idling[name]--
}

func (c *session) updates() string {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.update()
}

// update brings the session's view up to the mailbox and says what changed.
// The caller holds the lock.
func (c *session) update() string {
	box := c.server.boxes[c.selected]
	if box == nil || c.selected == "" {
		return ""
	}
	var b strings.Builder
	var kept []seen
	for _, v := range c.view {
		if box.find(v.uid) == nil {
			fmt.Fprintf(&b, "* %d EXPUNGE\r\n", len(kept)+1)
			continue
		}
		kept = append(kept, v)
	}
	for i, v := range kept {
		if m := box.find(v.uid); m.version != v.version {
			kept[i].version = m.version
			fmt.Fprintf(&b, "* %d FETCH (UID %d FLAGS %s)\r\n", i+1, m.UID, flagList(m.flags))
		}
	}
	for _, m := range box.messages[len(kept):] {
		kept = append(kept, seen{m.UID, m.version})
	}
	if len(kept) > 0 && (len(c.view) == 0 || kept[len(kept)-1].uid != c.view[len(c.view)-1].uid) {
		fmt.Fprintf(&b, "* %d EXISTS\r\n", len(kept))
	}
	c.view = kept
	return b.String()
}

func flagList(flags []imap.Flag) string {
	parts := make([]string, len(flags))
	for i, f := range flags {
		parts[i] = string(f)
	}
	return "(" + strings.Join(parts, " ") + ")"
}

// outbox writes to a connection from a goroutine of its own, so that a session
// is never held up by a client that does not read.
type outbox struct {
	conn net.Conn
	mu   sync.Mutex
	more *sync.Cond
	data []byte
	last bool // close when all is written
	gone bool
}

func newOutbox(conn net.Conn) *outbox {
	o := &outbox{conn: conn}
	o.more = sync.NewCond(&o.mu)
	return o
}

func (o *outbox) write(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data = append(o.data, s...)
	o.more.Signal()
}

// finish ends the connection when everything is written, and waits for that.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = true
	o.more.Broadcast()
	for !o.gone {
		o.more.Wait()
	}
}

func (o *outbox) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone = true
	o.more.Broadcast()
}

func (o *outbox) run() {
	for {
		data, ok := o.next()
		if !ok {
			return
		}
		if _, err := o.conn.Write(data); err != nil {
			o.stop()
			return
		}
	}
}

func (o *outbox) next() ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.data) == 0 && !o.gone && !o.last {
		o.more.Wait()
	}
	if o.gone || len(o.data) == 0 {
		o.gone = true
		o.more.Broadcast()
		return nil, false
	}
	data := o.data
	o.data = nil
	return data, true
}
