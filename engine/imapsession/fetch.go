package imapsession

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Fetched is what FetchHeaders tells of one message.
type Fetched struct {
	UID   imap.UID
	Flags []imap.Flag
	// EmailID is the EMAILID, "" where the server has none (RFC 8474 section
	// 5.1). A message that COPY or MOVE made has that of its source.
	EmailID string
	// Received is the INTERNALDATE, zero when the server sent one that is no
	// date.
	Received time.Time
	// Size is RFC822.SIZE, in bytes.
	Size int64
	// Header holds the lines of the fields asked for, with the line breaks of
	// the wire. Of a header beyond Limits.Literal it holds the first whole lines.
	Header []byte
}

// FetchHeaders fetches flags, INTERNALDATE, size and the named header fields of
// messages in the selected mailbox, without setting \Seen. It returns the
// messages that were asked for and of which every item came, each once, by UID.
// The others are absent: they are gone, the server is not ready to show them, or
// they went over Limits.Collected.
func (s *Session) FetchHeaders(ctx context.Context, uids imap.UIDSet, fields []string) ([]Fetched, error) {
	if err := checkFields(fields); err != nil {
		return nil, refuse("UID FETCH", s.selected, Bad, err)
	}
	return s.fetchHeaders(ctx, uids, fieldsSection(fields), itemFields)
}

// FetchWholeHeaders is FetchHeaders with every field of the header, for rules
// that name fields only as they go.
func (s *Session) FetchWholeHeaders(ctx context.Context, uids imap.UIDSet) ([]Fetched, error) {
	return s.fetchHeaders(ctx, uids, "HEADER", itemHeader)
}

func (s *Session) fetchHeaders(ctx context.Context, uids imap.UIDSet, section string, header item) ([]Fetched, error) {
	// EMAILID is welcome and not waited for: a message without one is known by
	// the rest.
	c := newCollector(uids, itemFlags|itemDate|itemSize|header, s.o.Limits)
	err := s.fetchItems(ctx, c, s.headerItems(section))
	if s.withoutEmailID(err) {
		c = newCollector(uids, itemFlags|itemDate|itemSize|header, s.o.Limits)
		err = s.fetchItems(ctx, c, s.headerItems(section))
	}
	if err != nil {
		return nil, err
	}
	return c.fetched(), nil
}

// fetched are the messages of which every item came.
func (c *collector) fetched() []Fetched {
	all := c.complete()
	out := make([]Fetched, len(all))
	for i, m := range all {
		out[i] = m.Fetched
	}
	return out
}

// Fetching is a FETCH that was sent and is not waited for yet.
type Fetching struct {
	s      *Session
	c      *collector
	flying *flying
	// whole is what is done where the command is not one that can be sent ahead.
	whole func(ctx context.Context) ([]Fetched, error)
}

// FetchHeadersAhead is FetchHeaders that does not wait: the messages come in while
// the caller does something else, until it calls Wait, which it must. Any other
// method of the session may be called before.
func (s *Session) FetchHeadersAhead(ctx context.Context, uids imap.UIDSet, fields []string) *Fetching {
	f := &Fetching{s: s, whole: func(ctx context.Context) ([]Fetched, error) { return s.FetchHeaders(ctx, uids, fields) }}
	if checkFields(fields) != nil {
		return f
	}
	items := s.headerItems(fieldsSection(fields))
	parts, ok := s.atOnce(uids, items)
	if !ok {
		return f
	}
	f.c = s.o.Buffers.collector(uids, itemFlags|itemDate|itemSize|itemFields, s.o.Limits)
	f.flying = s.launchFetch(ctx, parts, items, f.c.take)
	return f
}

// atOnce cuts a set to commands that can be sent ahead. ok is false where the server does
// not answer for so many at once, or they are too many commands.
func (s *Session) atOnce(uids imap.UIDSet, items string) (parts []imap.UIDSet, ok bool) {
	parts, err := split(uids, len(items))
	return parts, err == nil && len(within([]query{{uids: uids}}, s.caps.MessageLimit)) <= 1 && len(parts) <= maxTogether
}

// launchFetch sends a FETCH for each set.
func (s *Session) launchFetch(ctx context.Context, parts []imap.UIDSet, items string, take func(response) bool) *flying {
	var tasks []task
	size := 0
	for _, part := range parts {
		tasks = append(tasks, s.ownQuery(newOperation("UID FETCH", s.selected, take), part, items))
		size += len(part.String()) + len(items)
	}
	return s.launch(ctx, size, tasks...)
}

// Wait returns what FetchHeaders would have. Where the command was not answered
// just as it should be, it is sent again, unless the connection ended.
func (f *Fetching) Wait(ctx context.Context) ([]Fetched, error) {
	if f.flying == nil {
		return f.whole(ctx)
	}
	f.s.landUpTo(f.flying)
	err := firstRefusal(f.flying.errs)
	if err == nil {
		defer f.s.o.Buffers.release(f.c)
		return f.c.fetched(), nil
	}
	if _, cause := f.s.guard.failure(); cause != nil {
		return f.c.fetched(), err
	}
	return f.whole(ctx)
}

