package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold maps a text so that two texts are equal by strings.EqualFold exactly
// when their folds are equal: simple Unicode case folding, rune by rune.
func fold(s string) string {
	if isFolded(s) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for s != "" {
		if s[0] < utf8.RuneSelf {
			s = s[foldASCII(&out, s):]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		out.WriteRune(foldRune(r))
		s = s[size:]
	}
	return out.String()
}

// isFolded reports whether a text is lower-case ASCII, as a domain is.
func isFolded(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// foldASCII writes the fold of the ASCII in front of a text, or of some of it,
// and tells its size. A body is nearly all ASCII: it is taken by the piece and
// without a branch, which is twice as fast.
func foldASCII(out *strings.Builder, s string) int {
	var piece [256]byte
	n := 0
	for n < len(s) && n < len(piece) && s[n] < utf8.RuneSelf {
		c := s[n]
		lower := c + 'a' - 'A'
		if c-'A' > 'Z'-'A' {
			lower = c
		}
		piece[n] = lower
		n++
	}
	out.Write(piece[:n])
	return n
}

// foldRune returns one rune for every set of runes that are equal but for
// their case: the lower-case letter in ASCII, else the smallest of the set.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if isCaseless(r) {
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A' // U+212A, the Kelvin sign, is a "k"
	}
	return least
}

// isCaseless knows the large scripts that have no case, Chinese, Japanese and
// Korean, so that their texts are spared a search in the tables for each letter.
func isCaseless(r rune) bool {
	return 0x2E80 <= r && r < 0xA640 || 0xAC00 <= r && r < 0xD800
}

func foldAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = fold(s)
	}
	return out
}

// globMatch reports whether pattern stands for all of s: "*" for any text,
// "?" for one character. Each piece between two stars is looked for once, from
// left to right, so that it takes time in proportion to s times the longest
// piece with a "?" in it.
func globMatch(pattern, s string) bool {
	pieces := strings.Split(pattern, "*")
	first, last := pieces[0], pieces[len(pieces)-1]
	n, ok := globPrefix(first, s)
	if !ok {
		return false
	}
	if len(pieces) == 1 {
		return n == len(s)
	}
	s = s[n:]
	for _, piece := range pieces[1 : len(pieces)-1] {
		if s, ok = globAfter(piece, s); !ok {
			return false
		}
	}
	return globSuffix(last, s)
}

// globPrefix tells how many octets of s a piece without stars stands for.
func globPrefix(piece, s string) (int, bool) {
	at := 0
	for _, want := range piece {
		have, size := utf8.DecodeRuneInString(s[at:])
		if size == 0 || want != '?' && want != have {
			return 0, false
		}
		at += size
	}
	return at, true
}

// globAfter returns what follows the first place where a piece fits.
func globAfter(piece, s string) (string, bool) {
	if !strings.ContainsRune(piece, '?') {
		_, after, ok := strings.Cut(s, piece)
		return after, ok
	}
	for at := range s {
		if n, ok := globPrefix(piece, s[at:]); ok {
			return s[at+n:], true
		}
	}
	return "", false
}

func globSuffix(piece, s string) bool {
	if !strings.ContainsRune(piece, '?') {
		return strings.HasSuffix(s, piece)
	}
	want, have := utf8.RuneCountInString(piece), utf8.RuneCountInString(s)
	if have < want {
		return false
	}
	for range have - want {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	_, ok := globPrefix(piece, s)
	return ok
}

// nearest returns the name that is most like the given one, "" if none is.
func nearest(name string, names []string) string {
	best, least := "", 1+min(3, 1+len(name)/4)
	for _, n := range names {
		if d := distance(fold(name), fold(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the number of letters to change, add, drop or swap.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// didYouMean is the hint for an unknown name.
func didYouMean(name string, names []string) string {
	if n := nearest(name, names); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}
