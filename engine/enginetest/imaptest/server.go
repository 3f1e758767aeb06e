package imaptest

import (
	"context"
	"crypto/x509"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/memserver"
	"imapilot/engine/enginetest/observer"
)

// Options of a server: the zero value offers everything, in clear text.
type Options struct {
	// NoMove, NoUIDPlus and NoIdle take capabilities away. The memory server
	// then refuses the command; Dovecot and Cyrus only stop announcing it.
	NoMove, NoUIDPlus, NoIdle bool
	// NoNotify, for Dovecot, stops announcing NOTIFY, and with it CONDSTORE. Without
	// one of the three above there is no NOTIFY either.
	NoNotify bool
	// TLS switches on STARTTLS at Addr and implicit TLS at TLSAddr, with a
	// certificate for 127.0.0.1 that Roots trusts.
	TLS bool
	// PipeOnly, for the memory server alone, opens no socket: connect with
	// DialContext. It works inside a synctest bubble.
	PipeOnly bool
	// Roles, for the memory server alone, are the mailboxes that exist from the
	// start beside INBOX; nil is Archive, Drafts, Junk, Sent and Trash.
	Roles map[string]imap.MailboxAttr
	// Quota, for Dovecot and Cyrus, is how many bytes all mailboxes may hold.
	// Cyrus counts in KiB: it is rounded up.
	Quota int64
	// ACL, for Dovecot, makes SetRights possible; Cyrus always can.
	ACL bool
	// Dots, for Cyrus alone, puts "." between levels and all mailboxes below
	// INBOX. The methods of Server still take and return names with "/".
	Dots bool
	// Config is added to Dovecot's configuration, or to Cyrus's imapd.conf.
	Config string
}

// Software is which server a Server is.
type Software string

// The servers that there are, the real ones by the name that they tell (RFC
// 2971).
const (
	MemoryServer  Software = "memory"
	DovecotServer Software = "Dovecot"
	CyrusServer   Software = "Cyrus IMAPD"
)

// Server is a running server and one user of it. It is stopped at the end of
// the test.
type Server struct {
	Username, Password string
	Options            Options
	Software           Software
	// Dir is a real server's folder, "" for the memory server.
	Dir string
	// Mem is the memory server, nil for a real one.
	Mem *memserver.MemoryServer
	// TLSAddr is host:port of implicit TLS, "" without Options.TLS.
	TLSAddr string
	// Roots trusts the server's certificate.
	Roots *x509.CertPool

	addr string
	pid  int // of a real server
	see  *observer.Observer
}

// Addr returns host and port.
func (s *Server) Addr() (string, int) { return split(s.addr) }

func split(addr string) (string, int) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return "", 0
	}
	return host, port
}

// DialContext connects to the server, whatever the address: through a pipe
// when it has no socket.
func (s *Server) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	if s.Options.PipeOnly {
		return s.Mem.PipeDialer()(ctx, network, "")
	}
	return new(net.Dialer).DialContext(ctx, "tcp", s.addr)
}

// As returns another user of the same server, with mailboxes of his own. It is
// for real servers, where any name is a user; of a memory server it starts
// another.
func (s *Server) As(t testing.TB, username string) *Server {
	t.Helper()
	if s.Mem != nil {
		return Memory(t, s.Options)
	}
	other := *s
	other.Username = username
	other.watch(t)
	return &other
}

// watch opens the connection through which the test looks at the server.
func (s *Server) watch(t testing.TB) {
	s.see = &observer.Observer{Username: s.Username, Password: s.Password,
		Dial: func(ctx context.Context) (net.Conn, error) { return s.DialContext(ctx, "tcp", "") }}
	t.Cleanup(func() { _ = s.see.Close() }) // the server may be gone already
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("the test's own connection: %v", err)
	}
}

