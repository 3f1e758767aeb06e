package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// wire is a bare connection to a server: commands go out as they are, and of
// what comes back only the lines are seen.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	sent int // commands so far, whose tags count them
}

// longestTalk is how long a connection may last.
const longestTalk = 30 * time.Minute

// dial connects and reads the greeting.
func dial(at login) (*wire, error) {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(at.host, strconv.Itoa(at.port)), 10*time.Second)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, r: bufio.NewReaderSize(conn, 256<<10)}
	if err := conn.SetDeadline(time.Now().Add(longestTalk)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	greeting, err := w.r.ReadString('\n')
	if err == nil && !strings.HasPrefix(greeting, "* OK") {
		err = fmt.Errorf("greeted with %q", greeting)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

// connect dials and logs in.
func connect(at login) (*wire, error) {
	w, err := dial(at)
	if err != nil {
		return nil, err
	}
	if err := w.do(fmt.Sprintf("LOGIN %s %s", at.user, at.password), nil); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *wire) close() error { return w.conn.Close() }

// do sends commands in one write and waits for all their replies. each, if not
// nil, is given every untagged line, which is only valid during the call; the
// lines of a literal are lines too. A NO or BAD is an error.
func (w *wire) do(commands string, each func(line []byte)) error {
	lines := strings.Split(commands, "\n")
	first := w.sent + 1
	var out bytes.Buffer
	for _, c := range lines {
		w.sent++
		fmt.Fprintf(&out, "t%d %s\r\n", w.sent, c)
	}
	written := make(chan error, 1) // apart, so that neither side waits for the other to read
	go func() { _, err := w.conn.Write(out.Bytes()); written <- err }()
	for tag := first; tag <= w.sent; tag++ {
		if err := w.await(tag, lines[tag-first], each); err != nil {
			return errors.Join(err, w.conn.Close(), <-written)
		}
	}
	return <-written
}

// await reads until the reply of one command, which the server answers in
// order.
func (w *wire) await(tag int, command string, each func([]byte)) error {
	prefix := fmt.Appendf(nil, "t%d ", tag)
	for {
		line, err := w.line()
		if err != nil {
			return fmt.Errorf("%s: %w", firstWords(command), err)
		}
		if text, ok := bytes.CutPrefix(line, prefix); ok {
			if !bytes.HasPrefix(text, []byte("OK")) {
				return fmt.Errorf("%s: %s", firstWords(command), bytes.TrimSpace(text))
			}
			return nil
		}
		if each != nil {
			each(line)
		}
	}
}

// line is the next line, or 256 KiB of one that is longer.
func (w *wire) line() ([]byte, error) {
	line, err := w.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return line, err
}

// firstWords is enough of a command to know it by.
func firstWords(command string) string {
	if len(command) > 60 {
		return command[:60] + "..."
	}
	return command
}
