package imapsession

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
)

// ErrTooLarge is in the error of FetchMessage when the message is larger than what
// was asked for.
var ErrTooLarge = errors.New("the message is too large")

// WholeMessage is a whole message, as APPEND takes it.
type WholeMessage struct {
	Flags    []imap.Flag
	Received time.Time
	Text     []byte
}

// maxPiece is how much of a message one FETCH asks for: no more than is kept of a
// literal.
const maxPiece = 1 << 20

// FetchMessage fetches a whole message of the selected mailbox, without setting
// \Seen, of at most so many octets. It is asked for piece by piece, until the server
// says that there is no more: not on the word of RFC822.SIZE alone, which some
// servers do not know exactly, nor on that of a piece that is shorter than what was
// asked for, as FetchRaw does: what is cut here would be lost. found is false where it did not come: it is gone, or
// the server is not ready to show it.
func (s *Session) FetchMessage(ctx context.Context, uid imap.UID, most int64) (m WholeMessage, found bool, err error) {
	for {
		part, err := s.fetchPiece(ctx, uid, int64(len(m.Text)))
		switch {
		case err != nil:
			return WholeMessage{}, false, err
		case part == nil:
			return WholeMessage{}, false, nil
		case part.Size > most || int64(len(m.Text)+len(part.parts[0].Data)) > most:
			return WholeMessage{}, false, &Error{Op: "UID FETCH", Subject: s.selected, Class: Message, Err: ErrTooLarge}
		}
		data := part.parts[0].Data
		m.Flags, m.Received, m.Text = part.Flags, part.Received, append(m.Text, data...)
		if len(data) == 0 || len(data) < s.pieceSize() && int64(len(m.Text)) == part.Size {
			return m, true, nil
		}
	}
}

func (s *Session) pieceSize() int { return min(maxPiece, s.o.Limits.Literal) }

// fetchPiece fetches a message from some octet on, nil where it did not come.
func (s *Session) fetchPiece(ctx context.Context, uid imap.UID, from int64) (*message, error) {
	section := piece{at: int(from)}.section()
	set := imap.UIDSetNum(uid)
	c := newCollector(set, itemFlags|itemDate|itemSize|itemRaw, s.o.Limits)
	c.limit = func(_ imap.UID, got string) int {
		if got == section {
			return s.pieceSize()
		}
		return 0
	}
	size := int64(s.pieceSize())
	err := s.fetch(ctx, c, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Offset: from, Size: size}}}}, 100)
	all := c.complete()
	if err != nil || len(all) == 0 || len(all[0].parts) != 1 {
		return nil, err
	}
	return all[0], nil
}
