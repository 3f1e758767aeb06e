package imapsession

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Notify is what a server is asked to tell of, by NOTIFY (RFC 5465).
type Notify struct {
	// Personal are all mailboxes of the personal namespaces; Mailboxes are others, or
	// only these.
	Personal  bool
	Mailboxes []string
	// Flags asks for changes of flags, too, Names for mailboxes that are made, renamed
	// or deleted, Subscriptions for what is subscribed to. Of the latter two the server
	// tells for the personal namespaces.
	Flags, Names, Subscriptions bool
}

// maxNotifyLine is how long the names in a NOTIFY command may be together: servers
// refuse a line that is too long.
const maxNotifyLine = 7000

// NotifyFits is how many of some mailboxes, the first ones, one NOTIFY command can name.
func NotifyFits(mailboxes []string) int {
	size := 0
	for i, name := range mailboxes {
		if size += len(quote(encodeUTF7(name))) + 1; size > maxNotifyLine {
			return i
		}
	}
	return len(mailboxes)
}

// Notify asks the server to tell what happens in mailboxes that are not selected, from
// now on; what it then tells is returned by Await. The server first tells the STATUS of
// each mailbox, so that nothing is missed that happened before (RFC 5465 section 4).
//
// It is sent once on a session on which no mailbox is ever selected: Dovecot tells
// nothing after a second one, and nothing of its own selected mailbox.
func (s *Session) Notify(ctx context.Context, n Notify) error {
	if !s.caps.Notify {
		return refuse("NOTIFY", s.o.Host, Bad, errors.New("the server does not offer NOTIFY"))
	}
	for _, name := range n.Mailboxes {
		if err := checkMailbox(name); err != nil {
			return refuse("NOTIFY", name, Target, err)
		}
	}
	if NotifyFits(n.Mailboxes) < len(n.Mailboxes) {
		return refuse("NOTIFY", s.o.Host, Limit, errors.New("too many mailboxes for one line"))
	}
	if err := s.refresh(ctx); err != nil {
		return err
	}
	s.guard.collectNotices()
	return s.together(ctx, s.own(newOperation("NOTIFY", s.o.Host, nil), n.line()))[0]
}

// refresh has the server bring its own list of mailboxes up to date before it watches it.
// Dovecot watches the log of that list, and does not notice that it begins a new one when
// the STATUS of many mailboxes, which comes with NOTIFY, is written there.
func (s *Session) refresh(ctx context.Context) error {
	if !s.caps.ListStatus {
		return nil
	}
	line := `LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN))`
	take := func(r response) bool { return r.kind == "LIST" || r.kind == "STATUS" }
	if err := s.together(ctx, s.own(newOperation("LIST", "", take), line))[0]; err != nil && isConnection(err) {
		return err // a refusal does no harm
	}
	return nil
}

// line is the command. MessageNew goes with MessageExpunge, and FlagChange with both
// (RFC 5465 section 5).
func (n Notify) line() string {
	messages := "MessageNew MessageExpunge"
	if n.Flags {
		messages += " FlagChange"
	}
	names := ""
	if n.Names {
		names += " MailboxName"
	}
	if n.Subscriptions {
		names += " SubscriptionChange"
	}
	line := "NOTIFY SET STATUS"
	if len(n.Mailboxes) > 0 {
		quoted := make([]string, len(n.Mailboxes))
		for i, name := range n.Mailboxes {
			quoted[i] = quote(encodeUTF7(name))
		}
		// The first group that names a mailbox is the one that counts for it.
		line += " (MAILBOXES (" + strings.Join(quoted, " ") + ") (" + messages + names + "))"
	}
	switch {
	case n.Personal:
		line += " (PERSONAL (" + messages + names + "))"
	case names != "":
		line += " (PERSONAL (" + strings.TrimSpace(names) + "))"
	}
	return line
}

// quote writes a quoted string of text without line breaks.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// Notices are what the server told since the last time.
type Notices struct {
	// Status is by mailbox. What the server did not tell of one is 0.
	Status map[string]Status
	// Names is set when mailboxes came or went, or were subscribed to.
	Names bool
	// Overflow is set when the server tells no more, since there was too much
	// (NOTIFICATIONOVERFLOW, RFC 5465 section 5.8).
	Overflow bool
	// Held is set when the server told only because it was asked, by NOOP: it had
	// something to tell and did not.
	Held bool
}

// Await returns what the server told, as soon as it tells something; nothing when
// refresh has passed and the server proved by NOOP that it lives, or when ctx is done,
// which is no error. Notify comes before it.
func (s *Session) Await(ctx context.Context, refresh time.Duration) (Notices, error) {
	s.Park()
	news, err := s.listen(ctx, s.guard.told, refresh)
	if err != nil {
		return Notices{}, s.lost(newOperation("NOTIFY", s.o.Host, nil), err)
	}
	if ctx.Err() != nil {
		return Notices{}, nil
	}
	if !news {
		proof, cancel := context.WithTimeout(ctx, s.o.Timeouts.IdleDone)
		defer cancel()
		if err := s.Noop(proof); err != nil && ctx.Err() == nil {
			return Notices{}, err
		}
		n := s.guard.takeNotices()
		n.Held = len(n.Status) > 0
		return n, nil
	}
	return s.guard.takeNotices(), nil
}

// told tells whether something came that Await waits for.
func (g *guard) told() (ended, news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.news, g.news
}

// collectNotices makes the guard keep what NOTIFY brings.
func (g *guard) collectNotices() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notices = &Notices{}
}

func (g *guard) takeNotices() Notices {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clearNews()
	if g.notices == nil {
		return Notices{}
	}
	n := *g.notices
	g.notices = &Notices{}
	return n
}

// note takes in what NOTIFY brings, and reports whether it is that. n may be nil: then
// nothing is.
func (n *Notices) note(r response) bool {
	switch {
	case n == nil:
		return false
	case r.kind == "STATUS":
		n.status(r.data)
	case r.kind == "LIST", r.kind == "LSUB":
		n.Names = true
	case r.kind == "OK" && r.code == "NOTIFICATIONOVERFLOW":
		n.Overflow = true
	default:
		return false
	}
	return true
}

// status notes the STATUS of a mailbox, of which the server may tell only what changed.
func (n *Notices) status(data []byte) {
	name, now, ok := parseStatus(data)
	if !ok {
		n.Overflow = true // something happened somewhere
		return
	}
	before, known := n.Status[name]
	if !known && len(n.Status) >= maxMailboxes {
		n.Overflow = true
		return
	}
	if n.Status == nil {
		n.Status = map[string]Status{}
	}
	n.Status[name] = now.Over(before)
}

// Over fills what a STATUS did not tell with what was told before.
func (st Status) Over(before Status) Status {
	if st.UIDValidity == 0 {
		st.UIDValidity = before.UIDValidity
	}
	if st.UIDNext == 0 {
		st.UIDNext = before.UIDNext
	}
	if st.HighestModSeq == 0 {
		st.HighestModSeq = before.HighestModSeq
	}
	if !st.counted {
		st.Messages, st.counted = before.Messages, before.counted
	}
	return st
}
