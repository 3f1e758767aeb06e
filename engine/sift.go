package engine

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/rules"
	"imapilot/rules/facts"
)

const (
	// siftFrom is from how many messages on they are sifted. For fewer, to look at some of
	// them twice takes more time than it saves.
	siftFrom = narrowFrom
	// siftSize is how many are sifted at a time at most.
	siftSize = 2000
	// mostKept is the part of the messages, in percent, that may remain in a sieve for it
	// to be of use: each of them is fetched again.
	mostKept = 60
)

// sieve leaves out of a window the messages that no rule is about, by their flags and the
// header fields of the rules alone. All that a decision needs, INTERNALDATE above all,
// takes the server more than twice as long to tell, and is fetched of the others only: what
// is decided is decided of them as without a sieve.
type sieve struct {
	c *connection
	p *pass
	// input is what the rules are told of each message.
	input      rules.Input
	ruleset    *rules.Ruleset
	generation int
	alike      *imapsession.Alike
	no         []bool            // what they say of each kind
	said       map[imap.UID]bool // and of each message of a batch
	asked      []siftBatch
	unasked    []imap.UID
}

type siftBatch struct {
	uids      []imap.UID
	comparing *imapsession.Comparing
}

// newSieve is one for the messages under way. Where it is of no use it lets all of them
// pass. Where a search of Gmail is a part of the rules, its answer is counted of every message.
func (c *connection) newSieve(p *pass, b Bound) *sieve {
	s := &sieve{c: c, p: p, input: rules.Input{Account: c.cfg.Name, Mailbox: c.ruleMailbox(b.Mailbox)}}
	s.ruleset, s.generation = c.rulesOf(p.walk)
	fields, ok := s.ruleset.Sieve(s.input.Account, s.input.Mailbox)
	if !ok || len(p.unsifted) < siftFrom || len(p.found) > 0 {
		return s
	}
	if alike, err := imapsession.NewAlike(fields); err == nil { // no rule has another name
		s.alike, s.unasked, s.said = alike, p.unsifted, make(map[imap.UID]bool, s.size())
	}
	return s
}

// next sifts some of the messages that were not sifted yet, and moves those into the window
// on which a rule may act: all that are left where a sieve is of no use.
func (s *sieve) next(ctx context.Context) ([]imap.UID, error) {
	p := s.p
	if s.ask(ctx); len(s.asked) == 0 {
		rest := p.unsifted
		p.window, p.unsifted = append(p.window, rest...), nil
		return rest, nil
	}
	batch := s.asked[0]
	possible, err := s.possible(batch)
	if err != nil {
		return nil, err
	}
	if s.isOld() {
		possible = batch.uids // what those rules said does not count
	}
	s.asked = s.asked[1:]
	p.sifted, p.remained = p.sifted+len(batch.uids), p.remained+len(possible)
	p.note(func(r *Report) { r.Messages += len(batch.uids) - len(possible) })
	p.window, p.unsifted = append(p.window, possible...), p.unsifted[len(batch.uids):]
	s.ask(ctx)
	return possible, nil
}

// isOld reports whether the rules are others by now.
func (s *sieve) isOld() bool { return s.generation != s.c.generationNow() }

// size is how many messages are sifted at a time.
func (s *sieve) size() int {
	if limit := s.c.session.Capabilities().MessageLimit; limit > 0 {
		return min(siftSize, limit)
	}
	return siftSize
}

// ask asks for the next messages, unless too many remained so far.
func (s *sieve) ask(ctx context.Context) {
	if s.p.remained*100 > s.p.sifted*mostKept || s.isOld() {
		s.unasked = nil
	}
	for len(s.asked) < mostAhead && len(s.unasked) > 0 {
		uids := s.unasked[:min(len(s.unasked), s.size())]
		comparing := s.c.session.CompareAhead(ctx, setOf(uids), s.alike)
		if comparing == nil {
			s.unasked = nil
			return
		}
		s.asked, s.unasked = append(s.asked, siftBatch{uids, comparing}), s.unasked[len(uids):]
	}
}

// possible are those messages of a batch on which a rule may act, and those that did not
// come: all of them where the server refused.
func (s *sieve) possible(batch siftBatch) ([]imap.UID, error) {
	kinds, err := batch.comparing.Wait()
	if err != nil && !isRefusal(err) {
		return nil, err
	}
	s.judge(kinds)
	clear(s.said)
	for _, m := range kinds.Of {
		before, again := s.said[m.UID]
		s.said[m.UID] = s.saysNo(m.Kind) && (!again || before)
	}
	out := make([]imap.UID, 0, len(batch.uids))
	for _, uid := range batch.uids {
		if err != nil || !s.said[uid] {
			out = append(out, uid)
		}
	}
	return out, nil
}

// judge asks the rules about the kinds that came up.
func (s *sieve) judge(kinds imapsession.Kinds) {
	for _, k := range kinds.Fresh {
		s.no = append(s.no, make([]bool, max(0, k.Number+1-len(s.no)))...)
	}
	s.input.Now = time.Now()
	onAllCores(len(kinds.Fresh), func(i int) {
		k, in := kinds.Fresh[i], s.input
		in.Message = &facts.Message{Flags: k.Flags, Undated: true, Header: facts.ParseHeader(k.Header)}
		s.no[k.Number] = s.ruleset.SaysNo(in)
	})
}

// saysNo reports whether the rules said no of a kind. Of one that they were not asked of
// they did not.
func (s *sieve) saysNo(kind int) bool { return kind >= 0 && kind < len(s.no) && s.no[kind] }
