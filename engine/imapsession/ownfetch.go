package imapsession

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// maxObjectID is how long an object identifier may be (RFC 8474 section 4).
const maxObjectID = 255

// own is a command that the guard is handed as it stands, for what imapclient
// cannot say. line is what follows the tag, without the line break, and holds
// no literal.
func (s *Session) own(op *operation, line string) task {
	return task{op, func() func() error {
		op.own = true
		s.owned++
		if _, err := fmt.Fprintf(s.guard, "%s%d %s\r\n", ownTag, s.owned, line); err != nil {
			return func() error { return err }
		}
		return func() error { return s.answered(op) }
	}}
}

// headerItems are the FETCH items of what every message is looked at with.
// EMAILID is among them where the server tells it (RFC 8474 section 5.1).
func (s *Session) headerItems(section string) string {
	items := "UID FLAGS INTERNALDATE RFC822.SIZE "
	if s.tellsEmailID() {
		items += "EMAILID "
	}
	return "(" + items + "BODY.PEEK[" + section + "])"
}

func (s *Session) tellsEmailID() bool { return s.caps.ObjectID && !s.noEmailID }

// fieldsSection names header fields that checkFields let pass.
func fieldsSection(fields []string) string {
	return `HEADER.FIELDS ("` + strings.Join(fields, `" "`) + `")`
}

// withoutEmailID reports whether a command was refused that asked for EMAILID
// in a way that it may be the reason. It is not asked for again on this
// connection: what a server announces and what it does are two things.
func (s *Session) withoutEmailID(err error) bool {
	var refused *Error
	if !s.tellsEmailID() || !errors.As(err, &refused) || refused.Status != "BAD" {
		return false
	}
	s.o.Logger.Warn("the server announces OBJECTID and refuses EMAILID; it is not asked for again", "account", s.o.Account, "text", refused.Text)
	s.noEmailID = true
	return true
}

// ownQuery sends UID FETCH for items that imapclient does not know.
func (s *Session) ownQuery(op *operation, uids imap.UIDSet, items string) task {
	return s.own(op, "UID FETCH "+uids.String()+" "+items)
}

// readEmailID reads "(M6d99ac3275bb4e)". What is no object identifier counts as
// none, for a wrong identity is worse than none.
func readEmailID(s *scanner) (id string, ok bool) {
	start := s.i
	ok = s.skip()
	inner, opened := strings.CutPrefix(string(s.b[start:s.i]), "(")
	inner, closed := strings.CutSuffix(inner, ")")
	if id = strings.Trim(inner, " "); !opened || !closed || !isObjectID(id) {
		id = ""
	}
	return id, ok
}

// isObjectID reports whether a text is an object identifier: letters, digits,
// "_" and "-", at most 255 (RFC 8474 section 4).
func isObjectID(id string) bool {
	return id != "" && len(id) <= maxObjectID && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}
