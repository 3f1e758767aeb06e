package imapsession

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// What Gmail adds to IMAP is X-GM-EXT-1, as Google describes it at
// developers.google.com/gmail/imap/imap-extensions: FETCH of labels and of the ids of
// messages and threads, STORE of labels, and a search key. imapclient knows none of
// it, so that all of it goes out as commands of ours.

const (
	// maxLabels is how many labels an account may have.
	maxLabels = 10_000
	// maxLabelText is how many bytes the labels of one command may make.
	maxLabelText = 4000
	// maxQuery is how many bytes a search in Gmail's own words may have: a literal that
	// is not announced beforehand has at most 4096 (RFC 7888 section 5).
	maxQuery = 1500
)

// errNoGmail is why a command of Gmail's is not sent.
var errNoGmail = errors.New("the server does not offer X-GM-EXT-1, which is Gmail's")

// Gmail is what Gmail alone tells of a message.
type Gmail struct {
	// Labels are those that it has, but for the one of the selected mailbox, which
	// Gmail does not list. System labels begin with a backslash, as in \Important.
	Labels []string
	// MessageID and ThreadID are its own id and that of its conversation, in digits.
	MessageID, ThreadID string
}

// FetchGmail fetches what Gmail alone tells of messages in the selected mailbox.
// Messages of which not all of it came back are absent. Without X-GM-EXT-1 it is an
// error, and nothing is sent.
func (s *Session) FetchGmail(ctx context.Context, uids imap.UIDSet) (map[imap.UID]Gmail, error) {
	if !s.caps.Gmail {
		return nil, refuse("UID FETCH", s.selected, Bad, errNoGmail)
	}
	c := newCollector(uids, itemsGmail, s.o.Limits)
	if err := s.fetchItems(ctx, c, "(UID X-GM-LABELS X-GM-THRID X-GM-MSGID)"); err != nil {
		return nil, err
	}
	out := make(map[imap.UID]Gmail, len(c.got))
	for _, m := range c.complete() {
		out[m.UID] = m.gmail
	}
	return out, nil
}

// StoreLabels adds labels to messages in the selected mailbox, or removes them. Gmail
// makes a label that there is none of. After an error some of the messages may have
// been changed.
func (s *Session) StoreLabels(ctx context.Context, uids imap.UIDSet, add bool, labels []string) error {
	if len(labels) == 0 {
		return nil
	}
	list, err := s.labelList(labels)
	if err != nil {
		return refuse("UID STORE", s.selected, Bad, err)
	}
	_, err = s.eachBeside(ctx, "UID STORE", s.selected, uids, len(list), func(part imap.UIDSet) task {
		return s.labelTask(part, add, list)
	})
	return err
}

// labelTask is the STORE of labels that were checked. Google describes no .SILENT.
func (s *Session) labelTask(uids imap.UIDSet, add bool, list string) task {
	sign := "-"
	if add {
		sign = "+"
	}
	op := newOperation("UID STORE", s.selected, func(r response) bool { return r.kind == "FETCH" })
	return s.own(op, "UID STORE "+uids.String()+" "+sign+"X-GM-LABELS "+list)
}

// labelList writes labels as they stand in a command.
func (s *Session) labelList(labels []string) (string, error) {
	if !s.caps.Gmail {
		return "", errNoGmail
	}
	words := make([]string, len(labels))
	for i, label := range labels {
		if err := checkLabel(label); err != nil {
			return "", err
		}
		// A system label is a flag in form, all others are strings in modified UTF-7.
		if words[i] = label; label[0] != '\\' {
			words[i] = quotedString(encodeUTF7(label))
		}
	}
	list := "(" + strings.Join(words, " ") + ")"
	if len(list) > maxLabelText {
		return "", fmt.Errorf("%w: the labels make %d bytes, and %d can be sent", errArgument, len(list), maxLabelText)
	}
	return list, nil
}

