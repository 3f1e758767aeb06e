package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// search answers for UID sets, dates and flags: nothing else is asked of so few
// messages.
func search(r *request) string {
	box, refused := r.box()
	if refused != "" {
		return refused
	}
	keys := r.args
	extended := len(keys) > 1 && strings.EqualFold(keys[0].text, "RETURN")
	if extended {
		keys = keys[2:]
	}
	found, ok := r.matching(box, keys)
	if !ok || extended && r.server.opts.NoESearch {
		return "BAD Search not understood"
	}
	found, code := r.limited(found)
	var uids []string
	for _, m := range found {
		uids = append(uids, fmt.Sprint(m.UID))
	}
	switch {
	case !extended:
		r.printf("* SEARCH %s\r\n", strings.Join(uids, " "))
	case len(uids) == 0:
		r.printf("* ESEARCH (TAG \"%%TAG%%\") UID\r\n")
	default:
		r.printf("* ESEARCH (TAG \"%%TAG%%\") UID ALL %s\r\n", strings.Join(uids, ","))
	}
	return "OK " + code + "done"
}

// matching are the messages that match every key.
func (r *request) matching(box *mailbox, keys []value) ([]*Message, bool) {
	found := r.chosen(box, "1:*")
	for len(keys) > 0 {
		key, arg, used := strings.ToUpper(keys[0].text), "", 1
		if len(keys) > 1 && key != "FLAGGED" {
			arg, used = keys[1].text, 2
		}
		matches := r.key(key, arg)
		if matches == nil {
			return nil, false
		}
		found = slices.DeleteFunc(found, func(m *Message) bool { return !matches(m) })
		keys = keys[used:]
	}
	return found, true
}

// key is what a search key demands of a message, nil for one that is not known.
func (r *request) key(key, arg string) func(*Message) bool {
	day, err := time.Parse("2-Jan-2006", arg)
	switch {
	case key == "UID":
		return func(m *Message) bool { return inSet(arg, m.UID, r.last()) }
	case key == "CHARSET":
		return func(*Message) bool { return strings.EqualFold(arg, "UTF-8") }
	case key == "X-GM-RAW":
		return r.rawQuery(arg)
	case key == "FLAGGED":
		return func(m *Message) bool { return m.Has(imap.FlagFlagged) }
	case key == "KEYWORD":
		return func(m *Message) bool { return m.Has(imap.Flag(arg)) }
	case key == "SINCE" && err == nil:
		return func(m *Message) bool { return !m.Received.Before(day) }
	case key == "BEFORE" && err == nil:
		return func(m *Message) bool { return m.Received.Before(day) }
	}
	return nil
}

func fetch(r *request) string {
	box, refused := r.box()
	if refused != "" {
		return refused
	}
	all := r.chosen(box, r.arg(0))
	if r.fault == Unsolicited && len(all) > 0 {
		m := all[0]
		r.printf("* %d FETCH (FLAGS %s)\r\n* %d FETCH (UID %d FLAGS %s)\r\n", r.sequence(m.UID), flagList(m.flags), r.sequence(m.UID), m.UID, flagList(m.flags))
	}
	if r.fault == Late {
		all = all[:max(0, len(all)-1)]
	}
	all, code := r.limited(all)
	for _, m := range all {
		line := fmt.Sprintf("* %d FETCH (%s)\r\n", r.sequence(m.UID), r.items(m))
		r.out.WriteString(line)
		if r.fault == Twice {
			r.out.WriteString(line)
		}
	}
	return "OK " + code + "done"
}

// items answers what was asked of one message.
func (r *request) items(m *Message) string {
	asked := r.args[1:]
	if len(asked) == 1 && asked[0].many {
		asked = asked[0].list
	}
	var out []string
	for _, v := range asked {
		out = append(out, r.item(m, v.text))
	}
	if !slices.ContainsFunc(asked, func(v value) bool { return strings.EqualFold(v.text, "UID") }) {
		out = append([]string{fmt.Sprintf("UID %d", m.UID)}, out...)
	}
	return strings.Join(out, " ")
}

