// Package memserver runs go-imap's memory server on loopback, with the
// capabilities that one asks for: the server of the demo and of the tests. It
// keeps nothing on disk.
package memserver

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Options of a server. The zero value offers everything.
type Options struct {
	// Username and Password of the one user; default "user" and "secret".
	Username, Password string
	// NoMove, NoUIDPlus and NoIdle take capabilities away.
	NoMove, NoUIDPlus, NoIdle bool
	// Address to listen on; default a free port of 127.0.0.1.
	Address string
}

// Server is a running server. Make one with New.
type Server struct {
	Username, Password string

	user     *imapmemserver.User
	server   *imapserver.Server
	listener net.Listener

	mu    sync.Mutex
	conns map[net.Conn]bool
	done  chan struct{}
}

// New starts a server with an INBOX and the usual mailboxes with their roles.
func New(o Options) (*Server, error) {
	if o.Username == "" {
		o.Username = "user"
	}
	if o.Password == "" {
		o.Password = "secret"
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{Username: o.Username, Password: o.Password, conns: map[net.Conn]bool{}, done: make(chan struct{})}
	s.listener = listener
	if err := s.addUser(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.server = imapserver.New(&imapserver.Options{
		NewSession: s.session, Caps: caps(o), InsecureAuth: true, Logger: quiet{},
	})
	go func() {
		defer close(s.done)
		// Serve ends with an error when the listener is closed, which Close does.
		_ = s.server.Serve(tracking{Listener: listener, server: s})
	}()
	return s, nil
}

// quiet drops the server's log: a client that goes away is no event here.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (s *Server) addUser() error {
	s.user = imapmemserver.NewUser(s.Username, s.Password)
	for name, role := range map[string][]imap.MailboxAttr{
		"INBOX": nil, "Trash": {imap.MailboxAttrTrash}, "Junk": {imap.MailboxAttrJunk},
		"Archive": {imap.MailboxAttrArchive}, "Sent": {imap.MailboxAttrSent}, "Drafts": {imap.MailboxAttrDrafts},
	} {
		if err := s.user.Create(name, &imap.CreateOptions{SpecialUse: role}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) session(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	backend := imapmemserver.New()
	backend.AddUser(s.user)
	return backend.NewSession(), nil, nil
}

func caps(o Options) imap.CapSet {
	set := imap.CapSet{
		imap.CapIMAP4rev1: {}, imap.CapESearch: {}, imap.CapSpecialUse: {}, imap.CapListExtended: {},
		imap.CapNamespace: {}, imap.CapUnselect: {}, imap.CapLiteralPlus: {},
	}
	for c, off := range map[imap.Cap]bool{imap.CapMove: o.NoMove, imap.CapUIDPlus: o.NoUIDPlus, imap.CapIdle: o.NoIdle} {
		if !off {
			set[c] = struct{}{}
		}
	}
	return set
}

// Addr is the address to connect to.
func (s *Server) Addr() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

// Append delivers a message.
func (s *Server) Append(mailbox string, flags []imap.Flag, date time.Time, raw []byte) (imap.UID, error) {
	data, err := s.user.Append(mailbox, literal{bytes.NewReader(raw)}, &imap.AppendOptions{Flags: flags, Time: date})
	if err != nil {
		return 0, err
	}
	return data.UID, nil
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return int64(l.Len()) }

// CloseConnections cuts every connection; new ones are accepted.
func (s *Server) CloseConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

// Close stops the server and waits until it has.
func (s *Server) Close() error {
	err := s.server.Close()
	s.CloseConnections()
	<-s.done
	return err
}

// tracking remembers the connections, so that they can be cut.
type tracking struct {
	net.Listener
	server *Server
}

func (t tracking) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	t.server.conns[c] = true
	return &tracked{Conn: c, server: t.server}, nil
}

type tracked struct {
	net.Conn
	server *Server
}

func (c *tracked) Close() error {
	c.server.mu.Lock()
	delete(c.server.conns, c.Conn)
	c.server.mu.Unlock()
	return c.Conn.Close()
}