// Append delivers a message, with its mailbox made first when it is missing.
// A zero date means now.
func (s *Server) Append(t testing.TB, mailbox string, flags []imap.Flag, date time.Time, raw []byte) imap.UID {
	t.Helper()
	if s.Mem != nil {
		uid, err := s.Mem.Append(mailbox, flags, date, raw)
		must(t, err)
		return uid
	}
	uid, err := s.see.Append(s.spell(mailbox), flags, date, raw)
	must(t, err)
	return uid
}

// Delivery is one message to append.
type Delivery struct {
	Flags []imap.Flag
	Date  time.Time
	Raw   []byte
}

// AppendAll delivers many messages.
func (s *Server) AppendAll(t testing.TB, mailbox string, all []Delivery) []imap.UID {
	t.Helper()
	var out []imap.UID
	for _, d := range all {
		out = append(out, s.Append(t, mailbox, d.Flags, d.Date, d.Raw))
	}
	return out
}

// Create makes a mailbox.
func (s *Server) Create(t testing.TB, mailbox string) {
	t.Helper()
	must(t, s.see.Create(s.spell(mailbox)))
}

// Subscribe subscribes to mailboxes.
func (s *Server) Subscribe(t testing.TB, mailboxes ...string) {
	t.Helper()
	for _, name := range mailboxes {
		must(t, s.see.Subscribe(s.spell(name)))
	}
}

// Delete removes a mailbox and what it holds. Dovecot gives one that is made
// again another UIDVALIDITY only in another second, so Delete waits for it.
func (s *Server) Delete(t testing.TB, mailbox string) {
	t.Helper()
	must(t, s.see.Delete(s.spell(mailbox)))
	if s.Software == DovecotServer {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	}
}

// Rename gives a mailbox another name.
func (s *Server) Rename(t testing.TB, from, to string) {
	t.Helper()
	must(t, s.see.Rename(from, to))
}

// Move moves every message of a mailbox, as another client would.
func (s *Server) Move(t testing.TB, from, to string) {
	t.Helper()
	must(t, s.see.Move(s.spell(from), s.spell(to)))
}

// Empty removes every message of a mailbox, as another client would.
func (s *Server) Empty(t testing.TB, mailbox string) {
	t.Helper()
	must(t, s.see.Empty(s.spell(mailbox)))
}

// Store changes flags of every message of a mailbox, as another client would.
func (s *Server) Store(t testing.TB, mailbox string, op imap.StoreFlagsOp, flags ...imap.Flag) {
	t.Helper()
	must(t, s.see.Store(s.spell(mailbox), op, flags...))
}

// UIDValidity returns a mailbox's UIDVALIDITY.
func (s *Server) UIDValidity(t testing.TB, mailbox string) uint32 {
	t.Helper()
	v, err := s.see.UIDValidity(s.spell(mailbox))
	must(t, err)
	return v
}

// Mailboxes lists the mailboxes that can be selected.
func (s *Server) Mailboxes(t testing.TB) []string {
	t.Helper()
	names, err := s.see.Mailboxes()
	must(t, err)
	for i, name := range names {
		names[i] = s.read(name)
	}
	return names
}

// Message is what a test sees of a message.
type Message = observer.Message

// Messages returns what a mailbox holds, none when it does not exist.
func (s *Server) Messages(t testing.TB, mailbox string) []Message {
	t.Helper()
	list, err := s.see.Messages(s.spell(mailbox))
	must(t, err)
	return list
}

// Texts returns the messages of a mailbox as they are.
func (s *Server) Texts(t testing.TB, mailbox string) []string {
	t.Helper()
	list, err := s.see.Texts(s.spell(mailbox))
	must(t, err)
	return list
}

// KillConnections cuts every connection to the server without a word.
func (s *Server) KillConnections(t testing.TB) {
	t.Helper()
	if s.Mem != nil {
		s.Mem.KillConnections()
		return
	}
	killSessions(t, s.pid, map[Software]string{DovecotServer: "(imap)", CyrusServer: "(imapd)"}[s.Software])
}
