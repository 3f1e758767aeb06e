package imapsession

import (
	"context"

	"github.com/emersion/go-imap/v2"
)

// FetchedStructure is what FetchStructures tells of one message.
type FetchedStructure struct {
	// Root is the message's structure, nil if Err is set. Its values are as
	// imapclient would give them: types in the server's case, names of parameters
	// in lower case, encoded words of UTF-8 and Latin-1 decoded.
	Root imap.BodyStructure
	// Cut is set when parts were left out: those nested more than 64 deep, which
	// have an empty part in their place, and those beyond the 2,000th. What Root
	// says of the absence of a part is not to be believed then.
	Cut bool
	// Err is set when the server's answer cannot be read, or is longer than
	// Limits.Response. It is an *Error of class Message and will be the same the
	// next time: to wait for this structure is to wait for ever.
	Err error

	footprint int // about how many bytes it takes
}

// FetchStructures fetches the MIME structure of messages in the selected mailbox
// (BODYSTRUCTURE, RFC 9051 section 7.5.2), without setting \Seen. A message
// whose structure cannot be read is there, with Err set. Absent are messages that
// are gone, that the server is not ready to show, or that went over
// Limits.Collected: they may be asked for again.
func (s *Session) FetchStructures(ctx context.Context, uids imap.UIDSet) (map[imap.UID]FetchedStructure, error) {
	c := newCollector(uids, itemStructure, s.o.Limits)
	options := &imap.FetchOptions{UID: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true}}
	if err := s.fetch(ctx, c, options, 0); err != nil {
		return nil, err
	}
	out := make(map[imap.UID]FetchedStructure, len(c.got))
	for _, m := range c.complete() {
		if m.structure.Err != nil {
			m.structure.Err = refuse("UID FETCH", s.selected, Message, m.structure.Err)
		}
		out[m.UID] = m.structure
	}
	return out, nil
}
