package imapsession

import (
	"errors"
	"net"
	"os"
	"strings"
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
		g := newGuard(w, w, new(Options{}.withDefaults()))
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

// Of several commands each leaves once, in its order, and not before the line of
// the one before it has ended.
func TestGuardLetsOutSeveral(t *testing.T) {
	for name, tc := range map[string]struct {
		writes []string
		passes int // how many of them
	}{
		"in order":           {[]string{"T1 ID NIL\r\n", "T2 NOOP\r\n"}, 2},
		"in pieces":          {[]string{"T1 ID (", "\"a\" ", "NIL)\r", "\n", "T2 NO", "OP\r\n"}, 4},
		"the second first":   {[]string{"T2 NOOP\r\n"}, 0},
		"one twice":          {[]string{"T1 ID NIL\r\n", "T2 ID NIL\r\n"}, 1},
		"another in between": {[]string{"T1 ID NIL\r\n", "T2 EXPUNGE\r\n"}, 1},
		"within the first":   {[]string{"T1 ID (", "T2 NOOP\r\n", "T3 EXPUNGE\r\n"}, 2},
		"a third":            {[]string{"T1 ID NIL\r\n", "T2 NOOP\r\n", "* OK\r\n"}, 3}, // it belongs to the second
	} {
		w := &wire{}
		g := newGuard(w, w, new(Options{}.withDefaults()))
		if err := g.begin(newOperation("ID", "", nil), newOperation("NOOP", "", nil)); err != nil {
			t.Fatal(err)
		}
		passed := 0
		for _, piece := range tc.writes {
			if _, err := g.Write([]byte(piece)); err != nil {
				break
			}
			passed++
		}
		if passed != tc.passes {
			t.Errorf("%s: %d pieces pass, want %d", name, passed, tc.passes)
		}
	}
}

// Each command ends with the completion that has its tag, in any order, and a
// response belongs to the first that takes it and has not ended.
func TestGuardTellsAnswersApart(t *testing.T) {
	w := &wire{}
	g := newGuard(w, w, new(Options{}.withDefaults()))
	var taken []string
	newOp := func(name string) *operation {
		return newOperation(name, "", func(r response) bool {
			if r.tag == "*" && r.kind == "SEARCH" {
				taken = append(taken, name)
			}
			return r.kind == "SEARCH"
		})
	}
	ops := []*operation{newOp("ID"), newOp("NOOP"), newOp("IDLE")}
	if err := g.begin(ops...); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"T1 ID NIL\r\n", "T2 NOOP\r\n"} {
		if _, err := g.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{"* SEARCH 1", "T2 NO [LIMIT] x", "* SEARCH 1", "T1 OK", "* SEARCH 1"} {
		if _, err := g.handle([]byte(line), nil); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if got := strings.Join(taken, " "); got != "ID ID" || !ops[0].completed || !ops[1].completed || ops[1].completion.code != "LIMIT" || ops[2].completed {
		t.Errorf("taken by %q, completions %+v, %+v", got, ops[0].completion, ops[1].completion)
	}
	if g.due() != ops[2] {
		t.Error("the third is not due")
	}
	if _, err := g.handle([]byte("T3 OK"), nil); err == nil {
		t.Error("a command that was not sent has ended")
	}
}

// A deadline that fires in the moment in which its command ends is no error.
func TestDeadlineThatComesTooLate(t *testing.T) {
	late := func([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
	w := &wire{reads: []func(p []byte) (int, error){late, late, func(p []byte) (int, error) { return copy(p, "* 1 EXISTS\r\n"), os.ErrDeadlineExceeded }, late}}
	g := newGuard(w, w, new(Options{}.withDefaults()))
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

// What is held leaves in one write. What the server has to agree to before more is
// sent takes along what was held before it, and is not held itself.
func TestGuardHolds(t *testing.T) {
	w := &wire{}
	g := newGuard(w, w, new(Options{}.withDefaults()))
	if err := g.begin(newOperation("NOOP", "", nil), newOperation("UID MOVE", "", nil)); err != nil {
		t.Fatal(err)
	}
	write := func(p, sent string) {
		t.Helper()
		if n, err := g.Write([]byte(p)); err != nil || n != len(p) {
			t.Fatalf("%d, %v", n, err)
		}
		if w.written != sent {
			t.Errorf("after %q written is %q, want %q", p, w.written, sent)
		}
	}
	g.hold()
	write("T1 NOOP\r\n", "")
	write("T2 UID MOVE 1 {3}\r\n", "T1 NOOP\r\nT2 UID MOVE 1 {3}\r\n")
	write("Box\r\n", "T1 NOOP\r\nT2 UID MOVE 1 {3}\r\nBox\r\n")
	g.release()
	if w.written != "T1 NOOP\r\nT2 UID MOVE 1 {3}\r\nBox\r\n" {
		t.Errorf("written %q", w.written)
	}
}
