package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// there lists which messages the selected mailbox holds. Only a listing can say
// that one is gone: some servers announce a message, and leave it out of a FETCH
// for a while.
func (c *connection) there(ctx context.Context, uids imap.UIDSet) (imap.UIDSet, error) {
	return c.session.Search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{uids}})
}

// flagsThere fetches the flags of the messages that are there. It is an error
// when one is listed and its flags do not come.
func (c *connection) flagsThere(ctx context.Context, uids imap.UIDSet) (map[imap.UID][]imap.Flag, error) {
	flags, err := c.session.FetchFlags(ctx, uids)
	if err != nil {
		return nil, err
	}
	var missing imap.UIDSet
	for _, uid := range uidsOf(uids) {
		if _, ok := flags[uid]; !ok {
			missing.AddNum(uid)
		}
	}
	if len(missing) == 0 {
		return flags, nil
	}
	listed, err := c.there(ctx, missing)
	if err == nil && len(listed) > 0 {
		err = c.notGiven(listed)
	}
	return flags, err
}

// notGiven is the error of messages that are listed and were left out of a
// FETCH.
func (c *connection) notGiven(uids imap.UIDSet) error {
	return &imapsession.Error{Op: "UID FETCH", Subject: c.selected, Status: "OK", Class: imapsession.TryAgain,
		Text: fmt.Sprintf("the server lists %s and does not give it yet", uids)}
}

// blindly deals with messages whose target cannot be looked at now. They wait,
// ever longer and as long as a message's own failures do; then it cannot be told
// what became of them.
func (c *connection) blindly(ctx context.Context, group []*task, cause error) error {
	var closed []journal.Entry
	for _, w := range group {
		w.blind++
		if w.blind < maxTries {
			w.NextTry = time.Now().Add(retryDelay(w.blind))
			continue
		}
		e := cloneEntry(w.Entry)
		unsure(&e, w.Next(), "its target cannot be looked at: "+reasonOf(cause), time.Now())
		closed = append(closed, e)
	}
	if len(closed) == 0 {
		return nil
	}
	return c.commit(ctx, c.closing(closed...))
}
