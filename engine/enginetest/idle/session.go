package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
)

// lineRoom is the longest line of a client, and all that an idle session keeps.
const lineRoom = 1 << 10

// capabilities are what the server offers.
const capabilities = "IMAP4rev1 IDLE MOVE UIDPLUS NAMESPACE SPECIAL-USE UNSELECT"

// session is one connection.
type session struct {
	conn  net.Conn
	store *store

	in       *bufio.Reader
	user     *user
	selected string

	writing sync.Mutex
	idling  string // the tag of IDLE
}

// push sends what nobody asked for.
func (s *session) push(text string) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, _ = io.WriteString(s.conn, text) // whoever reads finds out that the line is gone
}

func (s *session) sayf(format string, args ...any) { s.push(fmt.Sprintf(format, args...) + "\r\n") }

// run talks until the client leaves.
func (s *session) run() {
	defer s.conn.Close()
	s.in = bufio.NewReaderSize(s.conn, lineRoom)
	s.sayf("* OK [CAPABILITY %s] ready", capabilities)
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			break
		}
		if !s.line(strings.TrimRight(line, "\r\n")) {
			break
		}
	}
	if s.user != nil {
		s.user.wait(s, false)
	}
}

// line does one command. It returns false after the last.
func (s *session) line(line string) bool {
	if strings.EqualFold(line, "DONE") && s.idling != "" {
		s.user.wait(s, false)
		s.sayf("%s OK done", s.idling)
		s.idling = ""
		return true
	}
	tag, rest, _ := strings.Cut(line, " ")
	command, args, _ := strings.Cut(rest, " ")
	switch command = strings.ToUpper(command); command {
	case "LOGOUT":
		s.sayf("* BYE so long\r\n%s OK done", tag)
		return false
	case "LOGIN":
		s.user = s.store.of(words(args)[0])
		s.sayf("%s OK [CAPABILITY %s] welcome", tag, capabilities)
		return true
	case "CAPABILITY":
		s.sayf("* CAPABILITY %s", capabilities)
	case "IDLE":
		s.idle(tag)
		return true
	default:
		if s.user == nil {
			s.sayf("%s BAD log in first", tag)
			return true
		}
		return s.authenticated(tag, command, args)
	}
	s.sayf("%s OK done", tag)
	return true
}

func (s *session) idle(tag string) {
	s.idling = tag
	s.sayf("+ waiting")
	s.user.wait(s, true)
	// What came between the last command and now is told as well.
	if mail, _ := s.user.holds(inbox); len(mail) > 0 {
		s.sayf("* %d EXISTS", len(mail))
	}
}

// authenticated does the commands that need a user.
func (s *session) authenticated(tag, command, args string) bool {
	switch command {
	case "NAMESPACE":
		s.sayf(`* NAMESPACE (("" "/")) NIL NIL`)
	case "LIST":
		s.sayf("* LIST () \"/\" INBOX\r\n* LIST () \"/\" %s", filed)
	case "STATUS":
		name := words(args)[0]
		mail, next := s.user.holds(name)
		s.sayf(`* STATUS "%s" (MESSAGES %d UIDNEXT %d UIDVALIDITY 1)`, name, len(mail), next)
	case "SELECT", "EXAMINE":
		s.selected = words(args)[0]
		mail, next := s.user.holds(s.selected)
		s.sayf("* %d EXISTS\r\n* FLAGS (\\Seen \\Deleted \\Flagged)\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted \\Flagged \\*)] all\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT %d] ok", len(mail), next)
	case "UID":
		return s.uid(tag, args)
	case "NOOP", "CREATE", "SUBSCRIBE", "UNSELECT", "CHECK":
	default:
		s.sayf("%s BAD unknown", tag)
		return true
	}
	s.sayf("%s OK done", tag)
	return true
}

func (s *session) uid(tag, args string) bool {
	command, rest, _ := strings.Cut(args, " ")
	switch strings.ToUpper(command) {
	case "SEARCH":
		s.search()
	case "FETCH":
		set, items, _ := strings.Cut(rest, " ")
		s.fetch(set, items)
	case "MOVE":
		set, target, _ := strings.Cut(rest, " ")
		return s.move(tag, set, words(target)[0])
	default:
		s.sayf("%s BAD unknown", tag)
		return true
	}
	s.sayf("%s OK done", tag)
	return true
}

// search answers with every message: what the client asks for is among them.
func (s *session) search() {
	mail, _ := s.user.holds(s.selected)
	var b strings.Builder
	for _, m := range mail {
		fmt.Fprintf(&b, " %d", m.uid)
	}
	s.sayf("* SEARCH%s", b.String())
}

func (s *session) fetch(set, items string) {
	mail, _ := s.user.holds(s.selected)
	section := ""
	if _, after, ok := strings.Cut(items, "BODY.PEEK["); ok {
		section, _, _ = strings.Cut(after, "]")
	}
	for i, m := range mail {
		if !contains(set, m.uid) {
			continue
		}
		header := m.header(s.user.name)
		s.sayf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"%s\" RFC822.SIZE %d BODY[%s] {%d}\r\n%s)", i+1, m.uid,
			m.at.Format("02-Jan-2006 15:04:05 -0700"), m.size(s.user.name), section, len(header), header)
	}
}

func (s *session) move(tag, set, target string) bool {
	mail, _ := s.user.holds(s.selected)
	var uids []uint32
	for _, m := range mail {
		if contains(set, m.uid) {
			uids = append(uids, m.uid)
		}
	}
	moved, into, gone := s.user.move(s.selected, target, uids)
	if len(moved) > 0 {
		s.sayf("* OK [COPYUID 1 %s %s] moved", joined(moved), joined(into))
	}
	for _, seq := range gone {
		s.sayf("* %d EXPUNGE", seq)
	}
	s.sayf("%s OK done", tag)
	return true
}

func joined(uids []uint32) string {
	var out []string
	for _, uid := range uids {
		out = append(out, strconv.FormatUint(uint64(uid), 10))
	}
	return strings.Join(out, ",")
}

// contains reports whether a sequence set names a UID.
func contains(set string, uid uint32) bool {
	for _, part := range strings.Split(set, ",") {
		low, high, isRange := strings.Cut(part, ":")
		if !isRange {
			high = low
		}
		from, to := number(low), number(high)
		if from <= uid && uid <= to || to <= uid && uid <= from {
			return true
		}
	}
	return false
}

func number(text string) uint32 {
	if text == "*" {
		return 1<<32 - 1
	}
	n, _ := strconv.ParseUint(text, 10, 32) // 0 is no UID
	return uint32(n)
}

// words are the arguments of a command, atoms and quoted strings without a backslash;
// there is one at least.
func words(args string) []string {
	var out []string
	for _, w := range strings.Fields(args) {
		out = append(out, strings.Trim(w, `"`))
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}
