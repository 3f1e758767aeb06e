package model

import (
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// request is one command with what is to be answered.
type request struct {
	*session
	args  []value
	fault Fault
	out   strings.Builder
}

func (r *request) printf(format string, args ...any) { fmt.Fprintf(&r.out, format, args...) }

func (r *request) arg(i int) string {
	if i >= len(r.args) {
		return ""
	}
	return r.args[i].text
}

// handler performs a command and returns the end of its tagged reply.
type handler func(r *request) string

func handlers() map[string]handler {
	return map[string]handler{
		"CAPABILITY": capability, "NOOP": noop, "LOGOUT": logout, "ID": identify, "AUTHENTICATE": authenticate, "LOGIN": authenticate,
		"NAMESPACE": namespace, "LIST": list, "STATUS": status, "CREATE": create, "SUBSCRIBE": subscribe,
		"SELECT": selectBox, "EXAMINE": examine, "UNSELECT": unselect,
		"UID SEARCH": search, "UID FETCH": fetch, "UID STORE": store, "UID COPY": copyTo, "UID MOVE": moveTo, "UID EXPUNGE": expunge, "APPEND": appendTo,
		"CLOSE": never, "EXPUNGE": never, "FETCH": never, "STORE": never, "COPY": never, "MOVE": never, "SEARCH": never,
	}
}

// execute performs a command and returns the whole reply. What the session did
// not know yet comes after the command's own data, as with Dovecot.
func (c *session) execute(tag, command, args string, fault Fault) string {
	values, err := parse(args)
	do, ok := handlers()[command]
	if err != nil || !ok {
		return tag + " BAD Command not understood\r\n"
	}
	if touched := c.touched(command, values); len(touched.uids) > 0 {
		c.server.touches(touched.mailbox, touched.validity, touched.uids)
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	r := &request{session: c, args: values, fault: fault}
	end := do(r)
	return strings.ReplaceAll(r.out.String(), "%TAG%", tag) + c.update() + tag + " " + end + "\r\n"
}

type touched struct {
	mailbox  string
	validity uint32
	uids     []imap.UID
}

// touched are the messages that a command is about to change.
func (c *session) touched(command string, values []value) touched {
	switch command {
	case "UID STORE", "UID COPY", "UID MOVE", "UID EXPUNGE":
	default:
		return touched{}
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	box := c.server.boxes[c.selected]
	if box == nil || len(values) == 0 {
		return touched{}
	}
	t := touched{mailbox: box.name, validity: box.validity}
	for _, m := range c.chosen(box, values[0].text) {
		t.uids = append(t.uids, m.UID)
	}
	return t
}

// never is a command that may take another client's mail away, or the wrong
// message's.
func never(r *request) string {
	r.server.violate("a command that must never be sent: sequence numbers, EXPUNGE or CLOSE")
	return "BAD never"
}

func capability(r *request) string {
	r.printf("* CAPABILITY %s\r\n", r.announced())
	return "OK done"
}

func noop(*request) string { return "OK done" }

func logout(r *request) string {
	r.printf("* BYE bye\r\n")
	return "OK done"
}

func authenticate(r *request) string {
	r.server.logins = append(r.server.logins, time.Now())
	if !r.enter() {
		return r.server.opts.Kind.OverLimit
	}
	return "OK [CAPABILITY " + r.announced() + "] welcome"
}

func namespace(r *request) string {
	r.printf("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")
	return "OK done"
}

func list(r *request) string {
	for _, name := range r.server.names() {
		if !imapserver.MatchList(name, '/', "", r.pattern()) {
			continue
		}
		attrs := ""
		if role := map[string]string{"Trash": `\Trash`, "Archive": `\Archive`, "Junk": `\Junk`, allMail: `\All`}[name]; !r.server.opts.NoSpecialUse {
			attrs = role
		}
		r.printf("* LIST (%s) \"/\" %s\r\n", attrs, quote(name))
	}
	return "OK done"
}

func (r *request) pattern() string {
	if p := r.arg(1); p != "" {
		return p
	}
	return "*"
}

func status(r *request) string {
	box := r.server.boxes[r.arg(0)]
	if box == nil {
		return "NO [NONEXISTENT] No such mailbox"
	}
	r.printf("* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY %d)\r\n", quote(box.name), len(box.messages), box.next, box.validity)
	return "OK done"
}

func create(r *request) string {
	name := r.arg(0)
	switch {
	case r.server.full[name]:
		return "NO [OVERQUOTA] Quota exceeded"
	case r.server.boxes[name] != nil:
		return "NO [ALREADYEXISTS] It exists"
	}
	r.server.create(name)
	return "OK done"
}

func subscribe(*request) string { return "OK done" }

func selectBox(r *request) string { return r.open(false) }
func examine(r *request) string   { return r.open(true) }

func (r *request) open(readOnly bool) string {
	if r.selected != "" {
		r.printf("* OK [CLOSED] Closed\r\n")
	}
	r.selected, r.view, r.readOnly = "", nil, readOnly
	box := r.server.boxes[r.arg(0)]
	if box == nil {
		return "NO [NONEXISTENT] No such mailbox"
	}
	if r.server.shut[box.name] {
		return "NO Not now"
	}
	r.selected = box.name
	for _, m := range box.messages {
		r.view = append(r.view, seen{m.UID, m.version})
	}
	r.printf("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags\r\n")
	r.printf("* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY %d] UIDs\r\n* OK [UIDNEXT %d] Next\r\n", len(box.messages), box.validity, box.next)
	if readOnly {
		return "OK [READ-ONLY] done"
	}
	return "OK [READ-WRITE] done"
}

func unselect(r *request) string {
	r.selected, r.view = "", nil
	return "OK done"
}

// chosen are the messages of a UID set that the session knows and that are
// still there. "*" is the last one (RFC 9051 section 9).
func (c *session) chosen(box *mailbox, set string) []*Message {
	var out []*Message
	for _, v := range c.view {
		if m := box.find(v.uid); m != nil && inSet(set, v.uid, c.last()) {
			out = append(out, m)
		}
	}
	return out
}

func (c *session) last() imap.UID {
	if len(c.view) == 0 {
		return 0
	}
	return c.view[len(c.view)-1].uid
}

func inSet(set string, uid, last imap.UID) bool {
	for part := range strings.SplitSeq(set, ",") {
		from, to, ok := strings.Cut(part, ":")
		if !ok {
			to = from
		}
		a, b := number(from, last), number(to, last)
		if min(a, b) <= uid && uid <= max(a, b) {
			return true
		}
	}
	return false
}

func number(s string, last imap.UID) imap.UID {
	if s == "*" {
		return last
	}
	var n imap.UID
	if _, err := fmt.Sscan(s, &n); err != nil {
		return 0
	}
	return n
}

// sequence is the message's number in the session's view.
func (c *session) sequence(uid imap.UID) int {
	for i, v := range c.view {
		if v.uid == uid {
			return i + 1
		}
	}
	return 0
}

// box returns the selected mailbox, or the reply that says that there is none.
func (r *request) box() (*mailbox, string) {
	if box := r.server.boxes[r.selected]; box != nil && r.selected != "" {
		return box, ""
	}
	return nil, "BAD No mailbox selected"
}
