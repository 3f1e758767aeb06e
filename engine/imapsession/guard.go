package imapsession

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Timeouts bound the waits of a session. Zero fields take the defaults.
type Timeouts struct {
	Dial     time.Duration // 30 s: connect, TLS, greeting
	Command  time.Duration // 60 s without a byte while a reply is due
	Total    time.Duration // 10 min for one command
	IdleDone time.Duration // 30 s for the reply to DONE
}

func (t Timeouts) withDefaults() Timeouts {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&t.Dial, 30*time.Second)
	set(&t.Command, 60*time.Second)
	set(&t.Total, 10*time.Minute)
	set(&t.IdleDone, 30*time.Second)
	return t
}

// Traffic counts bytes and commands. It is safe for concurrent use.
type Traffic struct {
	Read, Written, Commands atomic.Int64
}

// completion is the tagged reply to a command.
type completion struct {
	status, code, text string
}

// guard is the net.Conn under imapclient. It owns every deadline and sees
// every response before imapclient does; see the package comment.
type guard struct {
	net.Conn
	timeouts Timeouts
	limits   Limits
	traffic  *Traffic
	alert    func(text string)

	in      *bufio.Reader // used by imapclient's reader only
	pending []byte        // what imapclient has not read yet

	mu       sync.Mutex
	inflight map[string]string // verb by tag
	atLine   bool              // the next byte written starts a line
	last     completion        // of the last command that was ours
	tap      func(resp []byte) // untagged data during a command
	untagged int
	bye      string
	failure  error
	news     bool
	newsC    chan struct{}
	greeted  bool
}

func newGuard(conn net.Conn, o Options) *guard {
	g := &guard{
		Conn: conn, timeouts: o.Timeouts, limits: o.Limits, traffic: o.Traffic,
		in: bufio.NewReaderSize(conn, 4096), inflight: map[string]string{}, atLine: true,
		newsC: make(chan struct{}, 1), alert: func(string) {},
	}
	if g.traffic == nil {
		g.traffic = &Traffic{}
	}
	return g
}

// SetDeadline and its kin do nothing: imapclient's deadlines are not ours.
func (g *guard) SetDeadline(time.Time) error      { return nil }
func (g *guard) SetReadDeadline(time.Time) error  { return nil }
func (g *guard) SetWriteDeadline(time.Time) error { return nil }

// Write notes the tags of the commands that imapclient sends, and sets the
// deadline of the reply.
func (g *guard) Write(p []byte) (int, error) {
	g.note(p)
	if err := g.Conn.SetWriteDeadline(time.Now().Add(g.timeouts.Command)); err != nil {
		return 0, err
	}
	n, err := g.Conn.Write(p)
	g.traffic.Written.Add(int64(n))
	return n, err
}

func (g *guard) note(p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	line, start := p, g.atLine
	g.atLine = bytes.HasSuffix(p, []byte("\r\n")) && !bytes.HasSuffix(p, []byte("}\r\n"))
	if !start {
		g.wait(g.timeouts.Command)
		return
	}
	if bytes.Equal(line, []byte("DONE\r\n")) {
		g.wait(g.timeouts.IdleDone)
		return
	}
	tag, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(tag) < 2 || tag[0] != 'T' {
		g.wait(g.timeouts.Command) // a continuation: SASL data
		return
	}
	verb, _, _ := bytes.Cut(bytes.TrimRight(rest, "\r\n"), []byte(" "))
	g.inflight[string(tag)] = string(verb)
	g.untagged = 0
	g.traffic.Commands.Add(1)
	g.wait(g.timeouts.Command)
}

// wait sets the read deadline; the caller holds the mutex. An error means that
// the connection is closed, which the next read reports.
func (g *guard) wait(d time.Duration) {
	if d == 0 {
		_ = g.Conn.SetReadDeadline(time.Time{})
		return
	}
	_ = g.Conn.SetReadDeadline(time.Now().Add(d))
}

// Read hands imapclient the next response that it must see.
func (g *guard) Read(p []byte) (int, error) {
	for len(g.pending) == 0 {
		resp, err := readResponse(g.in, g.limits)
		if err != nil {
			return 0, g.fail(err)
		}
		g.traffic.Read.Add(int64(len(resp)))
		if g.pending, err = g.filter(resp); err != nil {
			return 0, g.fail(err)
		}
	}
	n := copy(p, g.pending)
	g.pending = g.pending[n:]
	return n, nil
}

// fail remembers why the connection ended; the first reason counts.
func (g *guard) fail(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure == nil {
		g.failure = err
	}
	return err
}

