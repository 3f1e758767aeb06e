package rules

import (
	"math"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
)

// maxKeyParts is the most keys of one SEARCH command. A rule set that would
// need more is not pushed to the server.
const maxKeyParts = 100

// SearchProfile is what is known of how a server searches.
type SearchProfile struct {
	// Text is set where FROM, TO and CC find any part of an address, as RFC 9051
	// section 6.4.4 wants. Servers with an index of words do not.
	Text bool
	// Marks are texts that the server searches in place of an address that it
	// cannot read; messages with them are never excluded.
	Marks []string
}

type keyOp uint8

const (
	keyAll keyOp = iota
	keyNone
	keyAnd
	keyOr
	keyNot
	keyFlag
	keyLarger
	keySmaller
	keySince  // the internal date is this day or later
	keyBefore // it is earlier than this day
	keyText   // a header field contains a text
)

// searchKey is a search key of RFC 9051 section 6.4.4 that is not bound to a
// moment yet.
type searchKey struct {
	op       keyOp
	relative bool
	days     int8   // added to the day
	name     string // of a flag, or of a header field
	text     string
	size     int64
	// at is a day; where ago is set it counts back from the time of the search.
	at   time.Time
	ago  time.Duration
	kids []searchKey
}

// keyPair bounds a condition. Every message of which it may be true matches
// over; of every message that matches under it is certainly true.
type keyPair struct{ over, under searchKey }

func unknownKey() keyPair            { return keyPair{over: searchKey{op: keyAll}, under: searchKey{op: keyNone}} }
func exactKey(k searchKey) keyPair   { return keyPair{over: k, under: k} }
func overKey(over searchKey) keyPair { return keyPair{over: over, under: searchKey{op: keyNone}} }

func (p keyPair) not() keyPair { return keyPair{over: p.under.not(), under: p.over.not()} }
func (p keyPair) and(q keyPair) keyPair {
	return keyPair{over: p.over.and(q.over), under: p.under.and(q.under)}
}
func (p keyPair) or(q keyPair) keyPair {
	return keyPair{over: p.over.or(q.over), under: p.under.or(q.under)}
}

func (k searchKey) not() searchKey {
	switch k.op {
	case keyAll:
		return searchKey{op: keyNone}
	case keyNone:
		return searchKey{op: keyAll}
	case keyNot:
		return k.kids[0]
	default:
		return searchKey{op: keyNot, kids: []searchKey{k}}
	}
}

func (k searchKey) and(l searchKey) searchKey {
	switch {
	case k.op == keyNone || l.op == keyAll:
		return k
	case l.op == keyNone || k.op == keyAll:
		return l
	default:
		return searchKey{op: keyAnd, kids: slices.Concat(k.parts(keyAnd), l.parts(keyAnd))}
	}
}

// allOf is the key of several that are no ands themselves.
func allOf(kids []searchKey) searchKey {
	switch len(kids) {
	case 0:
		return searchKey{op: keyAll}
	case 1:
		return kids[0]
	default:
		return searchKey{op: keyAnd, kids: kids}
	}
}

func (k searchKey) or(l searchKey) searchKey {
	switch {
	case k.op == keyAll || l.op == keyNone:
		return k
	case l.op == keyAll || k.op == keyNone:
		return l
	default:
		return searchKey{op: keyOr, kids: slices.Concat(k.parts(keyOr), l.parts(keyOr))}
	}
}

func (k searchKey) parts(op keyOp) []searchKey {
	if k.op == op {
		return k.kids
	}
	return []searchKey{k}
}

// count is how many keys it is made of.
func (k searchKey) count() int {
	n := 1
	for _, kid := range k.kids {
		n += kid.count()
	}
	return n
}

// without takes the text keys out, in the direction in which that is sound:
// they are then true of every message in over, which is the only side that
// has them.
func (k searchKey) without(text bool) searchKey {
	switch k.op {
	case keyText:
		if text {
			return searchKey{op: keyAll}
		}
		return k
	case keyAnd, keyOr, keyNot:
		out := k.kids[0].without(text)
		if k.op == keyNot {
			return out.not()
		}
		for _, kid := range k.kids[1:] {
			if k.op == keyAnd {
				out = out.and(kid.without(text))
			} else {
				out = out.or(kid.without(text))
			}
		}
		return out
	default:
		return k
	}
}

// SearchKey returns criteria that every message of the mailbox matches which
// a rule could act on, and false where there are none that would exclude
// anything. Only the server's answer "no" is to be believed: the rules decide
// the rest. It does not name the messages; the caller adds their UIDs.
func (rs *Ruleset) SearchKey(account string, mb Mailbox, now time.Time, profile SearchProfile) (*imap.SearchCriteria, bool) {
	key, deleted := searchKey{op: keyNone}, false
	for i := range rs.rules {
		if r := &rs.rules[i]; r.looksAt(account, mb) {
			key, deleted = key.or(r.key.over.without(!profile.Text)), deleted || r.namesDeleted
			if key.op == keyAll || key.count() > maxKeyParts {
				return nil, false
			}
		}
	}
	return undeleted(key, deleted).criteria(binding{now, profile}), true
}

