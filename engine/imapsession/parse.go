package imapsession

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// cutWord splits a response at its first space.
func cutWord[T string | []byte](s T) (word, rest string) {
	word, rest, _ = strings.Cut(strings.TrimRight(string(s), "\r\n"), " ")
	return word, strings.TrimLeft(rest, " ")
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// cutStatus splits "OK [CODE arguments] text" (RFC 9051 section 7.1). The code
// is its first word, in capitals.
func cutStatus(s []byte) (status, code, text string) {
	status, text = cutWord(s)
	status = strings.ToUpper(status)
	if !strings.HasPrefix(text, "[") {
		return status, "", text
	}
	inside, rest, ok := strings.Cut(text[1:], "]")
	if !ok {
		return status, "", text
	}
	code, _ = cutWord(inside)
	return status, strings.ToUpper(code), strings.TrimSpace(rest)
}

// codeArgument returns what follows a response code's name.
func codeArgument(resp []byte, name string) (string, bool) {
	open := bytes.IndexByte(resp, '[')
	if open < 0 {
		return "", false
	}
	inside, _, ok := bytes.Cut(resp[open+1:], []byte("]"))
	if !ok {
		return "", false
	}
	word, rest := cutWord(inside)
	return rest, strings.EqualFold(word, name)
}

// hideRev2 takes IMAP4rev2 out of a capability list: imapclient would send raw
// UTF-8 names as soon as it is advertised, though RFC 9051 wants ENABLE first.
func hideRev2(resp []byte) []byte {
	words := strings.Fields(string(resp))
	kept := words[:0]
	for _, w := range words {
		if !strings.EqualFold(w, "IMAP4rev2") {
			kept = append(kept, w)
		}
	}
	return []byte(strings.Join(kept, " ") + "\r\n")
}

// parseCopyUID reads [COPYUID validity sources targets] (RFC 4315 section 3).
// Anything malformed, a "*" or sets of different lengths are no COPYUID.
func parseCopyUID(arg string) (map[imap.UID]imap.UID, bool) {
	words := strings.Fields(arg)
	if len(words) != 3 {
		return nil, false
	}
	from, ok1 := parseSet(words[1])
	to, ok2 := parseSet(words[2])
	if !ok1 || !ok2 || len(from) != len(to) {
		return nil, false
	}
	out := make(map[imap.UID]imap.UID, len(from))
	for i := range from {
		out[from[i]] = to[i]
	}
	return out, true
}

// maxSet is how many UIDs a set of a response may name.
const maxSet = 1_000_000

func parseSet(s string) ([]imap.UID, bool) {
	var out []imap.UID
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, ":")
		first, err1 := strconv.ParseUint(a, 10, 32)
		last, err2 := first, error(nil)
		if isRange {
			last, err2 = strconv.ParseUint(b, 10, 32)
		}
		if err1 != nil || err2 != nil || first == 0 || last < first || last-first > maxSet || len(out) > maxSet {
			return nil, false
		}
		for n := first; n <= last; n++ {
			out = append(out, imap.UID(n))
		}
	}
	return out, true
}

// Fetched is what a header fetch tells of one message.
type Fetched struct {
	UID      imap.UID
	Flags    []imap.Flag
	Received time.Time // INTERNALDATE
	Size     int64     // RFC822.SIZE
	Header   []byte    // the header fields asked for

	has fetchItems
}

// fetchItems says which items a FETCH response held.
type fetchItems struct{ uid, flags, date, size, header bool }

var errSyntax = errors.New("malformed response")

// parseFetch reads the items that we ask for out of "* n FETCH (...)" and
// skips all others.
func parseFetch(resp []byte) (Fetched, error) {
	var f Fetched
	open := bytes.IndexByte(resp, '(')
	if open < 0 {
		return f, errSyntax
	}
	p := parser{b: resp[open+1:]}
	for {
		p.spaces()
		if p.peek() == ')' {
			return f, nil
		}
		name := p.itemName()
		if name == "" {
			return f, errSyntax
		}
		p.spaces()
		if err := f.item(&p, strings.ToUpper(name)); err != nil {
			return f, err
		}
	}
}

