package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
)

// suspect is a message in whose batch the connection ended while it was
// fetched: some servers and some boxes before them die of one message.
type suspect struct {
	ends int // connections
	next time.Time
}

// maxEnds is how many connections a message may end before it is asked for ever
// less often, at last once a reconcile.
const maxEnds = 3

// batches cuts the messages that a scan is about to fetch: first those that never
// ended a connection, many at once, then each suspect alone, so that one message
// stops no other. It leaves out suspects whose time has not come.
func (c *connection) batches(name string, uids []imap.UID) [][]imap.UID {
	good := slices.DeleteFunc(slices.Clone(uids), func(uid imap.UID) bool { return c.suspects[c.placeOf(name, uid)] != nil })
	out := slices.Collect(slices.Chunk(good, c.most()))
	for _, uid := range uids {
		s := c.suspects[c.placeOf(name, uid)]
		switch {
		case s == nil:
		case time.Now().Before(s.next):
			c.notFetched(name, uid)
			c.state.mailbox(c.dir.config(name), func(m *MailboxStatus) {
				m.Error = fmt.Sprintf("UID %d: the server ends the connection when it is fetched; it stays pending", uid)
			})
		default:
			out = append(out, []imap.UID{uid})
		}
	}
	return out
}

func (c *connection) placeOf(name string, uid imap.UID) place {
	return place{mailbox: name, validity: c.validity, uid: uid}
}

// fetchedBatch is told how a batch ended.
func (c *connection) fetchedBatch(name string, uids []imap.UID, err error) {
	var e *imapsession.Error
	ended := errors.As(err, &e) && e.Class == imapsession.Connection && e.Unknown && e.Op == "UID FETCH"
	for _, uid := range uids {
		at := c.placeOf(name, uid)
		if !ended {
			delete(c.suspects, at)
			continue
		}
		if c.suspects[at] == nil {
			put(&c.suspects, at, &suspect{})
		}
		s := c.suspects[at]
		if s.ends++; s.ends >= maxEnds {
			s.next = time.Now().Add(min(c.timing.Again<<min(s.ends-maxEnds, 10), c.timing.Reconcile))
		}
	}
}
