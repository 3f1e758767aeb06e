package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// answer is what a server does with a command: it carries out send, the command
// itself when empty, and says reply, its own when empty.
type answer struct {
	send, reply string
	// silent: nothing is carried out. cut: the connection ends instead.
	silent, cut bool
}

func say(reply string) answer { return answer{reply: reply, silent: true} }

// answers stands between the daemon and a server, and decides by each command
// line what the server says.
type answers struct {
	mu   sync.Mutex
	to   func(line string) answer
	sent []sentLine
	// offers is announced beside what the server has, drops says which of its lines are
	// lost, changes what becomes of the others, told are the connections on which NOTIFY was
	// accepted.
	offers  string
	drops   func(line string) bool
	changes func(line string) string
	told    []*meddler
}

type sentLine struct {
	at   time.Time
	line string
}

func (a *answers) decide(line string) answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent = append(a.sent, sentLine{time.Now(), line})
	if a.to == nil {
		return answer{}
	}
	return a.to(line)
}

// change gives the server other answers from now on.
func (a *answers) change(to func(line string) answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to = to
}

// alter changes the server's lines from now on.
func (a *answers) alter(changes func(line string) string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = changes
}

// times tells when commands were sent that begin so.
func (a *answers) times(prefix string) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []time.Time
	for _, s := range a.sent {
		if strings.HasPrefix(s.line, prefix) {
			out = append(out, s.at)
		}
	}
	return out
}

func (a *answers) count(prefix string) int { return len(a.times(prefix)) }

// dialer puts the answers in front of connections that dial opens.
func (a *answers) dialer(o *engine.Options) {
	dial := o.DialContext
	o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		server, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, far := net.Pipe()
		p := &meddler{a: a, client: far, server: server, replies: map[string]string{}}
		go p.commands()
		go p.responses()
		return near, nil
	}
}

// meddler is one connection with answers.
type meddler struct {
	a              *answers
	client, server net.Conn
	mu             sync.Mutex
	replies        map[string]string // by tag, instead of the server's
}

func (p *meddler) close() { p.client.Close(); p.server.Close() }

func (p *meddler) commands() {
	defer p.close()
	for r := bufio.NewReader(p.client); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch to := p.a.decide(command); {
		case to.cut:
			return
		case to.silent:
			p.write(tag + " " + to.reply + "\r\n")
			if strings.HasPrefix(command, "NOTIFY") && strings.HasPrefix(to.reply, "OK") {
				p.a.listen(p)
			}
			continue
		case to.reply != "":
			p.mu.Lock()
			p.replies[tag] = to.reply
			p.mu.Unlock()
			if to.send != "" {
				line = tag + " " + to.send + "\r\n"
			}
		}
		if _, err := io.WriteString(p.server, line); err != nil {
			return
		}
	}
}

func (p *meddler) responses() {
	defer p.close()
	for r := bufio.NewReader(p.server); ; {
		line, err := wholeResponse(r)
		if err != nil {
			return
		}
		tag, _, _ := strings.Cut(line, " ")
		p.mu.Lock()
		if reply, ok := p.replies[tag]; ok {
			line = tag + " " + reply + "\r\n"
		}
		p.mu.Unlock()
		if line, ok := p.a.passes(line); ok {
			p.write(line)
		}
	}
}

var announcesLiteral = regexp.MustCompile(`\{(\d+)\}\r\n$`)

// wholeResponse reads a line and the literals in it, so that nothing is ever said in the
// middle of a message's bytes.
func wholeResponse(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	for whole := line; ; whole += line {
		size := announcesLiteral.FindStringSubmatch(line)
		if err != nil || size == nil {
			return whole, err
		}
		n, _ := strconv.Atoi(size[1])
		literal := make([]byte, n)
		if _, err := io.ReadFull(r, literal); err != nil {
			return "", err
		}
		whole += string(literal)
		line, err = r.ReadString('\n')
	}
}

