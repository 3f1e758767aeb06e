package engine

import (
	"context"

	"github.com/emersion/go-imap/v2"

	"imapilot/rules"
	"imapilot/rules/facts"
)

// siftFrom is from how many messages on they are sifted. For fewer, to look at some of
// them twice takes more time than it saves.
const siftFrom = narrowFrom

// mostKept is the part of the messages, in percent, that may remain in a sieve for it to
// be of use: each of them is fetched again.
const mostKept = 60

// sift leaves out of a window the messages that no rule is about, by their flags and the
// header fields of the rules alone. All that a decision needs, INTERNALDATE above all,
// takes the server more than twice as long to tell, and is fetched of the others only: what
// is decided is decided of them as without a sieve.
func (c *connection) sift(ctx, work context.Context, p *pass, b Bound) error {
	coming := ahead{c: c, p: p, b: b, sieve: true}
	if c.sifts(p, b) {
		coming.unasked = p.unsifted
		coming.ask(work)
	}
	seen, kept := 0, 0
	for len(coming.asked) > 0 && ctx.Err() == nil && !p.stopped.Load() {
		batch, err := coming.next(work)
		if err != nil {
			return err
		}
		possible := c.possible(p, b, batch)
		p.note(func(r *Report) { r.Messages += len(batch.uids) - len(possible) })
		p.window, p.unsifted = append(p.window, possible...), p.unsifted[len(batch.uids):]
		if seen, kept = seen+len(batch.uids), kept+len(possible); kept*100 > seen*mostKept {
			coming.unasked = nil // what is under way is still sifted
		}
	}
	p.window, p.unsifted = append(p.window, p.unsifted...), nil
	return nil
}

// sifts reports whether a sieve is of use. Where a search of Gmail is a part of the rules,
// its answer is counted of every message.
func (c *connection) sifts(p *pass, b Bound) bool {
	ruleset, _ := c.rulesOf(p.walk)
	_, ok := ruleset.Sieve(c.cfg.Name, c.ruleMailbox(b.Mailbox))
	return ok && len(p.unsifted) >= siftFrom && len(p.found) == 0
}

// possible are those messages of a batch on which a rule may act, and those that did not
// come.
func (c *connection) possible(p *pass, b Bound, batch aheadBatch) []imap.UID {
	if !batch.sifts {
		return batch.uids
	}
	made := p.roomFor(len(batch.fetched))
	says := make([]bool, len(batch.fetched))
	box := c.ruleMailbox(b.Mailbox)
	onAllCores(len(batch.fetched), func(i int) {
		f, h := batch.fetched[i], &made[i].header
		h.Parse(f.Header)
		m := facts.Message{UID: f.UID, Flags: f.Flags, Undated: true, Header: h}
		says[i] = batch.ruleset.SaysNo(rules.Input{Account: c.cfg.Name, Mailbox: box, Message: &m, Now: p.began})
	})
	p.rooms = append(p.rooms, made)
	no := map[imap.UID]bool{}
	for i, f := range batch.fetched {
		no[f.UID] = says[i]
	}
	var out []imap.UID
	for _, uid := range batch.uids {
		if !no[uid] {
			out = append(out, uid)
		}
	}
	return out
}