// searchKey is the key of one rule.
func (r *compiledRule) searchKey(profile SearchProfile) searchKey {
	return undeleted(r.key.over.without(!profile.Text), r.namesDeleted)
}

// undeleted leaves out what only rules look at that name deleted.
func undeleted(key searchKey, deleted bool) searchKey {
	if deleted {
		return key
	}
	return key.and(searchKey{op: keyFlag, name: `\Deleted`}.not())
}

// binding is what a key depends on besides the rules.
type binding struct {
	now     time.Time
	profile SearchProfile
}

// criteria binds a key to the time of the search and the server.
func (k searchKey) criteria(now binding) *imap.SearchCriteria {
	out := &imap.SearchCriteria{}
	switch k.op {
	case keyAll:
	case keyNone:
		out.Not = []imap.SearchCriteria{{}}
	case keyAnd:
		for _, kid := range k.kids {
			join(out, kid.criteria(now))
		}
	case keyOr:
		either := *k.kids[0].criteria(now)
		for _, kid := range k.kids[1:] {
			either = imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{either, *kid.criteria(now)}}}
		}
		return &either
	case keyNot:
		if kid := k.kids[0]; kid.op == keyFlag {
			out.NotFlag = []imap.Flag{imap.Flag(kid.name)}
			break
		}
		out.Not = []imap.SearchCriteria{*k.kids[0].criteria(now)}
	case keyFlag:
		out.Flag = []imap.Flag{imap.Flag(k.name)}
	case keyLarger:
		out.Larger = k.size
	case keySmaller:
		out.Smaller = k.size
	case keySince:
		out.Since = k.day(now.now)
	case keyBefore:
		out.Before = k.day(now.now)
	case keyText:
		return k.anySpelling(now.profile)
	}
	return out
}

// anySpelling asks for a text in the address as the server reads it, in the
// field as it stands, and for addresses that the server cannot read.
func (k searchKey) anySpelling(profile SearchProfile) *imap.SearchCriteria {
	one := func(key, text string) imap.SearchCriteria {
		return imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: key, Value: text}}}
	}
	out := one(k.name, k.text)
	for _, mark := range profile.Marks {
		out = imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{out, one(k.name, mark)}}}
	}
	return &out
}

func (k searchKey) day(now time.Time) time.Time {
	at := k.at
	if k.relative {
		at = now.Add(-k.ago)
	}
	year, month, day := at.UTC().Date()
	return time.Date(year, month, day+int(k.days), 0, 0, 0, 0, time.UTC)
}

// join adds the keys of b to a. It is not SearchCriteria.And, which loses
// SMALLER when the other side has none.
func join(a, b *imap.SearchCriteria) {
	a.Flag = append(a.Flag, b.Flag...)
	a.NotFlag = append(a.NotFlag, b.NotFlag...)
	a.Header = append(a.Header, b.Header...)
	a.Not = append(a.Not, b.Not...)
	a.Or = append(a.Or, b.Or...)
	a.Larger = max(a.Larger, b.Larger)
	if a.Smaller == 0 || b.Smaller != 0 && b.Smaller < a.Smaller {
		a.Smaller = b.Smaller
	}
	if b.Since.After(a.Since) {
		a.Since = b.Since
	}
	if a.Before.IsZero() || !b.Before.IsZero() && b.Before.Before(a.Before) {
		a.Before = b.Before
	}
}

// largerKey is "more than n octets". SEARCH takes numbers of 32 bits.
func largerKey(n float64) keyPair {
	switch {
	case n < 1:
		return unknownKey()
	case n >= math.MaxUint32:
		return overKey(searchKey{op: keyLarger, size: math.MaxUint32 - 1})
	default:
		return exactKey(searchKey{op: keyLarger, size: int64(n)})
	}
}

// smallerKey is "less than n octets".
func smallerKey(n float64) keyPair {
	if n < 1 || n > math.MaxUint32 {
		return unknownKey()
	}
	return exactKey(searchKey{op: keySmaller, size: int64(math.Ceil(n))})
}

// earlierKey is "received before a moment", laterKey "after it". SEARCH looks
// at the date alone, in whatever zone the server noted, so the bounds are a
// day or two away on either side.
func earlierKey(k searchKey) keyPair {
	over, under := k, k
	over.op, over.days = keyBefore, 2
	under.op, under.days = keyBefore, -1
	return keyPair{over: over, under: under}
}

func laterKey(k searchKey) keyPair {
	over, under := k, k
	over.op, over.days = keySince, -1
	under.op, under.days = keySince, 2
	return keyPair{over: over, under: under}
}
