package imapsession

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// maxSetText is how long a UID set in one command may be, well below the line
// limit of servers (RFC 7162 section 4 asks for 8192).
const maxSetText = 4000

// Search is UID SEARCH, with ESEARCH where it is offered.
func (s *Session) Search(ctx context.Context, criteria *imap.SearchCriteria) (imap.UIDSet, error) {
	var out imap.UIDSet
	var opts *imap.SearchOptions
	if s.caps.ESearch {
		opts = &imap.SearchOptions{ReturnAll: true}
	}
	err := s.run(ctx, "UID SEARCH", "", nil, func() error {
		data, err := s.client.UIDSearch(criteria, opts).Wait()
		if err != nil {
			return err
		}
		if set, ok := data.All.(imap.UIDSet); ok {
			out = set
		}
		return nil
	})
	return out, err
}

// SearchAbove lists the UIDs at or above from. "from:*" always returns the
// last message (RFC 9051 section 6.4.8), so lower ones are filtered out.
func (s *Session) SearchAbove(ctx context.Context, from imap.UID) (imap.UIDSet, error) {
	var set imap.UIDSet
	set.AddRange(max(1, from), 0)
	found, err := s.Search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{set}})
	if err != nil {
		return nil, err
	}
	var out imap.UIDSet
	for _, r := range found {
		if r.Stop >= from {
			out.AddRange(max(r.Start, from), r.Stop)
		}
	}
	return out, nil
}

// FetchHeaders fetches flags, INTERNALDATE, size and the named header fields,
// always with PEEK. Messages of which an item did not come back, or that were
// not asked for, are left out; each comes once.
func (s *Session) FetchHeaders(ctx context.Context, uids imap.UIDSet, fields []string) ([]Fetched, error) {
	if slices.ContainsFunc(fields, func(f string) bool { return f == "" || strings.ContainsAny(f, " \t\r\n\x00(){}\"\\]:") }) {
		return nil, &Error{Op: "UID FETCH", Class: Message, Err: errors.New("a header field's name is not valid")}
	}
	options := &imap.FetchOptions{
		UID: true, Flags: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{{
			Specifier: imap.PartSpecifierHeader, HeaderFields: fields, Peek: true,
		}},
	}
	return s.fetch(ctx, uids, options, fetchItems{uid: true, flags: true, date: true, size: true, header: true})
}

// FetchFlags fetches the flags of those of the UIDs that the mailbox holds.
func (s *Session) FetchFlags(ctx context.Context, uids imap.UIDSet) (map[imap.UID][]imap.Flag, error) {
	list, err := s.fetch(ctx, uids, &imap.FetchOptions{UID: true, Flags: true}, fetchItems{uid: true, flags: true})
	out := make(map[imap.UID][]imap.Flag, len(list))
	for _, f := range list {
		out[f.UID] = f.Flags
	}
	return out, err
}

