package memserver

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Options of a memory server. The zero value offers everything.
type Options struct {
	// Username and Password of the only user; "user" and "secret" when empty.
	Username, Password string
	// What the server does not offer.
	NoMove, NoUIDPlus, NoIdle, NoSpecialUse, NoNamespace, NoESearch, NoListExtended bool
	// TLS switches on STARTTLS at Addr and opens a second socket, TLSAddr, for
	// implicit TLS.
	TLS *tls.Config
	// RequireTLS refuses to log in without TLS.
	RequireTLS bool
	// Roles are the mailboxes that exist from the start beside INBOX, with
	// their SPECIAL-USE attribute; nil is Archive, Drafts, Junk, Sent, Trash.
	Roles map[string]imap.MailboxAttr
	// Address to listen on; "127.0.0.1:0" when empty.
	Address string
	// PipeOnly opens no socket: PipeDialer is the only way in.
	PipeOnly bool
	// Log takes what goes wrong in the server; nil is nothing.
	Log *log.Logger
}

// MemoryServer is a running server.
type MemoryServer struct {
	Username, Password string

	opts          Options
	server        *imapserver.Server
	user          *user
	addr, tlsAddr net.Addr
	pipes         *pipeListener
	listeners     []net.Listener

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	hidden func(imap.UID) bool // from searches, nil: nothing
	late   func(imap.UID) bool // not visible yet, nil: nothing
	serve  sync.WaitGroup
}

// NewMemory starts a server. Close it.
func NewMemory(o Options) (*MemoryServer, error) {
	s := &MemoryServer{
		Username: cmp.Or(o.Username, "user"), Password: cmp.Or(o.Password, "secret"),
		opts: o, pipes: newPipeListener(), conns: map[net.Conn]struct{}{},
	}
	var err error
	if s.user, err = newUser(s.Username, s.Password, o); err != nil {
		return nil, err
	}
	logger := o.Log
	if logger == nil {
		logger = log.New(discard{}, "", 0)
	}
	s.server = imapserver.New(&imapserver.Options{
		NewSession:   s.newSession,
		Caps:         capabilities(o),
		InsecureAuth: !o.RequireTLS,
		TLSConfig:    o.TLS,
		Logger:       logger,
	})
	return s, s.listen()
}

// HideFromSearch makes searches by anything but UIDs leave messages out, as a
// server does whose index is broken. nil hides nothing.
func (s *MemoryServer) HideFromSearch(hidden func(imap.UID) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = hidden
}

// ShowLate makes messages invisible to every search and fetch, though the
// mailbox counts them: some servers list what came before they show it. nil
// shows everything.
func (s *MemoryServer) ShowLate(late func(imap.UID) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = late
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (s *MemoryServer) listen() error {
	s.serveOn(s.pipes)
	if s.opts.PipeOnly {
		return nil
	}
	ln, err := net.Listen("tcp", cmp.Or(s.opts.Address, "127.0.0.1:0"))
	if err != nil {
		return errors.Join(err, s.Close())
	}
	s.addr = ln.Addr()
	s.serveOn(ln)
	if s.opts.TLS == nil {
		return nil
	}
	if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return errors.Join(err, s.Close())
	}
	s.tlsAddr = ln.Addr()
	s.serveOn(tls.NewListener(ln, s.opts.TLS))
	return nil
}

// serveOn accepts connections until the listener is closed.
func (s *MemoryServer) serveOn(ln net.Listener) {
	s.listeners = append(s.listeners, ln)
	s.serve.Go(func() { _ = s.server.Serve(tracking{Listener: ln, server: s}) }) // it ends when Close closes the listener
}

// capabilities lists what the memory store offers, less what is switched off.
func capabilities(o Options) imap.CapSet {
	caps := imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapListStatus: {}, imap.CapChildren: {}, imap.CapStatusSize: {}, imap.CapLiteralPlus: {}}
	for c, off := range map[imap.Cap]bool{
		imap.CapMove: o.NoMove, imap.CapUIDPlus: o.NoUIDPlus, imap.CapSpecialUse: o.NoSpecialUse,
		imap.CapNamespace: o.NoNamespace, imap.CapESearch: o.NoESearch, imap.CapListExtended: o.NoListExtended,
	} {
		if !off {
			caps[c] = struct{}{}
		}
	}
	return caps
}

func (s *MemoryServer) newSession(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	return &session{server: s}, nil, nil
}

// Addr is where the server listens.
func (s *MemoryServer) Addr() (host string, port int) {
	return hostPort(s.addr)
}

// TLSAddr is where the server listens for implicit TLS, "" without it.
func (s *MemoryServer) TLSAddr() (host string, port int) { return hostPort(s.tlsAddr) }

func hostPort(a net.Addr) (string, int) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return "", 0
	}
	return tcp.IP.String(), tcp.Port
}

// PipeDialer opens connections to the server that need no socket; they work
// inside a synctest bubble. It ignores network and address.
func (s *MemoryServer) PipeDialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return s.pipes.dial(ctx) }
}

// KillConnections cuts every connection without a word.
func (s *MemoryServer) KillConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // a connection that is gone already is fine
	}
}

// Connections returns how many connections are open.
func (s *MemoryServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close stops the server and cuts its connections.
func (s *MemoryServer) Close() error {
	// imapserver knows a listener only once Serve runs, so they are closed here.
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.serve.Wait()
	s.KillConnections()
	if err := s.server.Close(); !errors.Is(err, net.ErrClosed) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Append delivers a message directly and returns its UID. A missing mailbox is
// created, a zero date means now.
func (s *MemoryServer) Append(mailbox string, flags []imap.Flag, date time.Time, raw []byte) (imap.UID, error) {
	if err := s.user.ensure(mailbox); err != nil {
		return 0, err
	}
	data, err := s.user.Append(mailbox, literal{bytes.NewReader(bytes.Clone(raw)), int64(len(raw))}, &imap.AppendOptions{Flags: flags, Time: date})
	if err != nil {
		return 0, err
	}
	return data.UID, nil
}

type literal struct {
	*bytes.Reader
	size int64
}

func (l literal) Size() int64 { return l.size }

// Refuse makes every CREATE of, and every COPY, MOVE and APPEND into, a mailbox
// fail with NO and this code until Allow.
func (s *MemoryServer) Refuse(mailbox string, code imap.ResponseCode) { s.user.refuse(mailbox, code) }

// Allow takes back Refuse.
func (s *MemoryServer) Allow(mailbox string) { s.user.refuse(mailbox, "") }

var _ imapserver.SessionMove = (*session)(nil)

type memoryUser = imapmemserver.User