// passes is what becomes of a response of the server.
func (a *answers) passes(line string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.offers != "" {
		line = strings.Replace(line, "CAPABILITY IMAP4rev1", "CAPABILITY IMAP4rev1 "+a.offers, 1)
	}
	if a.drops != nil && a.drops(line) {
		return line, false
	}
	if a.changes != nil {
		line = a.changes(line)
	}
	return line, line != ""
}

func (a *answers) listen(p *meddler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, p)
}

// tell says something on the last connection on which NOTIFY was accepted.
func (a *answers) tell(lines ...string) {
	a.mu.Lock()
	p := a.told[len(a.told)-1]
	a.mu.Unlock()
	for _, line := range lines {
		p.write(line + "\r\n")
	}
}

func (p *meddler) write(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	io.WriteString(p.client, line)
}

// answered is a daemon in a bubble, whose server has answers of its own.
type answered struct {
	bubble
	*answers
	journal journal.Journal
}

func answering(t *testing.T, o imaptest.Options, account, rules string, to func(line string) answer, f func(b answered)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := answered{bubble: bubble{rig: newRig(t, pipes(t, o))}, answers: &answers{to: to}}
		for _, name := range []string{"News", "Other"} {
			b.srv.Create(t, name)
		}
		b.daemon(b.config(account, rules), func(e *engine.Engine) {
			b.engine = e
			b.pass(time.Second)
			f(b)
		}, b.dialer, func(o *engine.Options) { b.journal = o.Journal })
	})
}

// put delivers messages.
func (b answered) put(subjects ...string) {
	b.t.Helper()
	for _, s := range subjects {
		if _, err := b.srv.Mem.Append("INBOX", nil, time.Now(), message(s, "a@news.example")); err != nil {
			b.t.Fatal(err)
		}
	}
}

// list returns the entries of the journal.
func (b answered) list() []journal.Entry {
	b.t.Helper()
	all, err := b.journal.Entries(context.Background(), journal.Query{})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// tries counts those that were spent.
func (b answered) tries() int {
	n := 0
	for _, e := range b.list() {
		n += e.Tries
	}
	return n
}

func (b answered) wantFiled(n int) {
	b.t.Helper()
	if got := b.filed(); got != n {
		b.t.Errorf("%d filed, want %d", got, n)
		for _, e := range b.list() {
			b.t.Logf("%q %s %q tries %d, next %v", e.Subject, e.State, e.Reason, e.Tries, e.NextTry)
		}
	}
}

// wantNothingBlunt makes sure that nothing was sent which removes what others
// flagged.
func (b answered) wantNothingBlunt() {
	b.t.Helper()
	for _, command := range []string{"EXPUNGE", "CLOSE"} {
		if n := b.count(command); n > 0 {
			b.t.Errorf("%s was sent %d times", command, n)
		}
	}
}

func several(name string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s%d", name, i))
	}
	return out
}

// refuse answers commands that begin so with NO or BAD.
func refuse(reply string, commands ...string) func(line string) answer {
	return func(line string) answer {
		if slices.ContainsFunc(commands, func(c string) bool { return strings.HasPrefix(line, c) }) {
			return say(reply)
		}
		return answer{}
	}
}

// names reports whether a command names a UID: "UID MOVE 1:3 x" names 2.
func names(line, command string, uid int) bool {
	rest, ok := strings.CutPrefix(line, command+" ")
	set, _, _ := strings.Cut(rest, " ")
	for part := range strings.SplitSeq(set, ",") {
		var from, to int
		if n, _ := fmt.Sscanf(part, "%d:%d", &from, &to); n < 2 {
			to = from
		}
		if ok && from <= uid && uid <= to {
			return true
		}
	}
	return false
}

// size is how many messages a command names.
func size(line, command string) int {
	n := 0
	for uid := range 200 {
		if names(line, command, uid) {
			n++
		}
	}
	return n
}
