package engine

import (
	"imapilot/engine/imapsession"
	"imapilot/rules/facts"
)

// room is where candidates lie.
type room []struct {
	candidate
	message facts.Message
	header  facts.Header
}

// clear makes room for others. What headers lay in is of use for them.
func (made room) clear() {
	for i := range made {
		made[i].candidate, made[i].message = candidate{}, facts.Message{}
	}
}

// freshCandidates are candidates that no arrival is expected of.
func (c *connection) freshCandidates(fetched []imapsession.Fetched, whole bool) []*candidate {
	return make(room, len(fetched)).candidates(fetched, whole)
}

func (made room) candidates(fetched []imapsession.Fetched, whole bool) []*candidate {
	out := make([]*candidate, len(fetched))
	onAllCores(len(fetched), func(i int) {
		f, m := fetched[i], &made[i].candidate
		h := &made[i].header
		h.Parse(f.Header)
		m.fetched, m.print, m.message = f, fingerprint(f, h), &made[i].message
		*m.message = facts.Message{UID: f.UID, Flags: f.Flags, Received: f.Received, Size: f.Size, Header: h, WholeHeader: whole}
		out[i] = m
	})
	return out
}

// roomFor is room for the candidates of one batch. That of a batch before is used
// again, for a run over a large mailbox would leave much to the garbage collector.
func (p *pass) roomFor(n int) room {
	last := len(p.rooms) - 1
	if last < 0 {
		return make(room, n)
	}
	made := p.rooms[last]
	p.rooms = p.rooms[:last]
	if cap(made) < n {
		return make(room, n)
	}
	made = made[:n]
	made.clear()
	return made
}
