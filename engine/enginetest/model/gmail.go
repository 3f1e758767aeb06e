package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// With Options.Gmail the server has X-GM-EXT-1 as Google describes it at
// developers.google.com/gmail/imap/imap-extensions: a mailbox shows the messages that
// have its label, each once, so that to add a label is to put the message there, and to
// remove it is to take it out. A message does not list the label of the mailbox through
// which it is looked at. System labels that no mailbox here shows, such as \Important,
// are kept by the message. Flags are those of each mailbox, which is not so with Gmail.

// systemLabels are the mailboxes whose label has a name of its own.
func systemLabels() map[string]string {
	return map[string]string{`\Inbox`: "INBOX", `\Trash`: "Trash", `\Spam`: "Junk"}
}

// labelOf is the label of a mailbox.
func labelOf(name string) string {
	for label, box := range systemLabels() {
		if box == name {
			return label
		}
	}
	return name
}

// boxOf is the mailbox of a label, "" where none shows it.
func boxOf(label string) string {
	for system, box := range systemLabels() {
		if strings.EqualFold(system, label) {
			return box
		}
	}
	if strings.HasPrefix(label, `\`) {
		return ""
	}
	return label
}

// Label adds a label to the messages of an origin, or removes it, as another client
// would.
func (s *Server) Label(origin int, label string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.names() {
		if i := s.boxes[name].indexOf(origin); i >= 0 {
			s.label(s.boxes[name].messages[i], label, on)
			return
		}
	}
}

// Labels are the labels of an origin, those of all mailboxes, sorted.
func (s *Server) Labels(origin int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.labels(origin, "")
}

// labels are those of an origin as a mailbox shows them. The caller holds the lock.
func (s *Server) labels(origin int, from string) []string {
	var out []string
	for _, name := range s.names() {
		i := s.boxes[name].indexOf(origin)
		if i >= 0 && name != from {
			out = append(out, labelOf(name))
		}
	}
	out = append(out, s.marks[origin]...)
	slices.Sort(out)
	return out
}

// label adds a label to a message, or removes it. The caller holds the lock.
func (s *Server) label(m *Message, label string, on bool) {
	name := boxOf(label)
	if name == "" {
		marks := slices.DeleteFunc(s.marks[m.Origin], func(l string) bool { return strings.EqualFold(l, label) })
		if on {
			marks = append(marks, label)
		}
		s.marks[m.Origin] = marks
		return
	}
	box := s.boxes[name]
	if box == nil && on {
		box = s.create(name)
	}
	switch {
	case box == nil || on == (box.indexOf(m.Origin) >= 0):
		return
	case on:
		box.add(copyOf(m))
	default:
		box.remove(box.messages[box.indexOf(m.Origin)].UID)
	}
	s.tell(box)
}

// indexOf is where the message of an origin lies, -1 if it does not.
func (b *mailbox) indexOf(origin int) int {
	return slices.IndexFunc(b.messages, func(m *Message) bool { return m.Origin == origin })
}

// storeLabels is STORE of labels, which tells what there is then.
func (r *request) storeLabels(box *mailbox, op string) string {
	if op != "+X-GM-LABELS" && op != "-X-GM-LABELS" {
		return "BAD Could not parse command"
	}
	all, code := r.part(r.chosen(box, r.arg(0)))
	for _, m := range all {
		for _, label := range r.args[2].list {
			if boxOf(label.text) != box.name { // the label of this mailbox stays
				r.server.label(m, label.text, op[0] == '+')
			}
		}
		r.printf("* %d FETCH (UID %d %s)\r\n", r.sequence(m.UID), m.UID, r.gmailItem(m, "X-GM-LABELS"))
	}
	return "OK " + code + "Success"
}

// gmailItem is the value of an item of FETCH.
func (r *request) gmailItem(m *Message, name string) string {
	switch name {
	case "X-GM-MSGID", "X-GM-THRID":
		return fmt.Sprintf("%s %d", name, 1<<60+m.Origin)
	}
	var words []string
	for _, label := range r.server.labels(m.Origin, r.selected) {
		if !strings.HasPrefix(label, `\`) {
			label = quote(label)
		}
		words = append(words, label)
	}
	return "X-GM-LABELS (" + strings.Join(words, " ") + ")"
}

// rawQuery is a search in Gmail's own words, of which it knows a few: label:, subject:,
// older_than: in days, and is:read. A word may be excluded, with a "-".
func (r *request) rawQuery(query string) func(*Message) bool {
	if !r.server.opts.Gmail {
		return nil
	}
	return func(m *Message) bool {
		return !slices.ContainsFunc(strings.Fields(query), func(word string) bool {
			word, not := strings.CutPrefix(word, "-")
			return r.rawWord(m, word) == not
		})
	}
}

func (r *request) rawWord(m *Message, word string) bool {
	key, value, _ := strings.Cut(word, ":")
	switch key {
	case "label":
		return slices.ContainsFunc(r.server.labels(m.Origin, ""), func(l string) bool { return strings.EqualFold(strings.TrimPrefix(l, `\`), value) })
	case "subject":
		return slices.Contains(strings.Fields(strings.ToLower(m.Subject)), strings.ToLower(value))
	case "older_than":
		days, err := strconv.Atoi(strings.TrimSuffix(value, "d"))
		return err == nil && time.Since(m.Received) > time.Duration(days)*24*time.Hour
	case "is":
		return value == "read" && m.Has(imap.FlagSeen)
	}
	return false
}

// into puts a message into a mailbox. Gmail shows it there once, however often.
func (s *Server) into(box *mailbox, m *Message) *Message {
	if i := box.indexOf(m.Origin); (s.opts.Gmail || s.opts.Kind.Labels) && i >= 0 {
		return box.messages[i]
	}
	return box.add(copyOf(m))
}
