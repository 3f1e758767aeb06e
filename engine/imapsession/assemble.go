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
	from io.Reader
	// in is nil while nothing comes, first what came while it was. buffers gives one.
	in      *bufio.Reader
	first   []byte
	buffers *Buffers
	limits  Limits
	buf     []byte
	// over is set once a FETCH response went over the budget: the rest of it is
	// read and dropped, all but the end of the line.
	over bool
	end  []byte
	// spent is what counts towards Limits.Announced: literals, and what is
	// dropped.
	spent int64
}

func newAssembler(r io.Reader, limits Limits) *assembler {
	return &assembler{from: r, buffers: new(Buffers), limits: limits}
}

// Read is where the buffer is filled from.
func (a *assembler) Read(p []byte) (int, error) {
	if len(a.first) > 0 {
		n := copy(p, a.first)
		a.first = a.first[n:]
		return n, nil
	}
	return a.from.Read(p)
}

// isEmpty reports whether nothing has come of the next response.
func (a *assembler) isEmpty() bool { return a.in == nil || a.in.Buffered() == 0 }

// hasLine reports whether a whole line has come that was not read yet.
func (a *assembler) hasLine() bool {
	if a.isEmpty() {
		return false
	}
	have, _ := a.in.Peek(a.in.Buffered()) // what is there can be had
	return bytes.IndexByte(have, '\n') >= 0
}

// rest gives the buffers back, unless there is something in them.
func (a *assembler) rest() {
	if a.in != nil && a.isEmpty() {
		a.buffers.give(a.in)
		a.in, a.buf, a.end = nil, nil, nil
	}
}

// wake waits for the first octets, and takes a buffer for what follows.
func (a *assembler) wake() error {
	few := make([]byte, 16)
	for len(a.first) == 0 {
		n, err := a.from.Read(few)
		if a.first = few[:n]; n == 0 && err != nil {
			return err
		}
	}
	a.in = a.buffers.take(a)
	return nil
}

// keptBuffer is how much room is kept from one response to the next: an idle
// session holds no more.
const keptBuffer = 16 << 10

// next returns one response, without its last line break and with its literals
// in place ({n}, CRLF, n bytes). A literal longer than the limits is cut, and
// announced as {n+}, which no other one is here. A FETCH response that is too
// long is cut off, so that no parenthesis closes it: what it says is made by
// whoever wrote the mail, and must not end the connection. The response is valid
// until the next call.
func (a *assembler) next() ([]byte, error) {
	if cap(a.buf) > keptBuffer {
		a.buf = nil
	}
	a.buf, a.over, a.spent = a.buf[:0], false, 0
	if a.in == nil {
		if err := a.wake(); err != nil {
			return nil, err
		}
	}
	for {
		start := len(a.buf)
		end, err := a.line(start)
		if err != nil {
			return nil, err
		}
		brace, size, ok := announcedLiteral(end)
		if !ok || !mayHoldLiteral(a.buf) {
			return a.buf, nil
		}
		if a.spent += size; size > a.limits.Announced || a.spent > a.limits.Announced {
			return nil, fmt.Errorf("%w: a literal of %d bytes", errTooMuch, size)
		}
		if a.over {
			_, err = io.CopyN(io.Discard, a.in, size)
		} else {
			err = a.literal(start+brace, size)
		}
		if err != nil {
			return nil, err
		}
	}
}

// line appends one line, without its line break, to what is there up to start.
// It returns the line, or the end of one that is not kept, since a literal may be
// announced there: one that is missed would be read as responses.
func (a *assembler) line(start int) (end []byte, err error) {
	a.end = a.end[:0]
	for {
		part, err := a.in.ReadSlice('\n')
		if full := a.add(start, part); full != nil {
			return nil, full
		}
		switch {
		case err == nil && a.over:
			return withoutBreak(a.end), nil
		case err == nil:
			line := withoutBreak(a.buf[start:]) // a CR before start is a literal's
			a.buf = a.buf[:start+len(line)]
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// add appends a piece of a line, or drops it when the response is over its
// budget.
func (a *assembler) add(start int, part []byte) error {
	if a.over {
		a.end = tail(append(a.end, part...))
		return a.drop(len(part))
	}
	a.buf = append(a.buf, part...)
	most := start + a.lineLimit()
	if start > 0 {
		most = min(most, max(start, a.limits.Response+a.limits.Line))
	}
	switch {
	case len(a.buf) <= most:
		return nil
	case !isFetch(a.buf):
		return fmt.Errorf("%w: a line of %d bytes", errTooMuch, len(a.buf)-start)
	}
	dropped := len(a.buf) - most
	a.over, a.end, a.buf = true, tail(bytes.Clone(a.buf[start:])), a.buf[:most]
	return a.drop(dropped)
}

func (a *assembler) drop(n int) error {
	if a.spent += int64(n); a.spent > a.limits.Announced {
		return fmt.Errorf("%w: a response with %d bytes of no use", errTooMuch, a.spent)
	}
	return nil
}

// tail keeps as much of the end of a line as can announce a literal.
func tail(b []byte) []byte {
	const most = 32
	return append(b[:0], b[max(0, len(b)-most):]...)
}

func withoutBreak(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// lineLimit is higher for those responses that are a single long line.
func (a *assembler) lineLimit() int {
	switch {
	case len(a.buf) <= a.limits.Line:
		return a.limits.Line
	case hasPrefixFold(a.buf, "* SEARCH ") || hasPrefixFold(a.buf, "* ESEARCH "):
		return a.limits.Search
	case isFetch(a.buf):
		return a.limits.Response
	}
	return a.limits.Line
}

// isFetch reports whether a response that has begun is a FETCH.
func isFetch(resp []byte) bool {
	rest, ok := bytes.CutPrefix(resp, []byte("* "))
	if !ok {
		return false
	}
	rest = bytes.TrimLeft(rest[:min(len(rest), 40)], " 0123456789")
	return hasPrefixFold(rest, "FETCH")
}

// literal reads a literal whose "{" is at brace. What is kept of it is decided
// from the announced size, before a byte of it is read.
func (a *assembler) literal(brace int, size int64) error {
	room := max(0, a.limits.Response-len(a.buf))
	keep := int(min(size, int64(a.limits.Literal), int64(room)))
	a.buf = append(a.buf[:brace], '{')
	a.buf = strconv.AppendInt(a.buf, int64(keep), 10)
	if int64(keep) < size {
		a.buf = append(a.buf, '+')
	}
	a.buf = append(a.buf, "}\r\n"...)
	start := len(a.buf)
	a.buf = append(a.buf, make([]byte, keep)...)
	if _, err := io.ReadFull(a.in, a.buf[start:]); err != nil {
		return err
	}
	if int64(keep) == size {
		return nil // as nearly always, and what follows takes memory
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
	for _, text := range []string{"OK", "NO", "BAD", "BYE", "PREAUTH", "CAPABILITY", "SEARCH", "ENABLED", "FLAGS"} {
		if len(kind) == len(text) && hasPrefixFold(kind, text) {
			return false
		}
	}
	return true
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && bytes.EqualFold(b[:len(prefix)], []byte(prefix))
}
