package imaptest

import (
	"bufio"
	"bytes"
	"net"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"imapilot/engine/enginetest/memserver"
)

// Options of a server: the zero value offers everything.
type Options struct {
	// NoMove, NoUIDPlus and NoIdle take capabilities away.
	NoMove, NoUIDPlus, NoIdle bool
	// Config is added to Dovecot's configuration.
	Config string
}

// Server is a running server and one user of it.
type Server struct {
	Username, Password string
	Options            Options
	// Dir is Dovecot's folder, "" for the memory server.
	Dir  string
	addr string
}

// Memory starts a memory server.
func Memory(t testing.TB, o Options) *Server {
	t.Helper()
	m, err := memserver.New(memserver.Options{NoMove: o.NoMove, NoUIDPlus: o.NoUIDPlus, NoIdle: o.NoIdle})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return &Server{Username: m.Username, Password: m.Password, Options: o, addr: m.Addr().String()}
}

// Addr returns host and port.
func (s *Server) Addr() (string, int) {
	a, _ := net.ResolveTCPAddr("tcp", s.addr)
	return a.IP.String(), a.Port
}

// client opens a connection for one look or one change.
func (s *Server) client(t testing.TB) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.addr, nil)
	if err != nil {
		t.Fatalf("test connection: %v", err)
	}
	if err := c.Login(s.Username, s.Password).Wait(); err != nil {
		t.Fatalf("test login: %v", err)
	}
	return c
}

// do runs f on a connection of its own.
func (s *Server) do(t testing.TB, f func(c *imapclient.Client) error) {
	t.Helper()
	c := s.client(t)
	defer c.Close()
	if err := f(c); err != nil {
		t.Fatalf("test connection: %v", err)
	}
}

// Append delivers a message, with its mailbox made first when it is missing.
// The UID is 0 on a server without UIDPLUS.
func (s *Server) Append(t testing.TB, mailbox string, flags []imap.Flag, date time.Time, raw []byte) imap.UID {
	t.Helper()
	return s.AppendAll(t, mailbox, []Delivery{{Flags: flags, Date: date, Raw: raw}})[0]
}

// Delivery is one message to append.
type Delivery struct {
	Flags []imap.Flag
	Date  time.Time
	Raw   []byte
}

// AppendAll delivers many messages over one connection.
func (s *Server) AppendAll(t testing.TB, mailbox string, all []Delivery) []imap.UID {
	t.Helper()
	var out []imap.UID
	s.do(t, func(c *imapclient.Client) error {
		for _, d := range all {
			cmd := c.Append(mailbox, int64(len(d.Raw)), &imap.AppendOptions{Flags: d.Flags, Time: d.Date})
			if _, err := cmd.Write(d.Raw); err != nil {
				return err
			}
			if err := cmd.Close(); err != nil {
				return err
			}
			data, err := cmd.Wait()
			if err != nil {
				return err
			}
			out = append(out, data.UID)
		}
		return nil
	})
	return out
}

// Create makes a mailbox.
func (s *Server) Create(t testing.TB, mailbox string) {
	t.Helper()
	s.do(t, func(c *imapclient.Client) error { return c.Create(mailbox, nil).Wait() })
}

// Delete removes a mailbox and what it holds. Dovecot gives one that is made
// again another UIDVALIDITY only in another second, so Delete waits for it.
func (s *Server) Delete(t testing.TB, mailbox string) {
	t.Helper()
	s.do(t, func(c *imapclient.Client) error { return c.Delete(mailbox).Wait() })
	if s.Dir != "" {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	}
}

// Move moves every message of a mailbox, as another client would.
func (s *Server) Move(t testing.TB, from, to string) {
	t.Helper()
	s.do(t, func(c *imapclient.Client) error {
		if _, err := c.Select(from, nil).Wait(); err != nil {
			return err
		}
		all := imap.SeqSet{{Start: 1, Stop: 0}}
		if _, err := c.Copy(all, to).Wait(); err != nil {
			return err
		}
		if err := c.Store(all, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
			return err
		}
		return c.Expunge().Close()
	})
}

// Store changes flags of every message of a mailbox, as another client would.
func (s *Server) Store(t testing.TB, mailbox string, op imap.StoreFlagsOp, flags ...imap.Flag) {
	t.Helper()
	s.do(t, func(c *imapclient.Client) error {
		if _, err := c.Select(mailbox, nil).Wait(); err != nil {
			return err
		}
		return c.Store(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.StoreFlags{Op: op, Flags: flags}, nil).Close()
	})
}

// UIDValidity returns a mailbox's UIDVALIDITY.
func (s *Server) UIDValidity(t testing.TB, mailbox string) uint32 {
	t.Helper()
	var out uint32
	s.do(t, func(c *imapclient.Client) error {
		data, err := c.Status(mailbox, &imap.StatusOptions{UIDValidity: true}).Wait()
		if err == nil {
			out = data.UIDValidity
		}
		return err
	})
	return out
}

// Mailboxes lists the mailboxes that can be selected.
func (s *Server) Mailboxes(t testing.TB) []string {
	t.Helper()
	var out []string
	s.do(t, func(c *imapclient.Client) error {
		list, err := c.List("", "*", nil).Collect()
		for _, l := range list {
			if !slices.Contains(l.Attrs, imap.MailboxAttrNoSelect) && !slices.Contains(l.Attrs, imap.MailboxAttrNonExistent) {
				out = append(out, l.Mailbox)
			}
		}
		return err
	})
	slices.Sort(out)
	return out
}

// Message is what a test sees of a message.
type Message struct {
	UID       imap.UID
	Flags     []imap.Flag
	MessageID string
	Size      int64
	Received  time.Time
}

// Messages returns what a mailbox holds, none when it does not exist.
func (s *Server) Messages(t testing.TB, mailbox string) []Message {
	t.Helper()
	if !slices.Contains(s.Mailboxes(t), mailbox) {
		return nil
	}
	var out []Message
	s.do(t, func(c *imapclient.Client) error {
		sel, err := c.Select(mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
		if err != nil || sel.NumMessages == 0 {
			return err
		}
		section := &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Message-Id"}, Peek: true}
		list, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{
			UID: true, Flags: true, InternalDate: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{section},
		}).Collect()
		for _, m := range list {
			out = append(out, Message{
				UID: m.UID, Flags: m.Flags, MessageID: messageID(m.FindBodySection(section)), Size: m.RFC822Size, Received: m.InternalDate,
			})
		}
		return err
	})
	return out
}

func messageID(header []byte) string {
	m, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(header)))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(m.Header.Get("Message-Id"))
}