func (f *Fetched) item(p *parser, name string) error {
	switch {
	case name == "UID":
		n, err := strconv.ParseUint(p.atom(), 10, 32)
		f.UID, f.has.uid = imap.UID(n), err == nil && n > 0
		return err
	case name == "RFC822.SIZE":
		n, err := strconv.ParseInt(p.atom(), 10, 64)
		f.Size, f.has.size = n, err == nil
		return err
	case name == "INTERNALDATE":
		at, err := time.Parse("_2-Jan-2006 15:04:05 -0700", string(p.str()))
		f.Received, f.has.date = at, err == nil
		return nil // a date that cannot be read leaves the item out
	case name == "FLAGS":
		f.Flags, f.has.flags = p.flags()
		if !f.has.flags {
			return errSyntax
		}
		return nil
	case strings.HasPrefix(name, "BODY[HEADER"):
		f.Header, f.has.header = p.str(), true
		return p.err
	default:
		p.skip(0)
		return p.err
	}
}

// parser reads the tokens of a response.
type parser struct {
	b   []byte
	err error
}

func (p *parser) peek() byte {
	if len(p.b) == 0 {
		p.err = errSyntax
		return ')'
	}
	return p.b[0]
}

func (p *parser) spaces() { p.b = bytes.TrimLeft(p.b, " ") }

// itemName reads up to a space outside brackets: BODY[HEADER.FIELDS (A B)].
func (p *parser) itemName() string {
	depth := 0
	for i, c := range p.b {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case (c == ' ' || c == ')' || c == '\r') && depth <= 0:
			return p.take(i)
		}
	}
	return ""
}

func (p *parser) take(n int) string {
	s := string(p.b[:n])
	p.b = p.b[n:]
	return s
}

func (p *parser) atom() string {
	n := bytes.IndexAny(p.b, " ()\r\n")
	if n < 0 {
		p.err, n = errSyntax, len(p.b)
	}
	return p.take(n)
}

// str reads a quoted string, a literal, or NIL.
func (p *parser) str() []byte {
	switch p.peek() {
	case '"':
		return p.quoted()
	case '{':
		return p.literal()
	default:
		p.atom()
		return nil
	}
}

func (p *parser) quoted() []byte {
	var out []byte
	for i := 1; i < len(p.b); i++ {
		switch p.b[i] {
		case '\\':
			if i++; i < len(p.b) {
				out = append(out, p.b[i])
			}
		case '"':
			p.b = p.b[i+1:]
			return out
		default:
			out = append(out, p.b[i])
		}
	}
	p.err, p.b = errSyntax, nil
	return nil
}

func (p *parser) literal() []byte {
	end := bytes.IndexByte(p.b, '\n')
	if end < 0 {
		p.err, p.b = errSyntax, nil
		return nil
	}
	size, ok := literalSize(p.b[:end+1])
	if !ok || len(p.b) < end+1+size {
		p.err, p.b = errSyntax, nil
		return nil
	}
	out := p.b[end+1 : end+1+size]
	p.b = p.b[end+1+size:]
	return out
}

// flags reads a parenthesised list, tolerating "]" and 8-bit keywords.
func (p *parser) flags() ([]imap.Flag, bool) {
	if p.peek() != '(' {
		return nil, false
	}
	inside, rest, ok := bytes.Cut(p.b[1:], []byte(")"))
	if !ok {
		return nil, false
	}
	p.b = rest
	var out []imap.Flag
	for _, w := range strings.Fields(string(inside)) {
		out = append(out, imap.Flag(w))
	}
	return out, true
}

// maxDepth is how deep a value that is skipped may nest.
const maxDepth = 50

// skip passes over one value of any kind.
func (p *parser) skip(depth int) {
	switch {
	case depth > maxDepth:
		p.err, p.b = errSyntax, nil
	case p.peek() == '(':
		p.b = p.b[1:]
		for p.err == nil {
			p.spaces()
			if p.peek() == ')' {
				break
			}
			p.skip(depth + 1)
		}
		if len(p.b) > 0 {
			p.b = p.b[1:]
		}
	case p.peek() == '"' || p.peek() == '{':
		p.str()
	default:
		if p.atom() == "" {
			p.err = errSyntax
		}
	}
}
