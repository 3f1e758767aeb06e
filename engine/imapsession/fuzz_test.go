package imapsession

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

// FuzzFetch gives a collector arbitrary responses: what it keeps was asked for,
// and is within the limits.
func FuzzFetch(f *testing.F) {
	for _, seed := range []string{`(UID 5 FLAGS (\Seen) BODY[1]<0> "ab" BODY[2.1] {3+}` + "\r\nabc)", `(UID 5 BODYSTRUCTURE ("a" "b" NIL NIL NIL "x" 5))`,
		`(UID 7 BODY[HEADER] "A: b" BODY[1] NIL)`, `(BODYSTRUCTURE ("a"b" "c") UID 5)`, `(UID 5 BODYSTRUCTURE (`, `(UID 5 BODY["]"] x BODY[1<5> "y")`, `(UID 5 BODY[] "abcde" BODY[]<4> NIL)`} {
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, want := range []item{itemFlags | itemDate | itemSize | itemHeader, itemFields, itemStructure, itemParts, itemRaw} {
			c := newCollector(imap.UIDSetNum(5, 7), want, small())
			c.room = 5000
			c.limit = func(imap.UID, string) int { return 4 }
			for _, data := range [][]byte{first, second} {
				c.take(response{kind: "FETCH", data: bytes.Clone(data)})
			}
			if len(c.got) > 2 || c.room < 0 {
				t.Fatalf("%d messages, room %d", len(c.got), c.room)
			}
			for _, m := range c.complete() {
				checkCollected(t, m, want)
			}
		}
	})
}

// What comes again takes no room.
func TestPartsAreCountedOnce(t *testing.T) {
	c := newCollector(imap.UIDSetNum(5), itemParts, Limits{Collected: 5000})
	c.limit = func(imap.UID, string) int { return 3000 }
	for range 5 {
		c.take(response{kind: "FETCH", data: []byte(`(UID 5 BODY[1] "` + strings.Repeat("x", 3000) + `")`)})
	}
	if all := c.complete(); c.full || len(all) != 1 || len(all[0].parts) != 1 {
		t.Errorf("full %v, %d messages", c.full, len(all))
	}
}

func checkCollected(t *testing.T, m *message, want item) {
	if m.UID != 5 && m.UID != 7 || want == itemStructure && (m.structure.Root == nil) == (m.structure.Err == nil) {
		t.Fatalf("%+v", m)
	}
	sections := map[string]bool{}
	for _, p := range m.parts {
		if sections[p.Section] || p.UID != m.UID || len(p.Data) > 4 || len(p.Data) == 4 && !p.Truncated || !ofItem(p.Section, want) {
			t.Fatalf("%+v", p)
		}
		sections[p.Section] = true
	}
}

// ofItem reports whether a section is one that was asked for.
func ofItem(section string, want item) bool {
	if want == itemRaw {
		return section == "" || section[0] == '<'
	}
	return checkSection(section) == nil
}

// FuzzGuard lets a server say anything to a session: every method returns, what
// it returns was asked for, and imapclient never meets what it cannot read.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{
		"* 1 FETCH (UID 5 BODY[1]<0> \"ab\")\r\nT1 OK\r\nT2 NO [PARSE] x\r\n* 1 FETCH (UID 5 BODYSTRUCTURE (\"a\" \"b\" NIL NIL NIL \"x\" 5))\r\nT3 OK done\r\n* SEARCH 5\r\nT4 OK x\r\n",
		"T2 OK\r\nT1 OK\r\nT3 BAD\r\n", "* BYE x\r\n", "+ \r\nT1 OK\r\nT1 OK\r\n", "* 1 FETCH (UID 5 BODY[1] {99999}\r\n", "T4 OK\r\n",
		"* 1 FETCH (UID 5 BODYSTRUCTURE (" + strings.Repeat("x ", 100) + "{5}\r\nT1 OK\r\n)\r\nT1 OK\r\nT2 OK\r\nT3 OK\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		conn := &canned{in: bytes.NewReader(in), begun: make(chan struct{}), closed: make(chan struct{})}
		o := Options{Limits: small()}.withDefaults()
		s := &Session{o: &o, guard: newGuard(conn, conn, &o), caps: Capabilities{ESearch: true}}
		s.attach(response{kind: "OK"})
		defer s.Close()
		uids := imap.UIDSetNum(5, 7)
		parts, err := s.FetchParts(t.Context(), []PartRequest{{uids, []string{"1"}, 4}, {imap.UIDSetNum(7), []string{"2.1"}, 4}})
		typed(t, err)
		for _, p := range parts {
			if !uids.Contains(p.UID) || len(p.Data) > 4 || p.Section != "1" && (p.Section != "2.1" || p.UID != 7) {
				t.Fatalf("%+v", p)
			}
		}
		structures, err := s.FetchStructures(t.Context(), uids)
		typed(t, err)
		for uid := range structures {
			if !uids.Contains(uid) {
				t.Fatalf("UID %d", uid)
			}
		}
		_, err = s.SearchAbove(t.Context(), 3)
		typed(t, err)
	})
}

