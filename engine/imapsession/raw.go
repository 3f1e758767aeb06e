package imapsession

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/emersion/go-imap/v2"
)

// RawRequest asks for a whole message as the server gives it (RFC 5322).
type RawRequest struct {
	UID imap.UID
	// Limit is how many bytes of it are wanted, more than 0. Size is how many it has
	// as far as that is known: it only says what is asked for first.
	Limit int
	Size  int64
}

// FetchedRaw is a message as the server gives it.
type FetchedRaw struct {
	UID  imap.UID
	Data []byte
	// Truncated is set where there is more of it than Data, which is its beginning.
	Truncated bool
}

// FetchRaw fetches messages of the selected mailbox whole, or their beginnings,
// without setting \Seen. Each comes in pieces of at most Limits.Literal, so that a
// large one is within the limits of a response as well. It returns what came, by UID:
// what is absent belongs to a message that is gone or that the server is not ready to
// show, or all together went over Limits.Collected.
//
// An error of a class other than Connection means that a command was refused, perhaps
// over a single message.
func (s *Session) FetchRaw(ctx context.Context, reqs []RawRequest) ([]FetchedRaw, error) {
	all := make([]rawFetch, len(reqs))
	for i, r := range reqs {
		if r.Limit <= 0 {
			return nil, refuse("UID FETCH", s.selected, Bad, fmt.Errorf("%w: a limit of %d bytes for a message", errArgument, r.Limit))
		}
		all[i] = rawFetch{RawRequest: r, awaits: int(min(r.Size, int64(r.Limit)))}
	}
	room := s.o.Limits
	for open := pointersTo(all); len(open) > 0; open = slices.DeleteFunc(open, func(r *rawFetch) bool { return r.ended }) {
		taken, err := s.fetchPieces(ctx, open, room)
		if err != nil {
			return nil, err
		}
		room.Collected -= taken
	}
	var out []FetchedRaw
	for _, r := range all {
		if !r.absent {
			out = append(out, FetchedRaw{UID: r.UID, Data: r.data[:min(len(r.data), r.Limit)], Truncated: len(r.data) > r.Limit})
		}
	}
	slices.SortFunc(out, func(a, b FetchedRaw) int { return cmp.Compare(a.UID, b.UID) })
	return out, nil
}

// rawFetch is a message that is being fetched in pieces.
type rawFetch struct {
	RawRequest
	data []byte
	// awaits is how many bytes there are, as far as that is known.
	awaits int
	// ended is set when no more is asked for, absent where a piece did not come.
	ended, absent bool
}

func pointersTo(all []rawFetch) []*rawFetch {
	out := make([]*rawFetch, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	return out
}

// piece is a part of a message by its place.
type piece struct{ at, size int }

// section is what the answer calls it; see itemName.
func (p piece) section() string {
	if p.at == 0 {
		return ""
	}
	return "<" + strconv.Itoa(p.at)
}

func (p piece) items() string { return fmt.Sprintf("(UID BODY.PEEK[]<%d.%d>)", p.at, p.size) }

// next are the pieces to ask for next: as many as there should be, and one at least.
// One byte more than the limit tells whether there is more.
func (r *rawFetch) next(most int) []piece {
	var out []piece
	for at := len(r.data); at <= r.Limit && (len(out) == 0 || at < r.awaits) && len(out) < maxSections; at += most {
		out = append(out, piece{at, min(most, r.Limit+1-at)})
	}
	return out
}

// fetchPieces asks for the next pieces of messages, and returns how many bytes came.
// Messages of which the same piece is asked for share a command.
func (s *Session) fetchPieces(ctx context.Context, open []*rawFetch, room Limits) (int, error) {
	most := min(room.Literal, room.Response)
	wanted, asked := map[imap.UID]map[string]int{}, map[piece]imap.UIDSet{}
	var uids imap.UIDSet
	for _, r := range open {
		uids.AddNum(r.UID)
		wanted[r.UID] = map[string]int{}
		for _, p := range r.next(most) {
			wanted[r.UID][p.section()] = p.size
			set := asked[p]
			set.AddNum(r.UID)
			asked[p] = set
		}
	}
	queries, err := rawQueries(asked)
	if err != nil {
		return 0, refuse("UID FETCH", s.selected, Bad, err)
	}
	c := newCollector(uids, itemRaw, room)
	c.limit = func(uid imap.UID, section string) int { return wanted[uid][section] }
	if err := s.ask(ctx, c, queries); err != nil {
		return 0, err
	}
	taken := 0
	for _, r := range open {
		before := len(r.data)
		r.take(c.of(r.UID), r.next(most))
		taken += len(r.data) - before
	}
	return taken, nil
}

// rawQueries makes commands of pieces, those at the begin first.
func rawQueries(asked map[piece]imap.UIDSet) ([]query, error) {
	var out []query
	for _, p := range slices.SortedFunc(maps.Keys(asked), func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.size, b.size))
	}) {
		parts, err := split(asked[p], len(p.items()))
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			out = append(out, query{uids: part, items: p.items()})
		}
	}
	return out, nil
}

// take adds the pieces that came. One that is shorter than what was asked for is the
// last.
func (r *rawFetch) take(m *message, pieces []piece) {
	for _, p := range pieces {
		i := -1
		if m != nil {
			i = slices.IndexFunc(m.parts, func(q FetchedPart) bool { return q.Section == p.section() })
		}
		if i < 0 || p.at == 0 && len(m.parts[i].Data) == 0 {
			r.absent, r.ended = true, true // no message is empty
			return
		}
		r.data = append(r.data, m.parts[i].Data...)
		if len(m.parts[i].Data) < p.size {
			r.ended = true
			return
		}
	}
	r.ended = len(r.data) > r.Limit
}
