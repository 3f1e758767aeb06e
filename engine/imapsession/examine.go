package imapsession

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// Namespace is one place where mailboxes are (RFC 2342).
type Namespace struct {
	// Kind is "personal", "other users" or "shared".
	Kind string
	// Prefix is printable, and what names there begin with; Delimiter is 0 where names
	// are flat.
	Prefix    string
	Delimiter rune
}

// Namespaces asks for all namespaces, none where the server does not offer NAMESPACE.
func (s *Session) Namespaces(ctx context.Context) ([]Namespace, error) {
	if !s.caps.Namespace {
		return nil, nil
	}
	var out []Namespace
	op := newOperation("NAMESPACE", "", func(r response) bool {
		if r.kind != "NAMESPACE" {
			return false
		}
		out = parseNamespaces(r.data)
		return true
	})
	err := s.run(ctx, op, func() error { _, err := s.client.Namespace().Wait(); return err })
	return out, err
}

// parseNamespaces reads (("" "/")) NIL (("shared/" "/")), as far as it can be read.
func parseNamespaces(data []byte) (out []Namespace) {
	s := scanner{b: data}
	for _, kind := range []string{"personal", "other users", "shared"} {
		s.spaces()
		if s.i >= len(s.b) || s.b[s.i] != '(' {
			if _, isNil := s.nstring(); !isNil {
				return out
			}
			continue
		}
		if !s.list(func() bool { return parseNamespace(&s, kind, &out) }) {
			return out
		}
	}
	return out
}

// parseNamespace reads ("INBOX." ".") and what else stands in the brackets.
func parseNamespace(s *scanner, kind string, out *[]Namespace) bool {
	n, at := Namespace{Kind: kind}, 0
	ok := s.list(func() bool {
		at++
		if at > 2 {
			return s.skip()
		}
		value, ok := s.nstring()
		if at == 1 {
			name, _ := decodeMailbox(value) // a name that cannot be read is shown as none
			n.Prefix = printable(name)
		} else if len(value) > 0 {
			n.Delimiter, _ = utf8.DecodeRune(value)
		}
		return ok
	})
	if ok && len(*out) < maxNamespaces {
		*out = append(*out, n)
	}
	return ok
}

// Quota is the limit of one resource (RFC 9208): STORAGE in units of 1024 octets,
// MESSAGE in messages.
type Quota struct {
	Root, Resource string
	Used, Limit    uint64
}

// maxQuotas is how many resources are taken of one answer.
const maxQuotas = 100

// Quotas asks for the limits that a mailbox is under, none where the server does not
// offer QUOTA.
func (s *Session) Quotas(ctx context.Context, mailbox string) ([]Quota, error) {
	if !s.caps.Has("QUOTA") {
		return nil, nil
	}
	if err := checkMailbox(mailbox); err != nil {
		return nil, refuse("GETQUOTAROOT", mailbox, Target, err)
	}
	var out []Quota
	op := newOperation("GETQUOTAROOT", mailbox, func(r response) bool {
		if r.kind == "QUOTA" {
			out = append(out, parseQuota(r.data)...)
			out = out[:min(len(out), maxQuotas)]
		}
		return r.kind == "QUOTA" || r.kind == "QUOTAROOT"
	})
	err := s.run(ctx, op, func() error { _, err := s.client.GetQuotaRoot(mailbox).Wait(); return err })
	return out, err
}

// parseQuota reads "" (STORAGE 10 512 MESSAGE 3 1000).
func parseQuota(data []byte) (out []Quota) {
	s := scanner{b: data}
	root, ok := s.astring()
	if s.spaces(); !ok {
		return nil
	}
	s.list(func() bool {
		word, ok := s.atom()
		s.spaces()
		used, isNumber := s.number(64)
		s.spaces()
		limit, isLimit := s.number(64)
		if ok = ok && isNumber && isLimit; ok && len(out) < maxQuotas {
			out = append(out, Quota{Root: printable(string(root)), Resource: strings.ToUpper(printable(string(word))), Used: used, Limit: limit})
		}
		return ok
	})
	return out
}

// StatusSizes is [Session.StatusAll] with the octets that each mailbox holds, where
// the server offers STATUS=SIZE (RFC 8438).
func (s *Session) StatusSizes(ctx context.Context, mailboxes []string) []StatusResult {
	return s.statusAll(ctx, mailboxes, &imap.StatusOptions{UIDValidity: true, UIDNext: true, NumMessages: true, Size: s.TellsSizes()})
}

// TellsSizes reports whether the server tells how many octets a mailbox holds.
func (s *Session) TellsSizes() bool { return s.caps.Has("STATUS=SIZE") || s.caps.Has("IMAP4REV2") }

// RoundTrip is how long the server takes to answer NOOP, the quickest of three.
func (s *Session) RoundTrip(ctx context.Context) (time.Duration, error) {
	best := time.Duration(0)
	for i := range 3 {
		began := time.Now()
		if err := s.Noop(ctx); err != nil {
			return 0, err
		}
		if took := time.Since(began); i == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// maxSkew is how wrong a clock may be for ClockSkew to tell how wrong it is.
const maxSkew = 2 * 24 * time.Hour

// ErrNoClock is returned where a server cannot be asked for its time.
var ErrNoClock = errors.New("the server tells no time: it offers no WITHIN (RFC 5032)")

// ErrFarClock is returned where its clock is more than two days from ours, or nonsense.
var ErrFarClock = errors.New("the server's clock is more than two days from this one, or it does not do WITHIN (RFC 5032) as it should")

// ClockSkew is how far the server's clock is ahead of this one, negative where it is
// behind, to about a second and the time of a round trip. IMAP has no way to ask for
// the time, but a search for what is younger than so many seconds (WITHIN, RFC 5032)
// goes by the server's: received is the INTERNALDATE of the message uid in the selected
// mailbox, and which age the server finds it to have is found out by halves.
func (s *Session) ClockSkew(ctx context.Context, uid imap.UID, received time.Time) (time.Duration, error) {
	if !s.caps.Has("WITHIN") {
		return 0, ErrNoClock
	}
	age := int64(time.Since(received) / time.Second)
	most := int64(maxSkew / time.Second)
	low, high := max(age-most, 0), age+most // younger than high, not younger than low
	for _, end := range []struct {
		seconds int64
		younger bool
	}{{low, false}, {high, true}} {
		if end.seconds < 1 {
			continue // RFC 5032 wants a number above 0
		}
		younger, err := s.isYounger(ctx, uid, end.seconds)
		if err != nil || younger != end.younger {
			return 0, errors.Join(err, ErrFarClock)
		}
	}
	for high-low > 1 {
		middle := (low + high) / 2
		younger, err := s.isYounger(ctx, uid, middle)
		if err != nil {
			return 0, err
		}
		if younger {
			high = middle
		} else {
			low = middle
		}
	}
	return (time.Duration(high)*time.Second - time.Since(received)).Round(time.Second), nil
}

// isYounger asks whether the server takes a message to be younger than so many seconds.
func (s *Session) isYounger(ctx context.Context, uid imap.UID, seconds int64) (bool, error) {
	found := false
	op := newOperation("UID SEARCH", s.selected, func(r response) bool {
		if r.kind != "SEARCH" {
			return false
		}
		found = found || slices.ContainsFunc(parseSearch(r.data), func(x imap.UIDRange) bool { return x.Start <= uid && uid <= x.Stop })
		return true
	})
	err := s.together(ctx, s.own(op, fmt.Sprintf("UID SEARCH UID %d YOUNGER %d", uid, seconds)))[0]
	return found, err
}