// FetchFlags fetches the flags of messages in the selected mailbox. Messages
// that did not come back are absent.
func (s *Session) FetchFlags(ctx context.Context, uids imap.UIDSet) (map[imap.UID][]imap.Flag, error) {
	c := newCollector(uids, itemFlags, s.o.Limits)
	if err := s.fetch(ctx, c, &imap.FetchOptions{UID: true, Flags: true}, 0); err != nil {
		return nil, err
	}
	out := make(map[imap.UID][]imap.Flag, len(c.got))
	for _, m := range c.complete() {
		out[m.UID] = m.Flags
	}
	return out, nil
}

// fetch sends UID FETCH for what a collector asks for, in as many commands as
// the set needs. others is how many bytes the command needs beside the set.
func (s *Session) fetch(ctx context.Context, c *collector, options *imap.FetchOptions, others int) error {
	parts, err := split(c.asked, others)
	if err != nil {
		return refuse("UID FETCH", s.selected, Bad, err)
	}
	queries := make([]query, len(parts))
	for i, part := range parts {
		queries[i] = query{uids: part, options: options}
	}
	return s.ask(ctx, c, queries)
}

// fetchItems is fetch for items as they go over the wire.
func (s *Session) fetchItems(ctx context.Context, c *collector, items string) error {
	parts, err := split(c.asked, len(items))
	if err != nil {
		return refuse("UID FETCH", s.selected, Bad, err)
	}
	queries := make([]query, len(parts))
	for i, part := range parts {
		queries[i] = query{uids: part, items: items}
	}
	return s.ask(ctx, c, queries)
}

// query is one UID FETCH: what imapclient is asked for, or the items as they go
// over the wire.
type query struct {
	uids    imap.UIDSet
	options *imap.FetchOptions
	items   string
}

func (s *Session) task(q query, op *operation) task {
	if q.items != "" {
		return s.ownQuery(op, q.uids, q.items)
	}
	return task{op, func() func() error { return s.client.Fetch(q.uids, q.options).Close }}
}

// maxTogether is how many FETCH commands are sent before the first is answered.
const maxTogether = 16

// ask sends queries, many at a time, and gives the answers to a collector. What
// the server left out because it answers for so many messages only is asked for
// again. It stops after a round in which one was refused, or when the collector
// is full, and returns the first refusal.
func (s *Session) ask(ctx context.Context, c *collector, queries []query) error {
	queries = within(queries, s.caps.MessageLimit)
	for len(queries) > 0 {
		round := queries[:min(maxTogether, len(queries))]
		var tasks []task
		for _, q := range round {
			tasks = append(tasks, s.task(q, newOperation("UID FETCH", s.selected, c.take)))
		}
		rest, err := unanswered(round, s.together(ctx, tasks...))
		if err != nil {
			return err
		}
		if c.full {
			return nil
		}
		queries = append(rest, queries[len(round):]...)
	}
	return nil
}

// within cuts queries to the number of messages that one command may name.
func within(queries []query, limit int) []query {
	if limit <= 0 {
		return queries
	}
	var out []query
	for _, q := range queries {
		for _, part := range limited([]imap.UIDSet{q.uids}, limit) {
			out = append(out, query{uids: part, options: q.options, items: q.items})
		}
	}
	return out
}

// unanswered returns what is left of queries that were answered in part, from
// the highest UIDs down (RFC 9738 section 3), and the first refusal. An answer
// that leaves as much as there was is one, too.
func unanswered(queries []query, errs []error) (rest []query, err error) {
	for i, q := range queries {
		lowest, ok := partly(errs[i])
		if !ok {
			continue
		}
		left := below(q.uids, lowest)
		if count(left) < count(q.uids) {
			errs[i] = nil
		}
		if len(left) > 0 {
			rest = append(rest, query{uids: left, options: q.options, items: q.items})
		}
	}
	return rest, firstRefusal(errs)
}

// below returns the members of a set that are lower than uid.
func below(set imap.UIDSet, uid imap.UID) imap.UIDSet {
	var out imap.UIDSet
	for _, r := range set {
		if r.Start < uid {
			out = append(out, imap.UIDRange{Start: r.Start, Stop: min(r.Stop, uid-1)})
		}
	}
	return out
}

// firstRefusal is the first error that means that messages did not come for
// another reason than that one is gone: some servers say NO then, though the
// others came (RFC 2180 section 4.1.3).
func firstRefusal(errs []error) error {
	for _, err := range errs {
		var refused *Error
		if err != nil && (!errors.As(err, &refused) || refused.Code != "EXPUNGEISSUED") {
			return err
		}
	}
	return nil
}
