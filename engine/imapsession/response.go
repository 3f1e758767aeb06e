package imapsession

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// response is one line that the server sent, taken apart as far as its kind.
type response struct {
	// tag is "*" for untagged data, "+" for a continuation request.
	tag string
	// kind is the first word in upper case ("FETCH", "OK", "LIST").
	kind string
	// num is the message number or count before the kind.
	num uint32
	// data is what follows the kind; of a status response, see code.
	data []byte
	// code, args and text are a status response's response code in upper case,
	// its arguments, and its text (RFC 9051 section 7.1).
	code string
	args []byte
	text []byte
}

// parseResponse takes a response apart. ok is false for a line that is none.
func parseResponse(b []byte) (r response, ok bool) {
	s := scanner{b: b}
	if s.special('+') {
		return response{tag: "+", data: s.rest()}, true
	}
	tag, ok := s.atom()
	if !ok || !s.special(' ') {
		return r, false
	}
	r.tag = string(tag)
	s.spaces()
	if n, isNumber := s.number(32); isNumber && (s.done() || s.b[s.i] == ' ') {
		r.num = uint32(n)
		s.spaces()
	}
	kind := s.until(" (")
	if len(kind) == 0 || len(kind) > 32 {
		return r, false
	}
	if r.kind = "FETCH"; string(kind) != r.kind { // which most are: it takes no memory
		r.kind = strings.ToUpper(string(kind))
	}
	s.spaces()
	r.data = s.rest()
	if isStatus(r.kind) {
		r.code, r.args, r.text = cutCode(r.data)
	}
	return r, true
}

func isStatus(kind string) bool {
	return slices.Contains([]string{"OK", "NO", "BAD", "BYE", "PREAUTH"}, kind)
}

// cutCode splits "[CODE arguments] text". A code is a word, so that Exchange's
// [Error="..."] is read as a code of that name and does no harm.
func cutCode(data []byte) (code string, args, text []byte) {
	inside, ok := bytes.CutPrefix(data, []byte("["))
	if !ok {
		return "", nil, data
	}
	inside, text, ok = bytes.Cut(inside, []byte("]"))
	// Only PERMANENTFLAGS may hold a "]" in its arguments, in the name of a
	// keyword as some servers allow it; there the list's end counts.
	if hasPrefixFold(inside, "PERMANENTFLAGS (") {
		if end := bytes.Index(data, []byte(")]")); end >= 0 {
			inside, text = data[1:end+1], data[end+2:]
		}
	}
	if !ok {
		return "", nil, data
	}
	word, args, _ := bytes.Cut(inside, []byte(" "))
	return strings.ToUpper(string(word)), bytes.TrimLeft(args, " "), bytes.TrimLeft(text, " ")
}

// maxFlags is how many flags of a message are kept; of a longer list the system
// flags are.
const maxFlags = 1000

// parseFlags reads a parenthesised list of flags. A keyword may hold any byte
// that does not end it: servers do send "]" and UTF-8 in them.
func parseFlags(s *scanner) ([]imap.Flag, bool) {
	flags := []imap.Flag{}
	ok := s.list(func() bool {
		word := s.until(" ()\r\n")
		switch {
		case len(word) == 0:
		case len(flags) < maxFlags:
			flags = append(flags, canonicalFlag(string(word)))
		case word[0] == '\\' && len(flags) < maxFlags+10:
			if f := canonicalFlag(string(word)); isSystem(f) && !slices.Contains(flags, f) {
				flags = append(flags, f)
			}
		}
		return len(word) > 0
	})
	return flags, ok
}

// systemFlags are those of RFC 9051 section 2.3.2, and "anything".
func systemFlags() [7]imap.Flag {
	return [...]imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft, `\Recent`, imap.FlagWildcard}
}

func isSystem(f imap.Flag) bool {
	all := systemFlags()
	return slices.Contains(all[:], f)
}

// canonicalFlag spells the system flags as RFC 9051 section 2.3.2 does, since
// their case does not matter.
func canonicalFlag(s string) imap.Flag {
	if strings.HasPrefix(s, `\`) {
		for _, f := range systemFlags() {
			if strings.EqualFold(s, string(f)) {
				return f
			}
		}
	}
	return imap.Flag(strings.ToValidUTF8(s, "?"))
}

// parseRanges reads a set of UIDs ("3,5:9") in the order in which the server
// wrote it. "*" and 0 are errors: a response names what there is.
func parseRanges(s *scanner) ([]imap.UIDRange, bool) {
	out := make([]imap.UIDRange, 0, min(bytes.Count(s.b[s.i:], []byte(","))+1, usualRanges))
	for {
		first, ok := s.number(32)
		last := first
		if ok && s.special(':') {
			last, ok = s.number(32)
		}
		if !ok || first == 0 || last == 0 {
			return nil, false
		}
		out = append(out, imap.UIDRange{Start: imap.UID(first), Stop: imap.UID(last)})
		if !s.special(',') {
			return out, s.done() || s.b[s.i] == ' '
		}
	}
}

// usualRanges is for how many ranges room is made at once.
const usualRanges = 1000

// toSet makes a set of ranges in any order.
func toSet(ranges []imap.UIDRange) imap.UIDSet {
	for i, r := range ranges {
		ranges[i] = imap.UIDRange{Start: min(r.Start, r.Stop), Stop: max(r.Start, r.Stop)}
	}
	slices.SortFunc(ranges, func(a, b imap.UIDRange) int { return cmp.Compare(a.Start, b.Start) })
	var set imap.UIDSet
	for _, r := range ranges {
		if last := len(set) - 1; last >= 0 && uint64(r.Start) <= uint64(set[last].Stop)+1 {
			set[last].Stop = max(set[last].Stop, r.Stop)
			continue
		}
		set = append(set, r)
	}
	return set
}

// expand lists the UIDs of ranges in their order, at most limit of them.
func expand(ranges []imap.UIDRange, limit int) ([]imap.UID, bool) {
	out := make([]imap.UID, 0, min(max(limit, 0), len(ranges)))
	for _, r := range ranges {
		step, n := int64(1), int64(r.Stop)-int64(r.Start)
		if n < 0 {
			step, n = -1, -n
		}
		if int64(len(out))+n+1 > int64(limit) {
			return nil, false
		}
		for i := range n + 1 {
			out = append(out, imap.UID(int64(r.Start)+i*step))
		}
	}
	return out, true
}