// typed demands an *Error whose reason is not that imapclient broke down.
func typed(t *testing.T, err error) {
	var e *Error
	if err != nil && (!errors.As(err, &e) || strings.Contains(err.Error(), "panic") || strings.Contains(err.Error(), "imapclient") || strings.Contains(err.Error(), "in response")) {
		t.Fatal(err)
	}
}

// canned is a server that says all it has to say at the first command.
type canned struct {
	net.Conn
	in            io.Reader
	begun, closed chan struct{}
	lines         int
	saying, once  sync.Once
}

func (c *canned) Read(p []byte) (int, error) {
	select {
	case <-c.begun:
		return c.in.Read(p)
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

// Write lets the server speak once both commands that go out together are
// there: what it says before is for a command that nobody sent.
func (c *canned) Write(p []byte) (int, error) {
	if c.lines += bytes.Count(p, []byte("\n")); c.lines >= 2 {
		c.saying.Do(func() { close(c.begun) })
	}
	return len(p), nil
}

func (c *canned) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (*canned) SetReadDeadline(time.Time) error  { return nil }
func (*canned) SetWriteDeadline(time.Time) error { return nil }

// FuzzExamine reads namespaces and quotas, whatever a server says.
func FuzzExamine(f *testing.F) {
	for _, seed := range []string{`(("INBOX." ".")) NIL (("a/" "/" "X" ("y")))`, `"" (STORAGE 10 512)`, `((NIL NIL)) ((`, "{3}\r\nabc (MESSAGE 1 18446744073709551616)"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		spaces, quotas := parseNamespaces(bytes.Clone(data)), parseQuota(bytes.Clone(data))
		if len(spaces) > maxNamespaces || len(quotas) > maxQuotas {
			t.Fatalf("%d namespaces, %d quotas", len(spaces), len(quotas))
		}
		for _, n := range spaces {
			if n.Prefix != printable(n.Prefix) {
				t.Fatalf("%q", n.Prefix)
			}
		}
	})
}

// FuzzNotices lets a server tell anything beside its answers: what is kept of it are
// names that can be sent back, and never more of them than there may be.
func FuzzNotices(f *testing.F) {
	for _, seed := range []string{
		"* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UNSEEN 1)\r\n* STATUS \"a&AOQ-\" (HIGHESTMODSEQ 16)\r\n",
		"* LIST (\\NonExistent) \"/\" Lists/new\r\n* OK [NOTIFICATIONOVERFLOW] too much\r\n",
		"* STATUS {5}\r\nINBOX (UIDNEXT 99999999999)\r\n* STATUS & ()\r\n", "* NAMESPACE ((\"\" \"/\")) ((\"Other/\" \"/\")) ((\"#p.\" NIL) (\"x\" \".\"))\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		a := newAssembler(bytes.NewReader(in), small())
		n := &Notices{}
		for {
			line, err := a.next()
			if err != nil {
				break
			}
			r, ok := parseResponse(line)
			if !ok {
				continue
			}
			if n.note(r) && !n.Names && !n.Overflow && len(n.Status) == 0 {
				t.Fatalf("%q was taken and nothing is kept of it", line)
			}
			for _, prefix := range foreignPrefixes(r.data) {
				if checkMailbox(prefix) != nil {
					t.Fatalf("the prefix %q", prefix)
				}
			}
		}
		for name := range n.Status {
			if checkMailbox(name) != nil {
				t.Fatalf("the mailbox %q", name)
			}
		}
	})
}
