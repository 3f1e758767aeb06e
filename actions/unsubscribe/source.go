package unsubscribe

import (
	"bufio"
	"context"
	"errors"
	"io"
)

var errLongMessage = errors.New("the message is longer than 64 MiB")

// source reads a message within its limits. It ends where it fails, and keeps
// the error for the one who asks: the verifier of several signatures leaves
// their goroutines behind when a read fails.
type source struct {
	ctx  context.Context
	r    io.Reader
	left int64
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, io.EOF
	}
	n, err := s.r.Read(p)
	if s.left -= int64(n); s.left < 0 {
		err = errLongMessage
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err, err = err, io.EOF
	}
	return n, err
}

// readHeader reads up to the empty line, which it includes. A message that ends
// before has an empty body.
func readHeader(r *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		line, err := r.ReadSlice('\n')
		full := errors.Is(err, bufio.ErrBufferFull)
		begins := len(out) == 0 || out[len(out)-1] == '\n'
		if out = append(out, line...); len(out) > maxHeader {
			return nil, errLong
		}
		switch {
		case full:
		case errors.Is(err, io.EOF):
			return append(out, "\r\n\r\n"...), nil
		case err != nil:
			return nil, err
		case begins && (string(line) == "\n" || string(line) == "\r\n"):
			return out, nil
		}
	}
}
