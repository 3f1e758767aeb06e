package imapsession

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

var errTooMuch = errors.New("the server sent more than the limit")

// assembler reads a stream as whole responses under a byte budget.
type assembler struct {
	in     *bufio.Reader
	limits Limits
	buf    []byte
}

func newAssembler(r io.Reader, limits Limits) *assembler {
	return &assembler{in: bufio.NewReaderSize(r, 4096), limits: limits}
}

// keptBuffer is how much room is kept from one response to the next: an idle
// session holds no more.
const keptBuffer = 16 << 10

// next returns one response, without its last line break and with its literals
// in place ({n}, CRLF, n bytes). A literal longer than the limits is cut, and
// its announced length with it. The response is valid until the next call.
func (a *assembler) next() ([]byte, error) {
	if cap(a.buf) > keptBuffer {
		a.buf = nil
	}
	a.buf = a.buf[:0]
	announced := int64(0)
	for {
		start := len(a.buf)
		if err := a.line(start); err != nil {
			return nil, err
		}
		brace, size, ok := announcedLiteral(a.buf[start:])
		if !ok || !mayHoldLiteral(a.buf) {
			return a.buf, nil
		}
		if announced += size; size > a.limits.Announced || announced > a.limits.Announced {
			return nil, fmt.Errorf("%w: a literal of %d bytes", errTooMuch, size)
		}
		if err := a.literal(start+brace, size); err != nil {
			return nil, err
		}
	}
}

// line appends one line, without its line break, to what is there up to start.
func (a *assembler) line(start int) error {
	for {
		part, err := a.in.ReadSlice('\n')
		a.buf = append(a.buf, part...)
		if len(a.buf)-start > a.lineLimit() || len(a.buf) > a.limits.Response && start > 0 {
			return fmt.Errorf("%w: a line of %d bytes", errTooMuch, len(a.buf)-start)
		}
		if err == nil {
			// A CR before start is a literal's.
			line := bytes.TrimSuffix(bytes.TrimSuffix(a.buf[start:], []byte("\n")), []byte("\r"))
			a.buf = a.buf[:start+len(line)]
			return nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// lineLimit is higher for the one response that is a single long line.
func (a *assembler) lineLimit() int {
	if hasPrefixFold(a.buf, "* SEARCH ") || hasPrefixFold(a.buf, "* ESEARCH ") {
		return a.limits.Search
	}
	return a.limits.Line
}

// literal reads a literal whose "{" is at brace. What is kept of it is decided
// from the announced size, before a byte of it is read.
func (a *assembler) literal(brace int, size int64) error {
	room := max(0, a.limits.Response-len(a.buf))
	keep := int(min(size, int64(a.limits.Literal), int64(room)))
	a.buf = append(a.buf[:brace], '{')
	a.buf = strconv.AppendInt(a.buf, int64(keep), 10)
	a.buf = append(a.buf, "}\r\n"...)
	start := len(a.buf)
	a.buf = append(a.buf, make([]byte, keep)...)
	if _, err := io.ReadFull(a.in, a.buf[start:]); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, a.in, size-int64(keep))
	return err
}

// announcedLiteral finds {n} or {n+} at the end of a line (RFC 9051 section
// 4.3), also as a literal8, ~{n} (RFC 3516 section 3).
func announcedLiteral(line []byte) (brace int, size int64, ok bool) {
	if !bytes.HasSuffix(line, []byte("}")) {
		return 0, 0, false
	}
	if brace = bytes.LastIndexByte(line, '{'); brace < 0 {
		return 0, 0, false
	}
	digits := bytes.TrimSuffix(line[brace+1:len(line)-1], []byte("+"))
	n, err := strconv.ParseUint(string(digits), 10, 63)
	return brace, int64(n), err == nil
}

// mayHoldLiteral tells data from responses whose free text may end in braces.
func mayHoldLiteral(resp []byte) bool {
	word, rest, ok := bytes.Cut(resp, []byte(" "))
	if !ok || string(word) != "*" {
		return false
	}
	kind, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	switch string(bytes.ToUpper(kind)) {
	case "OK", "NO", "BAD", "BYE", "PREAUTH", "CAPABILITY", "SEARCH", "ENABLED", "FLAGS":
		return false
	}
	return true
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && bytes.EqualFold(b[:len(prefix)], []byte(prefix))
}
