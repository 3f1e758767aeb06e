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
		p.mu.Lock()
		p.conns[c], p.conns[up] = struct{}{}, struct{}{}
		p.mu.Unlock()
		go p.pipe(up, c)
		go p.pipe(c, up)
	}
}

// pipe copies until either end closes, and then closes both.
func (p *Proxy) pipe(to, from net.Conn) {
	defer p.forget(to)
	defer p.forget(from)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		hole, delay := p.mode()
		time.Sleep(delay)
		if n > 0 && !hole {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
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
