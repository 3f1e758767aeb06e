package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// maxConnections is how many clients are served at once; more wait.
	maxConnections = 32
	// maxHead is how long the head of a request may be.
	maxHead     = 16 << 10
	headTimeout = 5 * time.Second
	// answerTimeout bounds a whole answer, keptOpen an idle connection: scrapes come
	// every minute or more often.
	answerTimeout = 30 * time.Second
	keptOpen      = 2 * time.Minute
)

// Options say where to listen, and who may ask.
type Options struct {
	// Listen is host:port.
	Listen string
	// Hosts are names under which the listener may be asked for, beside those of
	// loopback and the host of Listen.
	Hosts []string
	// Token is what a caller has to show, "" for nothing.
	Token string
}

// Server listens on at most one address. Make one with New.
type Server struct {
	pages   http.Handler
	options atomic.Pointer[Options]

	mu      sync.Mutex
	running *listening
	lost    *listening // was closed in vain, and could not be opened again yet
}

// listening is one address that is listened on.
type listening struct {
	address string
	at      net.Addr
	http    *http.Server
	ended   chan struct{}
	err     error // once ended is closed
}

// New makes a server for some pages. It listens nowhere until Use.
func New(pages Pages) *Server { return &Server{pages: pages.handler()} }

// Use listens as the options say from now on, and nowhere where they are nil. When an
// address cannot be opened the old one stays in use, with its old options. Where it has
// the port of the old one, that one may be all that is in the way, and makes way.
func (s *Server) Use(o *Options) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o == nil {
		s.stop()
		return nil
	}
	if s.running != nil && s.running.address == o.Listen {
		s.options.Store(o)
		return nil
	}
	l, err := net.Listen("tcp", o.Listen)
	if errors.Is(err, syscall.EADDRINUSE) && s.isOwnPort(o.Listen) {
		l, err = s.makeWay(o.Listen)
	}
	if err != nil {
		return fmt.Errorf("admin: cannot listen on %s: %w", o.Listen, err)
	}
	s.stop()
	s.options.Store(o)
	s.serve(o.Listen, l)
	return nil
}

// isOwnPort reports whether an address has the port that is listened on already: then
// 127.0.0.1 is in the way of all addresses, and localhost in that of 127.0.0.1.
func (s *Server) isOwnPort(address string) bool {
	if s.running == nil {
		return false
	}
	_, port, err := net.SplitHostPort(address)
	_, own, ownErr := net.SplitHostPort(s.running.at.String())
	return err == nil && ownErr == nil && port == own
}

// makeWay opens an address after what is running was closed. Where it cannot be had all
// the same, somebody else has it, and the old one is opened again.
func (s *Server) makeWay(address string) (net.Listener, error) {
	old := s.running
	s.stop()
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	s.lost = old
	if again := s.regain(); again != nil {
		return nil, fmt.Errorf("%w; %s was closed for it and cannot be opened again, which is tried every second: %w", err, old.address, again)
	}
	return nil, fmt.Errorf("%w; %s was closed for it and is open again", err, old.address)
}

// regain opens again what was closed in vain, if that is so; the caller holds the mutex.
func (s *Server) regain() error {
	if s.lost == nil {
		return nil
	}
	l, err := net.Listen("tcp", s.lost.at.String())
	if err == nil {
		s.serve(s.lost.address, l)
	}
	return err
}

func (s *Server) serve(address string, l net.Listener) {
	r := &listening{address: address, at: l.Addr(), ended: make(chan struct{}), http: &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: headTimeout, ReadTimeout: headTimeout, WriteTimeout: answerTimeout,
		IdleTimeout: keptOpen, MaxHeaderBytes: maxHead,
	}}
	s.running, s.lost = r, nil
	go func() {
		defer close(r.ended)
		if err := r.http.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			r.err = err
		}
	}()
}

// stop ends what is running; the caller holds the mutex.
func (s *Server) stop() {
	s.lost = nil
	if s.running == nil {
		return
	}
	s.running.http.Close()
	<-s.running.ended
	s.running = nil
}

// Run serves until ctx is done, and returns an error when the listener failed before.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.Use(nil)
		case <-tick.C:
			if err := s.look(); err != nil {
				return fmt.Errorf("admin: %w", err)
			}
		}
	}
}

// look returns why what was running failed, and tries to regain what was lost.
func (s *Server) look() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		_ = s.regain() // whoever reloaded was told why not
		return nil
	}
	select {
	case <-s.running.ended:
		return s.running.err
	default:
		return nil
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	o := s.options.Load()
	switch {
	case !o.isHost(r.Host):
		http.Error(w, "this name is not one of this listener: name it in admin: hosts:", http.StatusMisdirectedRequest)
	case !o.isToken(r.Header.Get("Authorization")):
		w.Header().Set("WWW-Authenticate", `Bearer realm="imapilot"`)
		http.Error(w, "a token is needed: Authorization: Bearer TOKEN", http.StatusUnauthorized)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "these pages can only be read: GET or HEAD", http.StatusMethodNotAllowed)
	default:
		s.pages.ServeHTTP(w, r)
	}
}
