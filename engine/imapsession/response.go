package imapsession

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// Limits bound what one response may hold. Zero fields take the defaults.
type Limits struct {
	// Line is the longest part of a response without a literal; default 1 MiB
	// (a SEARCH reply without ESEARCH is one line).
	Line int
	// Literal is the longest literal; default 1 MiB.
	Literal int
	// Response is the whole of it; default 2 MiB.
	Response int
	// Untagged is how many untagged responses one command may draw; default
	// 5 million.
	Untagged int
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	set(&l.Line, 1<<20)
	set(&l.Literal, 1<<20)
	set(&l.Response, 2<<20)
	set(&l.Untagged, 5_000_000)
	return l
}

var errTooBig = errors.New("the server sent a response beyond the limit")

// readResponse assembles one response: a line and the literals in it. The
// length of a literal is checked before it is read.
func readResponse(r *bufio.Reader, limits Limits) ([]byte, error) {
	var out []byte
	for {
		start := len(out)
		var err error
		if out, err = readLine(r, out, limits); err != nil {
			return nil, err
		}
		size, ok := literalSize(out[start:])
		if !ok {
			return out, nil
		}
		if size > limits.Literal || len(out)+size > limits.Response {
			return nil, fmt.Errorf("%w: a literal of %d bytes", errTooBig, size)
		}
		if out, err = readLiteral(r, out, size); err != nil {
			return nil, err
		}
	}
}

func readLine(r *bufio.Reader, out []byte, limits Limits) ([]byte, error) {
	start := len(out)
	for {
		part, err := r.ReadSlice('\n')
		out = append(out, part...)
		if len(out)-start > limits.Line || len(out) > limits.Response {
			return nil, fmt.Errorf("%w: a line of over %d bytes", errTooBig, len(out)-start)
		}
		if err == nil {
			return out, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

func readLiteral(r *bufio.Reader, out []byte, size int) ([]byte, error) {
	start := len(out)
	out = append(out, make([]byte, size)...)
	for n := start; n < len(out); {
		got, err := r.Read(out[n:])
		n += got
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// literalSize returns the length of the literal that a line announces at its
// end: {n} or {n+} (RFC 9051 section 4.3).
func literalSize(line []byte) (int, bool) {
	line = bytes.TrimRight(line, "\r\n")
	if !bytes.HasSuffix(line, []byte("}")) {
		return 0, false
	}
	open := bytes.LastIndexByte(line, '{')
	if open < 0 {
		return 0, false
	}
	digits := bytes.TrimSuffix(line[open+1:len(line)-1], []byte("+"))
	if len(digits) == 0 || len(digits) > 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 63)
	return int(n), err == nil
}
