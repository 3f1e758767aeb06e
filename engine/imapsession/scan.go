package imapsession

import (
	"bytes"
	"strconv"
	"strings"
)

// scanner reads the tokens of an assembled response (RFC 9051 section 9). It
// is lenient about what does no harm: several spaces, letters where case does
// not matter, bytes above 127. Each method reports whether it found its token,
// and leaves the scanner where it was if not.
type scanner struct {
	b []byte
	i int
	// cut is set when the last literal that was read had been cut.
	cut bool
	// patient lets a quoted string end only where a value can end: some servers
	// do not escape the quotes within. suspect is set when that would have made a
	// difference.
	patient, suspect bool
}

func (s *scanner) done() bool { return s.i >= len(s.b) }

func (s *scanner) rest() []byte { return s.b[s.i:] }

// spaces passes over any spaces.
func (s *scanner) spaces() {
	for s.i < len(s.b) && s.b[s.i] == ' ' {
		s.i++
	}
}

// special passes over one byte if it comes next.
func (s *scanner) special(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// until returns the bytes up to, and without, the first of stop.
func (s *scanner) until(stop string) []byte {
	n := bytes.IndexAny(s.b[s.i:], stop)
	if n < 0 {
		n = len(s.b) - s.i
	}
	word := s.b[s.i : s.i+n]
	s.i += n
	return word
}

// atom reads a word: it ends at a space, a parenthesis, a quote or a brace.
func (s *scanner) atom() ([]byte, bool) {
	word := s.until(" ()\"{\r\n")
	return word, len(word) > 0
}

// number reads an unsigned number that fits bits.
func (s *scanner) number(bits int) (uint64, bool) {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	n, err := strconv.ParseUint(string(s.b[start:s.i]), 10, bits)
	if err != nil {
		s.i = start
	}
	return n, err == nil
}

// str reads a quoted string or a literal.
func (s *scanner) str() ([]byte, bool) {
	if s.done() {
		return nil, false
	}
	switch s.b[s.i] {
	case '"':
		return s.quoted()
	case '{', '~':
		return s.literal()
	}
	return nil, false
}

// nstring reads a string or NIL, which is an empty one here.
func (s *scanner) nstring() ([]byte, bool) {
	if hasPrefixFold(s.rest(), "NIL") {
		s.i += len("NIL")
		return nil, true
	}
	return s.str()
}

// astring reads a string or an atom.
func (s *scanner) astring() ([]byte, bool) {
	if word, ok := s.str(); ok {
		return word, true
	}
	return s.atom()
}

func (s *scanner) quoted() ([]byte, bool) {
	start := s.i + 1
	if n := bytes.IndexAny(s.b[start:], `"\`); n >= 0 && s.b[start+n] == '"' && !s.patient {
		s.i = start + n + 1
		s.suspect = s.suspect || !s.valueEnds(s.i)
		return s.b[start : start+n], true
	}
	var out []byte
	for i := s.i + 1; i < len(s.b); i++ {
		switch c := s.b[i]; c {
		case '"':
			if s.patient && !s.valueEnds(i+1) {
				out = append(out, c)
				continue
			}
			s.i = i + 1
			return out, true
		case '\\':
			if i++; i < len(s.b) {
				out = append(out, s.b[i])
			}
		default:
			out = append(out, c)
		}
	}
	return nil, false
}

// valueEnds reports whether a value of a body structure can end before i: a
// parenthesis or another value follows.
func (s *scanner) valueEnds(i int) bool {
	if rest := s.b[min(i, len(s.b)):]; len(rest) > 0 && rest[0] == ' ' {
		next := bytes.TrimLeft(rest[:min(len(rest), 8)], " ")
		return len(next) == 0 || strings.IndexByte(`"(){-0123456789`, next[0]) >= 0 || hasPrefixFold(next, "NIL")
	}
	return i >= len(s.b) || strings.IndexByte("()", s.b[i]) >= 0
}

func (s *scanner) literal() ([]byte, bool) {
	const longest = len("~{9223372036854775807+}\r\n")
	head, _, ok := bytes.Cut(s.b[s.i:min(len(s.b), s.i+longest)], []byte("\r\n"))
	if !ok {
		return nil, false
	}
	brace, size, ok := announcedLiteral(head)
	start := s.i + len(head) + 2
	if !ok || brace > 1 || size > int64(len(s.b)-start) {
		return nil, false
	}
	s.cut = bytes.HasSuffix(head, []byte("+}"))
	s.i = start + int(size)
	return s.b[start:s.i], true
}

// list reads a parenthesised list, calling item for each of its members.
func (s *scanner) list(item func() bool) bool {
	if !s.special('(') {
		return false
	}
	for {
		s.spaces()
		if s.special(')') {
			return true
		}
		at := s.i
		if s.done() || !item() || s.i == at {
			return false
		}
	}
}

// skip passes over one value of any kind, however deeply it is nested.
func (s *scanner) skip() bool {
	start, depth := s.i, 0
	for !s.done() {
		switch {
		case s.special('('):
			depth++
		case depth > 0 && s.special(')'):
			depth--
		case depth > 0 && s.special(' '):
			continue
		case !s.word():
			s.i = start
			return false
		}
		if depth == 0 {
			return true
		}
	}
	s.i = start
	return false
}

// word passes over a string or an atom.
func (s *scanner) word() bool {
	_, ok := s.astring()
	return ok
}