func (s *Session) fetch(ctx context.Context, uids imap.UIDSet, options *imap.FetchOptions, want fetchItems) ([]Fetched, error) {
	c := collector{asked: uids, want: want, seen: map[imap.UID]int{}}
	for _, chunk := range chunks(uids) {
		err := s.run(ctx, "UID FETCH", "", c.take, func() error {
			_, err := s.client.Fetch(chunk, options).Collect()
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return c.out, nil
}

// collector keeps the complete answers to a fetch. Unsolicited ones lack
// items or were not asked for; of a repeated one the first counts.
type collector struct {
	asked imap.UIDSet
	want  fetchItems
	seen  map[imap.UID]int
	out   []Fetched
}

func (c *collector) take(resp []byte) {
	_, rest := cutWord(strings.TrimPrefix(string(resp[:min(len(resp), 64)]), "* "))
	if !strings.HasPrefix(strings.ToUpper(rest), "FETCH") {
		return
	}
	f, err := parseFetch(resp)
	if err != nil || !c.complete(f.has) || !c.asked.Contains(f.UID) {
		return
	}
	if _, again := c.seen[f.UID]; again {
		return
	}
	c.seen[f.UID] = len(c.out)
	c.out = append(c.out, f)
}

func (c *collector) complete(has fetchItems) bool {
	return (has.uid || !c.want.uid) && (has.flags || !c.want.flags) && (has.date || !c.want.date) &&
		(has.size || !c.want.size) && (has.header || !c.want.header)
}

// chunks splits a set so that no command line grows too long.
func chunks(uids imap.UIDSet) []imap.UIDSet {
	var out []imap.UIDSet
	var now imap.UIDSet
	length := 0
	for _, r := range uids {
		text := len(fmt.Sprint(r.Start)) + len(fmt.Sprint(r.Stop)) + 2
		if length+text > maxSetText {
			out, now, length = append(out, now), nil, 0
		}
		now = append(now, r)
		length += text
	}
	if len(now) > 0 {
		out = append(out, now)
	}
	return out
}

// Store adds or removes flags with .SILENT.
func (s *Session) Store(ctx context.Context, uids imap.UIDSet, op imap.StoreFlagsOp, flags []imap.Flag) error {
	for _, f := range flags {
		if f == "" || strings.ContainsAny(string(f), " \r\n\x00(){}%*\"[]") {
			return &Error{Op: "UID STORE", Subject: printable(string(f)), Class: Message, Err: errors.New("it is no valid flag")}
		}
	}
	for _, chunk := range chunks(uids) {
		err := s.run(ctx, "UID STORE", "", nil, func() error {
			return s.client.Store(chunk, &imap.StoreFlags{Op: op, Silent: true, Flags: flags}, nil).Close()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Copy is UID COPY. The map is nil when the server sent no usable COPYUID for
// any part of it.
func (s *Session) Copy(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	return s.transfer(ctx, "UID COPY", uids, target, func(chunk imap.UIDSet) error {
		_, err := s.client.Copy(chunk, target).Wait()
		return err
	})
}

// Move is UID MOVE (RFC 6851), an error on a server without it.
func (s *Session) Move(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	if !s.caps.Move {
		// imapclient would send COPY, STORE and EXPUNGE without waiting.
		return nil, &Error{Op: "UID MOVE", Subject: target, Class: Message, Err: errors.New("the server does not offer MOVE")}
	}
	return s.transfer(ctx, "UID MOVE", uids, target, func(chunk imap.UIDSet) error {
		_, err := s.client.Move(chunk, target).Wait()
		return err
	})
}

func (s *Session) transfer(ctx context.Context, op string, uids imap.UIDSet, target string, send func(imap.UIDSet) error) (map[imap.UID]imap.UID, error) {
	if bad(target) {
		return nil, refuse(op, target)
	}
	all := chunks(uids)
	if len(all) > 1 {
		// One command either happens or does not; two can half happen. The
		// engine's batches fit one.
		return nil, &Error{Op: op, Subject: target, Class: Limit, Err: errors.New("too many messages for one command")}
	}
	out, told := map[imap.UID]imap.UID{}, true
	for _, chunk := range all {
		named := false
		tap := func(resp []byte) {
			arg, ok := codeArgument(resp, "COPYUID")
			if !ok {
				return
			}
			pairs, ok := parseCopyUID(arg)
			named = ok
			for from, to := range pairs {
				out[from] = to
			}
		}
		if err := s.run(ctx, op, target, tap, func() error { return send(chunk) }); err != nil {
			return nil, err
		}
		told = told && named
	}
	if !told {
		return nil, nil
	}
	return out, nil
}

// Expunge is UID EXPUNGE (RFC 4315 section 2.1), an error on a server without
// UIDPLUS. There is no unqualified EXPUNGE in this package.
func (s *Session) Expunge(ctx context.Context, uids imap.UIDSet) error {
	if !s.caps.UIDPlus {
		return &Error{Op: "UID EXPUNGE", Class: Message, Err: errors.New("the server does not offer UIDPLUS")}
	}
	for _, chunk := range chunks(uids) {
		err := s.run(ctx, "UID EXPUNGE", "", nil, func() error { return s.client.UIDExpunge(chunk).Close() })
		if err != nil {
			return err
		}
	}
	return nil
}

// Append adds a message to a mailbox and returns its UID, 0 when the server
// does not tell (no UIDPLUS).
func (s *Session) Append(ctx context.Context, mailbox string, flags []imap.Flag, date time.Time, msg []byte) (imap.UID, error) {
	if bad(mailbox) {
		return 0, refuse("APPEND", mailbox)
	}
	var uid imap.UID
	tap := func(resp []byte) {
		if arg, ok := codeArgument(resp, "APPENDUID"); ok {
			_, n := cutWord(arg)
			if set, ok := parseSet(n); ok && len(set) == 1 {
				uid = set[0]
			}
		}
	}
	err := s.run(ctx, "APPEND", mailbox, tap, func() error {
		cmd := s.client.Append(mailbox, int64(len(msg)), &imap.AppendOptions{Flags: flags, Time: date})
		_, writeErr := cmd.Write(msg)
		if err := errors.Join(writeErr, cmd.Close()); err != nil {
			return err
		}
		_, err := cmd.Wait()
		return err
	})
	return uid, err
}
