package imapsession

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// wire is a connection that keeps what is written and reads what a test says.
type wire struct {
	net.Conn
	written string
	reads   []func(p []byte) (int, error)
}

func (w *wire) Write(p []byte) (int, error) { w.written += string(p); return len(p), nil }
func (w *wire) Read(p []byte) (int, error) {
	read := w.reads[0]
	w.reads = w.reads[1:]
	return read(p)
}
func (w *wire) Close() error                     { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// Only the command that was begun leaves, once.
func TestGuardLetsOutWhatWasBegun(t *testing.T) {
	for _, tc := range []struct {
		begun, sent string
		passes      bool
	}{
		{"UID MOVE", "T1 UID MOVE 1 Box\r\n", true},
		{"NOOP", "T1 NOOP\r\n", true},
		{"UID MOVE", "T1 UID COPY 1 Box\r\n", false},
		{"UID MOVE", "T1 UID STORE 1 +FLAGS (\\Deleted)\r\n", false},
		{"UID EXPUNGE", "T1 EXPUNGE\r\n", false},
		{"NOOP", "T1 NOOPX\r\n", false},
		{"", "T1 NOOP\r\n", false},
	} {
		w := &wire{}
		g := newGuard(w, w, Options{}.withDefaults())
		if tc.begun != "" {
			if err := g.begin(newOperation(tc.begun, "", nil)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := g.Write([]byte(tc.sent))
		if passed := err == nil && w.written == tc.sent; passed != tc.passes || !passed && w.written != "" {
			t.Errorf("%q begun, %q sent: %v, written %q", tc.begun, tc.sent, err, w.written)
		}
		if !tc.passes {
			continue
		}
		if _, err := g.handle([]byte("T1 OK"), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Write([]byte("T2 EXPUNGE\r\n")); err == nil {
			t.Errorf("%q: a second command passes", tc.begun)
		}
	}
}

// A deadline that fires in the moment in which its command ends is no error.
func TestDeadlineThatComesTooLate(t *testing.T) {
	late := func([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
	w := &wire{reads: []func(p []byte) (int, error){late, late, func(p []byte) (int, error) { return copy(p, "* 1 EXISTS\r\n"), os.ErrDeadlineExceeded }, late}}
	g := newGuard(w, w, Options{}.withDefaults())
	if line, err := g.in.next(); err != nil || string(line) != "* 1 EXISTS" {
		t.Errorf("%q, %v", line, err)
	}
	if err := g.begin(newOperation("NOOP", "", nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := g.in.next(); !errors.Is(err, errTimeout) {
		t.Errorf("while a reply is due: %v", err)
	}
}