func (r *request) item(m *Message, asked string) string {
	switch name := strings.ToUpper(asked); {
	case name == "UID":
		return fmt.Sprintf("UID %d", m.UID)
	case name == "FLAGS":
		return "FLAGS " + flagList(m.flags)
	case name == "INTERNALDATE":
		return `INTERNALDATE "` + m.Received.Format("_2-Jan-2006 15:04:05 -0700") + `"`
	case name == "RFC822.SIZE":
		return fmt.Sprintf("RFC822.SIZE %d", m.size())
	case name == "BODYSTRUCTURE":
		return fmt.Sprintf(`BODYSTRUCTURE ("text" "plain" ("charset" "utf-8") NIL NIL "7bit" %d %d NIL NIL NIL NIL)`, len(m.body), strings.Count(string(m.body), "\n"))
	case strings.HasPrefix(name, "X-GM-") && r.server.opts.Gmail:
		return r.gmailItem(m, name)
	case strings.HasPrefix(name, "BODY.PEEK["):
		return m.section(asked)
	}
	r.server.violate("FETCH of %s, which may set \\Seen", asked)
	return asked + " NIL"
}

// section answers BODY.PEEK[...] with an optional part of it.
func (m *Message) section(asked string) string {
	inside, rest, _ := strings.Cut(asked[len("BODY.PEEK["):], "]")
	var data []byte
	switch name, fields, _ := strings.Cut(inside, " "); strings.ToUpper(name) {
	case "":
		data = slices.Concat(m.header, m.body)
	case "HEADER":
		data = m.header
	case "HEADER.FIELDS":
		data = m.fields(fields)
	case "1", "TEXT":
		data = m.body
	}
	partial := ""
	if span, ok := strings.CutPrefix(rest, "<"); ok {
		from, count, _ := strings.Cut(strings.TrimSuffix(span, ">"), ".")
		a, b := atoi(from), atoi(count)
		data = data[min(a, len(data)):min(a+b, len(data))]
		partial = "<" + from + ">"
	}
	return fmt.Sprintf("BODY[%s]%s {%d}\r\n%s", inside, partial, len(data), data)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func (m *Message) fields(asked string) []byte {
	want := strings.ToLower(asked)
	var out []byte
	for line := range strings.Lines(string(m.header)) {
		name, _, ok := strings.Cut(line, ":")
		if ok && (strings.Contains(want, `"`+strings.ToLower(name)+`"`) || slices.Contains(strings.Fields(strings.Trim(want, "()")), strings.ToLower(name))) {
			out = append(out, line...)
		}
	}
	return append(out, "\r\n"...)
}

// part is what a command gets done: half of it where it says so.
func (r *request) part(all []*Message) ([]*Message, string) {
	switch r.fault {
	case OKOverQuota:
		return all[:len(all)/2], "[OVERQUOTA] "
	case OKMessageLimit:
		return all[:len(all)/2], "[MESSAGELIMIT 1] "
	}
	return r.limited(all)
}

func store(r *request) string {
	box, refused := r.box()
	if refused != "" {
		return refused
	}
	if r.readOnly || len(r.args) != 3 {
		return "NO [READ-ONLY] Read-only"
	}
	op := strings.ToUpper(r.arg(1))
	if r.server.opts.Gmail && strings.Contains(op, "X-GM-") {
		return r.storeLabels(box, op)
	}
	all, code := r.part(r.chosen(box, r.arg(0)))
	for _, m := range all {
		if strings.HasPrefix(op, "FLAGS") {
			m.clear()
		}
		for _, f := range r.args[2].list {
			m.set(imap.Flag(f.text), !strings.HasPrefix(op, "-"))
		}
		if strings.HasSuffix(op, ".SILENT") {
			r.view[r.sequence(m.UID)-1].version = m.version
		}
	}
	r.server.expungeAtOnce(box, all)
	r.server.tell(box)
	return "OK " + code + "done"
}

// transfer is what COPY and MOVE have in common.
func (r *request) transfer(remove bool) string {
	box, refused := r.box()
	if refused != "" {
		return refused
	}
	to := r.server.boxes[r.arg(1)]
	switch {
	case to == nil:
		return "NO [TRYCREATE] No such mailbox"
	case r.server.full[to.name]:
		return "NO [OVERQUOTA] Quota exceeded"
	}
	all, code := r.part(r.chosen(box, r.arg(0)))
	var from, made []string
	for _, m := range all {
		made = append(made, fmt.Sprint(r.server.into(to, m).UID))
		from = append(from, fmt.Sprint(m.UID))
		if remove {
			box.remove(m.UID)
		}
	}
	r.server.tell(box)
	r.server.tell(to)
	return r.copied(to, from, made, code, remove)
}

// copied says what was copied: with MOVE before the EXPUNGE responses, as RFC
// 6851 section 4.3 asks for, else in the tagged reply.
func (r *request) copied(to *mailbox, from, made []string, code string, moved bool) string {
	o := r.server.opts
	named := ""
	switch {
	case r.fault == BadCopyUID:
		named = fmt.Sprintf("[COPYUID %d  ] ", to.validity)
	case len(made) > 0 && !o.NoUIDPlus && !o.NoCopyUID:
		named = fmt.Sprintf("[COPYUID %d %s %s] ", to.validity, strings.Join(from, ","), strings.Join(made, ","))
	}
	if code != "" || !moved {
		return "OK " + firstOf(code, named) + "done"
	}
	if named != "" {
		r.printf("* OK %scopied\r\n", named)
	}
	return "OK done"
}

// firstOf is the code that a reply has room for.
func firstOf(code, named string) string {
	if code != "" {
		return code
	}
	return named
}

func copyTo(r *request) string { return r.transfer(false) }

func moveTo(r *request) string {
	if r.server.opts.NoMove {
		return "BAD Unknown command"
	}
	return r.transfer(true)
}

// appendTo adds a message (RFC 9051 section 6.3.12): its flags and its date may be
// left out.
func appendTo(r *request) string {
	to := r.server.boxes[r.arg(0)]
	switch {
	case to == nil:
		return "NO [TRYCREATE] No such mailbox"
	case r.server.full[to.name]:
		return "NO [OVERQUOTA] Quota exceeded"
	}
	r.server.origins++
	m := &Message{Origin: r.server.origins, Received: time.Now().UTC().Truncate(time.Second)}
	for _, v := range r.args[1 : len(r.args)-1] {
		if at, err := time.Parse("_2-Jan-2006 15:04:05 -0700", v.text); err == nil {
			m.Received = at.UTC()
		}
		for _, f := range v.list {
			m.set(imap.Flag(f.text), true)
		}
	}
	m.read(r.arg(len(r.args) - 1))
	to.add(m)
	r.server.labelled(m)
	r.server.tell(to)
	switch o := r.server.opts; {
	case r.fault == BadCopyUID:
		return fmt.Sprintf("OK [APPENDUID %d ] done", to.validity)
	case o.NoUIDPlus || o.NoCopyUID:
		return "OK done"
	}
	return fmt.Sprintf("OK [APPENDUID %d %d] done", to.validity, m.UID)
}

func expunge(r *request) string {
	box, refused := r.box()
	if refused != "" {
		return refused
	}
	if r.server.opts.NoUIDPlus {
		return "BAD Unknown command"
	}
	all, code := r.limited(r.chosen(box, r.arg(0)))
	for _, m := range all {
		if m.Has(imap.FlagDeleted) {
			box.remove(m.UID)
		}
	}
	r.server.tell(box)
	return "OK " + code + "done"
}
