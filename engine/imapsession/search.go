package imapsession

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Search is UID SEARCH in the selected mailbox, with ESEARCH (RFC 4731) where it
// is offered. The set of UIDs in criteria, if there is one at the top, may be of
// any length, and none are found among none; the other criteria make at most 6,000
// bytes, 20 deep. Strings are printable ASCII, header fields From, To, Cc, Bcc and
// Subject go out as the keys of that name. What cannot be sent just as it is
// meant is an error of class Bad, and so is a server's BADCHARSET.
func (s *Session) Search(ctx context.Context, criteria *imap.SearchCriteria) (imap.UIDSet, error) {
	length, err := checkCriteria(criteria)
	if err != nil {
		return nil, refuse("UID SEARCH", s.selected, Bad, err)
	}
	if !inParts(criteria) {
		return s.searchOnce(ctx, criteria)
	}
	parts, err := split(criteria.UID[0], length)
	if err != nil {
		return nil, refuse("UID SEARCH", s.selected, Bad, err)
	}
	var all []imap.UIDRange
	for _, part := range parts {
		c := *criteria
		c.UID = []imap.UIDSet{part}
		found, err := s.searchOnce(ctx, &c)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return toSet(all), nil
}

// SearchAbove lists the UIDs from from on in the selected mailbox.
func (s *Session) SearchAbove(ctx context.Context, from imap.UID) (imap.UIDSet, error) {
	from = max(from, 1)
	found, err := s.searchOnce(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: from, Stop: 0}}}})
	if err != nil {
		return nil, err
	}
	return above(found, from), nil
}

// above are the members of a set from a UID on.
func above(found imap.UIDSet, from imap.UID) imap.UIDSet {
	// "n:*" always names the last message, also below n (RFC 9051 section 6.4.8).
	var out imap.UIDSet
	for _, r := range found {
		if r.Stop >= from {
			out = append(out, imap.UIDRange{Start: max(r.Start, from), Stop: r.Stop})
		}
	}
	return out
}

// maxFound is how many numbers and ranges a search's answer may hold.
const maxFound = 2_000_000

// searchOnce is one search. A server may search so many messages only, from the
// highest UIDs down (RFC 9738 section 3): then the lower ones are searched next.
func (s *Session) searchOnce(ctx context.Context, criteria *imap.SearchCriteria) (imap.UIDSet, error) {
	var all []imap.UIDRange
	above := imap.UID(0) // what has been searched already, 0 for nothing
	for part := *criteria; ; {
		found, err := s.searchCommand(ctx, &part)
		all = append(all, found...)
		lowest, more := partly(err)
		if err != nil && (!more || above != 0 && lowest >= above) {
			return nil, err
		}
		if !more || lowest == 1 {
			return toSet(all), nil
		}
		above, part = lowest, *criteria
		part.UID = append(slices.Clone(criteria.UID), imap.UIDSet{{Start: 1, Stop: lowest - 1}})
	}
}

// searchCommand sends one UID SEARCH. What was found comes beside an error,
// too.
func (s *Session) searchCommand(ctx context.Context, criteria *imap.SearchCriteria) ([]imap.UIDRange, error) {
	t, result := s.searchTask(s.selected, criteria)
	return result(s.together(ctx, t)[0])
}

// searchTask is a UID SEARCH, and what gives its result once it has ended.
func (s *Session) searchTask(mailbox string, criteria *imap.SearchCriteria) (task, func(error) ([]imap.UIDRange, error)) {
	var options *imap.SearchOptions
	if s.caps.ESearch {
		options = &imap.SearchOptions{ReturnAll: true}
	}
	op, result := s.searchOperation(mailbox)
	return task{op, func() func() error {
		cmd := s.client.UIDSearch(criteria, options)
		return func() error { _, err := cmd.Wait(); return err }
	}}, result
}

// searchOperation is a UID SEARCH without its words, and what gives its result once it
// has ended.
func (s *Session) searchOperation(mailbox string) (*operation, func(error) ([]imap.UIDRange, error)) {
	var found []imap.UIDRange
	op := newOperation("UID SEARCH", mailbox, nil)
	op.take = func(r response) bool {
		var ranges []imap.UIDRange
		switch r.kind {
		case "SEARCH":
			ranges = parseSearch(r.data)
		case "ESEARCH":
			ranges = parseESearch(r.data, op.tag)
		default:
			return false
		}
		if len(found)+len(ranges) > maxFound {
			op.failed = errTooMuch
			return true
		}
		found = append(found, ranges...)
		return true
	}
	return op, func(err error) ([]imap.UIDRange, error) {
		if n := messages(found); err == nil && n > maxMessages {
			// Of class Target: it is this mailbox, and the connection is good.
			return nil, &Error{Op: "UID SEARCH", Subject: mailbox, Status: "OK", Class: Target,
				Err: fmt.Errorf("%w: %d messages, where %d can be dealt with", errTooMuch, n, maxMessages)}
		}
		return found, err
	}
}

// maxMessages is how many messages an answer may name: a range of a few bytes
// can name four billion, which callers make a list of.
const maxMessages = 5_000_000

func messages(set []imap.UIDRange) uint64 {
	n := uint64(0)
	for _, r := range set {
		n += uint64(r.Stop) - uint64(r.Start) + 1
	}
	return n
}

// parseSearch reads "2 3 6 (MODSEQ 917)" (RFC 9051 section 7.3.4, RFC 7162
// section 3.1.5). It stops at what is no number.
func parseSearch(data []byte) []imap.UIDRange {
	s := scanner{b: data}
	var out []imap.UIDRange
	for {
		s.spaces()
		n, ok := s.number(32)
		if !ok {
			return out
		}
		if n == 0 {
			continue
		}
		uid := imap.UID(n)
		if last := len(out) - 1; last >= 0 && out[last].Stop+1 == uid {
			out[last].Stop = uid
			continue
		}
		out = append(out, imap.UIDRange{Start: uid, Stop: uid})
	}
}

// parseESearch reads `(TAG "T5") UID ALL 2,10:11` (RFC 9051 section 7.3.4). An
// answer to another command, or one with message numbers, is none.
func parseESearch(data []byte, tag string) []imap.UIDRange {
	s := scanner{b: data}
	if len(data) > 0 && data[0] == '(' {
		mine := false
		ok := s.list(func() bool {
			word, ok := s.astring()
			mine = mine || string(word) == tag
			s.spaces()
			return ok
		})
		if !ok || !mine {
			return nil
		}
	}
	uid := false
	for {
		s.spaces()
		word, ok := s.atom()
		if !ok {
			return nil
		}
		s.spaces()
		switch strings.ToUpper(string(word)) {
		case "UID":
			uid = true
		case "ALL":
			if ranges, ok := parseRanges(&s); ok && uid {
				return ranges
			}
			return nil
		default:
			if !s.skip() {
				return nil
			}
		}
	}
}