// filter decides what imapclient sees of a response.
func (g *guard) filter(resp []byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.greeted:
		return g.greeting(resp)
	case bytes.HasPrefix(resp, []byte("+")):
		return g.continuation(resp)
	case bytes.HasPrefix(resp, []byte("* ")):
		if len(g.inflight) > 0 && !g.idling() {
			g.wait(g.timeouts.Command)
		}
		return g.data(resp)
	case len(bytes.TrimSpace(resp)) == 0:
		return nil, nil
	default:
		return g.tagged(resp)
	}
}

func (g *guard) greeting(resp []byte) ([]byte, error) {
	status, _, rest := cutStatus(bytes.TrimPrefix(resp, []byte("* ")))
	g.greeted = true
	g.wait(0)
	if status == "BYE" {
		g.bye = printable(rest)
		return nil, fmt.Errorf("the server refused the connection: %s", g.bye)
	}
	if status != "OK" && status != "PREAUTH" {
		return nil, errors.New("this is not an IMAP server")
	}
	return []byte("* " + status + " ready\r\n"), nil
}

// continuation passes a "+" on only when something waits for it; an IDLE then
// waits without a deadline.
func (g *guard) continuation(resp []byte) ([]byte, error) {
	if len(g.inflight) == 0 {
		return nil, nil
	}
	if g.idling() {
		g.wait(0)
		return []byte("+ idling\r\n"), nil
	}
	return resp, nil
}

func (g *guard) idling() bool {
	for _, verb := range g.inflight {
		if verb == "IDLE" {
			return true
		}
	}
	return false
}

// data handles an untagged response.
func (g *guard) data(resp []byte) ([]byte, error) {
	if g.untagged++; g.untagged > g.limits.Untagged {
		return nil, errors.New("the server sent too many responses to one command")
	}
	word, rest := cutWord(resp[2:])
	if isNumber(word) {
		word, _ = cutWord(rest)
		if strings.EqualFold(word, "EXISTS") {
			g.announce()
		}
	}
	if g.tap != nil {
		g.tap(resp)
	}
	switch strings.ToUpper(word) {
	case "BYE":
		_, _, text := cutStatus(resp[2:])
		g.bye = printable(text)
		return nil, nil
	case "OK", "NO", "BAD":
		if _, code, text := cutStatus(resp[2:]); code == "ALERT" {
			g.alert(printable(text))
		}
		return nil, nil
	case "CAPABILITY":
		return hideRev2(resp), nil
	case "LIST", "STATUS", "SEARCH", "ESEARCH", "NAMESPACE", "ENABLED":
		return resp, nil
	default:
		// Everything else is ours to read (FETCH, EXISTS, EXPUNGE, FLAGS) or
		// unknown, which imapclient would take the connection down for.
		return nil, nil
	}
}

// announce says that the selected mailbox may hold new mail.
func (g *guard) announce() {
	g.news = true
	select {
	case g.newsC <- struct{}{}:
	default:
	}
}

// tagged handles the completion of a command and passes a plain one on.
func (g *guard) tagged(resp []byte) ([]byte, error) {
	tag, rest := cutWord(resp)
	verb, ok := g.inflight[tag]
	if !ok {
		return nil, errors.New("the server answered a command that was not sent")
	}
	status, code, text := cutStatus([]byte(rest))
	if status != "OK" && status != "NO" && status != "BAD" {
		return nil, errors.New("the server's reply is neither OK, NO nor BAD")
	}
	delete(g.inflight, tag)
	if verb != "CAPABILITY" {
		g.last = completion{status: status, code: code, text: printable(text)}
		if g.tap != nil {
			g.tap(resp)
		}
	}
	if verb == "SELECT" || verb == "EXAMINE" {
		g.news = false // its EXISTS is part of the answer
	}
	if len(g.inflight) == 0 {
		g.wait(0)
	} else {
		g.wait(g.timeouts.Command)
	}
	return []byte(tag + " " + status + " done\r\n"), nil
}

// takeNews reports whether new mail was announced since the last call.
func (g *guard) takeNews() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	news := g.news
	g.news = false
	select {
	case <-g.newsC:
	default:
	}
	return news
}

// state returns what is known of the end of the connection.
func (g *guard) state() (last completion, bye string, failure error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, g.bye, g.failure
}

// listen sets who reads the untagged data of the command to come.
func (g *guard) listen(tap func(resp []byte)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tap = tap
	g.last = completion{}
}

// mute ends the reading of untagged data by the last command.
func (g *guard) mute() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tap = nil
}