// checkLabel returns why a label cannot be sent.
func checkLabel(label string) error {
	name, system := strings.CutPrefix(label, `\`)
	switch {
	case label == "":
		return fmt.Errorf("%w: the label is empty", errArgument)
	case system && (name == "" || strings.ContainsFunc(name, notAtom)):
		return fmt.Errorf("%w: %q is no system label", errArgument, printable(label))
	case len(label) > maxMailboxName:
		return fmt.Errorf("%w: the label is longer than %d bytes", errArgument, maxMailboxName)
	case !utf8.ValidString(label) || strings.ContainsFunc(label, unicode.IsControl):
		return fmt.Errorf("%w: the label holds a control character, or is not UTF-8", errArgument)
	}
	return nil
}

// quotedString is printable ASCII as a quoted string (RFC 9051 section 4.3).
func quotedString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// SearchGmail is UID SEARCH X-GM-RAW among messages of the selected mailbox: a search
// in the words of Gmail's web pages. Without X-GM-EXT-1 it is an error, and so is a query
// that the server cannot be sent as it is meant.
func (s *Session) SearchGmail(ctx context.Context, uids imap.UIDSet, query string) (imap.UIDSet, error) {
	key, err := s.rawKey(query)
	if err != nil {
		return nil, refuse("UID SEARCH", s.selected, Bad, err)
	}
	parts, err := split(uids, len(key))
	if err != nil {
		return nil, refuse("UID SEARCH", s.selected, Bad, err)
	}
	var all []imap.UIDRange
	for _, part := range parts {
		op, result := s.searchOperation(s.selected)
		found, err := result(s.together(ctx, s.own(op, s.rawSearch(part, key)))[0])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return toSet(all), nil
}

func (s *Session) rawSearch(uids imap.UIDSet, key string) string {
	line := "UID SEARCH "
	if s.caps.ESearch {
		line += "RETURN (ALL) "
	}
	if !isPrintableASCII(strings.ReplaceAll(key, "\r\n", "")) {
		line += "CHARSET UTF-8 "
	}
	return line + "UID " + uids.String() + " " + key
}

// rawKey is the search key of a query. Gmail reads no character beyond ASCII in a quoted
// string, whatever the charset (it says OK, and finds nothing): such a query is a
// literal, and so is one with quotes of its own.
func (s *Session) rawKey(query string) (string, error) {
	literal := !isPrintableASCII(query) || strings.ContainsAny(query, `"\`)
	switch {
	case !s.caps.Gmail:
		return "", errNoGmail
	case strings.TrimSpace(query) == "":
		return "", fmt.Errorf("%w: the query is empty", errArgument)
	case len(query) > maxQuery:
		return "", fmt.Errorf("%w: the query is longer than %d bytes", errArgument, maxQuery)
	case !utf8.ValidString(query) || strings.ContainsFunc(query, unicode.IsControl):
		return "", fmt.Errorf("%w: the query holds a control character, or is not UTF-8", errArgument)
	case literal && (s.caps.LiteralPlus || s.caps.LiteralMinus):
		return "X-GM-RAW {" + strconv.Itoa(len(query)) + "+}\r\n" + query, nil
	case !isPrintableASCII(query):
		return "", fmt.Errorf("%w: the query is not ASCII, which needs LITERAL- of the server", errArgument)
	}
	return "X-GM-RAW " + quotedString(query), nil
}

// readLabels reads `(\Inbox "Muy Importante" foo)`.
func readLabels(s *scanner) ([]string, bool) {
	if hasPrefixFold(s.rest(), "NIL") {
		s.i += len("NIL")
		return []string{}, true
	}
	labels := []string{}
	ok := s.list(func() bool {
		wire, ok := s.astring()
		if !ok || len(labels) >= maxLabels || len(wire) > maxMailboxName {
			return false
		}
		if len(wire) > 0 {
			labels = append(labels, decodeLabel(wire))
		}
		return true
	})
	return labels, ok
}

// decodeLabel is a label as people know it. One that is no modified UTF-7 is taken as
// it is.
func decodeLabel(wire []byte) string {
	label := strings.ToValidUTF8(string(wire), "\uFFFD")
	if name, ok := decodeUTF7(label); ok && label[0] != '\\' {
		label = name
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, label)
}

// readGmailID reads an unsigned number of 64 bits, which is an id.
func readGmailID(s *scanner) (string, bool) {
	n, ok := s.number(64)
	if !ok {
		return "", false
	}
	return strconv.FormatUint(n, 10), true
}

// read reads the value of one of Gmail's items.
func (g *Gmail) read(s *scanner, name string) (has item, ok bool) {
	switch name {
	case "X-GM-LABELS":
		g.Labels, ok = readLabels(s)
		return itemLabels, ok
	case "X-GM-THRID":
		g.ThreadID, ok = readGmailID(s)
		return itemThread, ok
	default:
		g.MessageID, ok = readGmailID(s)
		return itemGmailID, ok
	}
}

// merge takes those items that came of another response.
func (g *Gmail) merge(n Gmail, has item) {
	if has&itemLabels != 0 {
		g.Labels = n.Labels
	}
	if has&itemThread != 0 {
		g.ThreadID = n.ThreadID
	}
	if has&itemGmailID != 0 {
		g.MessageID = n.MessageID
	}
}
