package imaptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

const raw = "From: a@example.org\r\nMessage-ID: <one@test>\r\nSubject: one\r\n\r\nHello.\r\n"

var kinds = map[string]func(testing.TB, Options) *Server{"memory": Memory, "dovecot": Dovecot, "cyrus": Cyrus}

// talk logs in over a bare socket and sends lines; it returns the completions.
func talk(t *testing.T, s *Server, lines ...string) []string {
	t.Helper()
	conn, err := s.DialContext(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	var out []string
	for i, line := range append([]string{fmt.Sprintf("LOGIN %s %s", s.Username, s.Password)}, lines...) {
		tag := fmt.Sprintf("a%d ", i)
		fmt.Fprintf(conn, "%s%s\r\n", tag, line)
		for {
			got, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if rest, ok := strings.CutPrefix(got, tag); ok {
				out = append(out, strings.TrimSpace(rest))
				break
			}
		}
	}
	return out[1:]
}

func TestDeliveredMailIsSeen(t *testing.T) {
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{NoUIDPlus: true})
			at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
			s.Append(t, "New/Box", []imap.Flag{imap.FlagSeen}, at, []byte(raw))
			got := s.Messages(t, "New/Box")
			if len(got) != 1 || got[0].MessageID != "<one@test>" || got[0].Size != int64(len(raw)) || !got[0].Received.Equal(at) ||
				!slices.Equal(got[0].Flags, []imap.Flag{imap.FlagSeen}) {
				t.Fatalf("messages = %+v", got)
			}
			s.Create(t, "Other")
			s.Move(t, "New/Box", "Other")
			if a, b := len(s.Messages(t, "New/Box")), len(s.Messages(t, "Other")); a != 0 || b != 1 {
				t.Errorf("after the move: %d and %d", a, b)
			}
			if got := s.Messages(t, "Nowhere"); got != nil {
				t.Errorf("a missing mailbox holds %v", got)
			}
			before := s.UIDValidity(t, "Other")
			s.Delete(t, "Other")
			s.Create(t, "Other")
			if s.UIDValidity(t, "Other") == before {
				t.Error("UIDVALIDITY did not change")
			}
			for _, want := range []string{"INBOX", "Trash", "Junk", "Sent", "Drafts", "Archive", "Other"} {
				if !slices.Contains(s.Mailboxes(t), want) {
					t.Errorf("no mailbox %s", want)
				}
			}
		})
	}
}

// What the memory server does not offer, it refuses.
func TestMemoryRefusesWhatItDoesNotOffer(t *testing.T) {
	for _, tc := range []struct {
		opts Options
		line string
		want string
	}{
		{Options{}, "UID MOVE 1 Trash", "OK"},
		{Options{NoMove: true}, "UID MOVE 1 Trash", "BAD"},
		{Options{}, "UID EXPUNGE 1", "OK"},
		{Options{NoUIDPlus: true}, "UID EXPUNGE 1", "BAD"},
		{Options{NoIdle: true}, "IDLE", "BAD"},
		{Options{NoIdle: true}, "idle", "BAD"},
	} {
		s := Memory(t, tc.opts)
		s.Append(t, "INBOX", nil, time.Time{}, []byte(raw))
		got := talk(t, s, "SELECT INBOX", tc.line)
		if !strings.HasPrefix(got[1], tc.want) {
			t.Errorf("%+v: %s was answered %q, want %s", tc.opts, tc.line, got[1], tc.want)
		}
	}
	s := Memory(t, Options{NoUIDPlus: true})
	s.Append(t, "INBOX", nil, time.Time{}, []byte(raw))
	if got := talk(t, s, "SELECT INBOX", "UID COPY 1 Trash")[1]; strings.Contains(got, "COPYUID") {
		t.Errorf("without UIDPLUS: %s", got)
	}
}

// A letter that only talks of IDLE is delivered as it is.
func TestNoIdleLeavesMailAlone(t *testing.T) {
	s := Memory(t, Options{NoIdle: true})
	text := "Message-ID: <x@test>\r\n\r\na IDLE\r\n"
	if _, err := s.see.Append("INBOX", nil, time.Time{}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if got := talk(t, s, "SELECT INBOX", `SEARCH BODY "a IDLE"`); !strings.HasPrefix(got[1], "OK") {
		t.Error(got)
	}
	if got := s.Messages(t, "INBOX"); len(got) != 1 || got[0].Size != int64(len(text)) {
		t.Errorf("%+v", got)
	}
}

func TestRefusals(t *testing.T) {
	m := Memory(t, Options{})
	m.Append(t, "INBOX", nil, time.Time{}, []byte(raw))
	m.Mem.Refuse("Trash", imap.ResponseCodeOverQuota)
	if got := talk(t, m, "SELECT INBOX", "UID COPY 1 Trash")[1]; !strings.HasPrefix(got, "NO [OVERQUOTA]") {
		t.Error(got)
	}
	m.Mem.Allow("Trash")
	if got := talk(t, m, "SELECT INBOX", "UID COPY 1 Trash")[1]; !strings.HasPrefix(got, "OK") {
		t.Error(got)
	}
	for name, start := range kinds {
		if name == "memory" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			noRight(t, start(t, Options{ACL: true}))
			overQuota(t, start(t, Options{Quota: 3000}))
		})
	}
}

