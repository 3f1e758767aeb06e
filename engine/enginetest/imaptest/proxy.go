package imaptest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between clients and a server, to cut, to swallow and to delay.
type Proxy struct {
	Addr string // host:port

	server   string
	listener net.Listener

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	hole  bool
	delay time.Duration
	plan  func(connection int) Limit
	count int // connections that the plan was asked for
}

// Limit is when a proxy cuts a connection: after so many bytes, both ways
// together, 0 for never. Before it cuts, it holds back what is on the way for
// the time of Stall.
type Limit struct {
	After int
	Stall time.Duration
}

// Proxy starts a proxy before the server.
func (s *Server) Proxy(t testing.TB) *Proxy {
	t.Helper()
	return NewProxy(t, s.addr)
}

// NewProxy starts a proxy before the server at host:port.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), server: server, listener: l, conns: map[net.Conn]struct{}{}}
	var accepting sync.WaitGroup
	accepting.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close() // this is what ends accept
		accepting.Wait()
		p.Cut()
	})
	return p
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = c.Close() // the client sees the server's absence
			continue
		}
		limit := p.admit(c, up)
		go p.pipe(up, c, limit)
		go p.pipe(c, up, limit)
	}
}

// admit notes a new connection and asks the plan for its limit.
func (p *Proxy) admit(ends ...net.Conn) *allowance {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range ends {
		p.conns[c] = struct{}{}
	}
	if p.plan == nil {
		return &allowance{}
	}
	p.count++
	limit := p.plan(p.count)
	return &allowance{limited: limit.After > 0, left: limit.After, stall: limit.Stall}
}

// allowance is what a limit has left, for both directions of a connection.
type allowance struct {
	mu      sync.Mutex
	limited bool
	left    int
	stall   time.Duration
}

// take returns how many of n bytes may still pass.
func (a *allowance) take(n int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.limited {
		return n
	}
	n = min(n, a.left)
	a.left -= n
	return n
}

// pipe copies until either end closes or the allowance is used up, and then
// closes both.
func (p *Proxy) pipe(to, from net.Conn, a *allowance) {
	defer p.forget(to)
	defer p.forget(from)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		hole, delay := p.mode()
		time.Sleep(delay)
		allowed := a.take(n)
		if allowed > 0 && !hole {
			if _, err := to.Write(buf[:allowed]); err != nil {
				return
			}
		}
		if allowed < n {
			time.Sleep(a.stall)
			return
		}
		if err != nil {
			return
		}
	}
}

// Plan makes plan set the limit of each new connection, counted from 1 for each
// plan; nil takes all limits from new ones.
func (p *Proxy) Plan(plan func(connection int) Limit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan, p.count = plan, 0
}

// Planned returns how many connections the plan has seen.
func (p *Proxy) Planned() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func (p *Proxy) mode() (hole bool, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hole, p.delay
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = c.Close() // it may be closed already
	delete(p.conns, c)
}

// Cut closes every connection; new ones are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // it may be closed already
		delete(p.conns, c)
	}
}

// BlackHole swallows everything silently, or stops doing so.
func (p *Proxy) BlackHole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole = on
}

// Delay holds back each piece of data by d.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}
