package imapsession

import (
	"context"

	"github.com/emersion/go-imap/v2"
)

// Selected is what SELECT tells (RFC 9051 section 6.3.2). What a server does not
// tell is 0.
type Selected struct {
	Mailbox       string
	UIDValidity   uint32
	UIDNext       imap.UID
	Messages      uint32
	HighestModSeq uint64
	// ReadOnly mailboxes cannot be changed on this connection.
	ReadOnly bool
	// PermanentFlags can be changed for good; `\*` among them means that new
	// keywords can be made. nil means that the server did not tell: then all
	// can (RFC 9051 section 7.1).
	PermanentFlags []imap.Flag
}

// Select selects a mailbox for reading and writing. It is always sent, also for
// the mailbox that is selected: that renews the server's view of it. Whatever
// was announced before is void then, because the answer shows it.
func (s *Session) Select(ctx context.Context, mailbox string) (Selected, error) {
	return s.selectMailbox(ctx, mailbox, false)
}

// Examine selects a mailbox for reading only (RFC 9051 section 6.3.3): nothing
// that is done on this connection changes it, not even what the server calls
// recent.
func (s *Session) Examine(ctx context.Context, mailbox string) (Selected, error) {
	return s.selectMailbox(ctx, mailbox, true)
}

func (s *Session) selectMailbox(ctx context.Context, mailbox string, readOnly bool) (Selected, error) {
	command := selecting(readOnly)
	if err := checkMailbox(mailbox); err != nil {
		return Selected{}, refuse(command, mailbox, Target, err)
	}
	s.selected = ""
	t, sel := s.selectTask(mailbox, readOnly)
	if err := s.together(ctx, t)[0]; err != nil {
		return Selected{}, err
	}
	s.selected = mailbox
	return *sel, nil
}

func selecting(readOnly bool) string {
	if readOnly {
		return "EXAMINE"
	}
	return "SELECT"
}

func (s *Session) selectTask(mailbox string, readOnly bool) (task, *Selected) {
	sel := &Selected{Mailbox: mailbox}
	op := newOperation(selecting(readOnly), mailbox, sel.take)
	op.fresh = true
	return task{op, func() func() error {
		cmd := s.client.Select(mailbox, &imap.SelectOptions{ReadOnly: readOnly})
		return func() error { _, err := cmd.Wait(); return err }
	}}, sel
}

// SelectAbove is Select and SearchAbove in one round trip: some servers answer a
// search from the view that SELECT renews. found is false where the search was
// refused, and is to be made again.
func (s *Session) SelectAbove(ctx context.Context, mailbox string, from imap.UID) (sel Selected, uids imap.UIDSet, found bool, err error) {
	if err := checkMailbox(mailbox); err != nil {
		return sel, nil, false, refuse("SELECT", mailbox, Target, err)
	}
	from = max(from, 1)
	s.selected = ""
	selecting, got := s.selectTask(mailbox, false)
	searching, result := s.searchTask(mailbox, &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: from, Stop: 0}}}})
	errs := s.together(ctx, selecting, searching)
	if errs[0] != nil {
		return sel, nil, false, errs[0]
	}
	s.selected = mailbox
	listed, err := result(errs[1])
	if err != nil {
		return *got, nil, false, nil
	}
	return *got, above(toSet(listed), from), true, nil
}

// take reads what belongs to the answer of a SELECT.
func (sel *Selected) take(r response) bool {
	if r.kind == "EXISTS" {
		sel.Messages = r.num
		return true
	}
	if !isStatus(r.kind) {
		return false
	}
	s := scanner{b: r.args}
	switch r.code {
	case "CLOSED": // what came before was about the mailbox selected before
		*sel = Selected{Mailbox: sel.Mailbox}
	case "UIDVALIDITY":
		n, _ := s.number(32) // 0, unknown, if malformed
		sel.UIDValidity = uint32(n)
	case "UIDNEXT":
		n, _ := s.number(32) // likewise
		sel.UIDNext = imap.UID(n)
	case "HIGHESTMODSEQ":
		sel.HighestModSeq, _ = s.number(64) // likewise
	case "PERMANENTFLAGS":
		if flags, ok := parseFlags(&s); ok {
			sel.PermanentFlags = flags
		}
	case "READ-ONLY":
		sel.ReadOnly = true
	}
	return true
}

// Unselect leaves the selected mailbox, if there is one, and expunges nothing:
// by UNSELECT (RFC 3691), or by EXAMINE and CLOSE. CLOSE is not sent unless the
// server said that the mailbox is read-only.
func (s *Session) Unselect(ctx context.Context) error {
	mailbox := s.selected
	if mailbox == "" {
		return nil
	}
	if s.caps.Unselect {
		s.selected = ""
		return s.run(ctx, newOperation("UNSELECT", mailbox, nil), func() error { return s.client.Unselect().Wait() })
	}
	sel, err := s.selectMailbox(ctx, mailbox, true)
	if err != nil || !sel.ReadOnly {
		return err
	}
	s.selected = ""
	return s.run(ctx, newOperation("CLOSE", mailbox, nil), func() error { return s.client.UnselectAndExpunge().Wait() })
}