func noRight(t *testing.T, acl *Server) {
	acl.Append(t, "INBOX", nil, time.Time{}, []byte(raw))
	acl.Create(t, "Closed")
	acl.SetRights(t, "Closed", "lr")
	if got := talk(t, acl, "SELECT INBOX", "UID COPY 1 Closed")[1]; !strings.HasPrefix(got, "NO ") {
		t.Error(got)
	}
	acl.SetRights(t, "Closed", "lrwstipekxa")
	if got := talk(t, acl, "SELECT INBOX", "UID COPY 1 Closed")[1]; !strings.HasPrefix(got, "OK") {
		t.Error(got)
	}
}

func overQuota(t *testing.T, full *Server) {
	full.Append(t, "INBOX", nil, time.Time{}, []byte(raw+strings.Repeat("x", 700)))
	full.Append(t, "Big", nil, time.Time{}, []byte(raw+strings.Repeat("x", 1900)))
	if got := talk(t, full, "SELECT INBOX", "UID COPY 1 Trash")[1]; !strings.HasPrefix(got, "NO ") || !strings.Contains(strings.ToLower(got), "quota") {
		t.Error(got)
	}
	full.Empty(t, "Big")
	if got := talk(t, full, "SELECT INBOX", "UID COPY 1 Trash")[1]; !strings.HasPrefix(got, "OK") {
		t.Error(got)
	}
}

// With Dots the server's names differ, and those of the methods do not.
func TestDots(t *testing.T) {
	s := Cyrus(t, Options{Dots: true})
	s.Append(t, "New/Box", nil, time.Time{}, []byte(raw))
	if got := s.Mailboxes(t); !slices.Contains(got, "New/Box") || !slices.Contains(got, "INBOX") || !slices.Contains(got, "Trash") {
		t.Errorf("mailboxes %q", got)
	}
	if got := talk(t, s, "SELECT INBOX.New.Box"); !strings.HasPrefix(got[0], "OK") {
		t.Error(got)
	}
}

// A plan cuts each connection after its own number of bytes, both ways counted.
func TestProxyPlan(t *testing.T) {
	p := Memory(t, Options{}).Proxy(t)
	p.Plan(func(connection int) Limit { return Limit{After: 10 * connection} })
	for connection := range 3 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		got, err := io.ReadAll(conn) // the greeting, as far as it came
		if len(got) != 10*(connection+1) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("connection %d: %d bytes, %v", connection+1, len(got), err)
		}
		conn.Close()
	}
	if p.Planned() != 3 {
		t.Errorf("%d connections, want 3", p.Planned())
	}
}

func TestConnectionsAreKilled(t *testing.T) {
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			conn, err := s.DialContext(t.Context(), "tcp", "")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			r := bufio.NewReader(conn)
			fmt.Fprintf(conn, "a LOGIN %s %s\r\n", s.Username, s.Password)
			for line := ""; !strings.HasPrefix(line, "a OK"); {
				if line, err = r.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			s.KillConnections(t)
			if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = r.ReadString('\n')
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection lives")
			}
			s.Append(t, "INBOX", nil, time.Time{}, []byte(raw)) // the server does, too
		})
	}
}

func TestTLS(t *testing.T) {
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{TLS: true})
			conn, err := tls.Dial("tcp", s.TLSAddr, &tls.Config{RootCAs: s.Roots})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "* OK") {
				t.Errorf("greeting %q, %v", line, err)
			}
			_, err = tls.Dial("tcp", s.TLSAddr, &tls.Config{})
			if err == nil {
				t.Error("the system's roots trust the test's certificate")
			}
		})
	}
}

func TestProxy(t *testing.T) {
	s := Memory(t, Options{})
	p := s.Proxy(t)
	dial := func() (net.Conn, *bufio.Reader) {
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		return conn, r
	}
	conn, r := dial()
	defer conn.Close()
	p.Cut()
	if _, err := r.ReadString('\n'); err == nil {
		t.Error("the cut connection still speaks")
	}
	conn, r = dial()
	defer conn.Close()
	p.BlackHole(true)
	fmt.Fprint(conn, "a NOOP\r\n")
	if err := conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if line, err := r.ReadString('\n'); err == nil {
		t.Errorf("out of the black hole came %q", line)
	}
}
