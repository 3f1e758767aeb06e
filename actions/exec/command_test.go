//go:build unix

package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script writes a program that is run by /bin/sh and returns a command of it.
func script(t *testing.T, lines string, args ...string) Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Command{Argv: append([]string{path}, args...), Env: []string{"PATH=" + os.Getenv("PATH")}, Dir: t.TempDir()}
}

// fifo is a pipe with a name: whoever opens an end of it waits for the other.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// holders is a pipe that a script holds open: free is closed once every process that
// has it is gone.
func holders(t *testing.T) (path string, free <-chan struct{}) {
	t.Helper()
	path = fifo(t)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		f, err := os.Open(path) // waits for the first who writes
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		io.Copy(io.Discard, f)
	}()
	return path, gone
}

func wantGone(t *testing.T, free <-chan struct{}) {
	t.Helper()
	select {
	case <-free:
	case <-time.After(10 * time.Second):
		t.Error("a process of the program goes on")
	}
}

func TestExitCodes(t *testing.T) {
	for code, tt := range map[int]struct{ ok, retry bool }{0: {true, false}, 1: {}, 2: {}, 74: {}, 75: {false, true}, 76: {}, 127: {}, 255: {}} {
		r := script(t, fmt.Sprintf("echo said; exit %d", code)).Run(t.Context())
		if r.Code != code || (r.Err == nil) != tt.ok || r.Retry != tt.retry || r.Answer != "said" {
			t.Errorf("%d: %+v", code, r)
		}
	}
}

// A signal may have come from anyone, and the next attempt may go well.
func TestSignal(t *testing.T) {
	r := script(t, "kill -9 $$").Run(t.Context())
	if r.Code != -1 || r.Err == nil || !r.Retry || !strings.Contains(r.Err.Error(), "signal: killed") {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	for name, argv := range map[string][]string{"nothing": nil, "missing": {"/does/not/exist"}, "a folder": {t.TempDir()}} {
		r := (Command{Argv: argv}).Run(t.Context())
		if r.Err == nil || r.Code != -1 || r.Retry != (argv != nil) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestArguments: each element is one argument whatever it holds, and the environment
// and the folder are those of the command alone.
func TestArguments(t *testing.T) {
	t.Setenv("IMAPILOT_TEST_SECRET", "secret")
	c := script(t, `for a in "$@"; do echo "[$a]"; done; pwd; env | grep -c SECRET; echo "$GIVEN"; cat`, "$(id)", "a b", "", "--x=`id`", "'\"")
	c.Env = append(c.Env, "GIVEN=yes no")
	c.Stdin = []byte("stdin")
	r := c.Run(t.Context())
	want := strings.Join([]string{"[$(id)]", "[a b]", "[]", "[--x=`id`]", `['"]`, c.Dir, "0", "yes no", "stdin"}, `\n`)
	if r.Err != nil || r.Answer != want {
		t.Errorf("%v\n%s\nwant\n%s", r.Err, r.Answer, want)
	}
	c.Argv, c.Env = []string{"/usr/bin/env"}, nil
	if r := c.Run(t.Context()); r.Err != nil || r.Answer != "" {
		t.Errorf("an empty environment is %q, %v", r.Answer, r.Err)
	}
}

// TestHugeInput: a program need not read what it is given, and can read all of it.
func TestHugeInput(t *testing.T) {
	huge := bytes.Repeat([]byte("0123456789abcde\n"), 1<<18)
	for lines, want := range map[string]string{"exit 0": "", "wc -c | tr -d ' '": fmt.Sprint(len(huge)), "head -c 5": "01234"} {
		c := script(t, lines)
		c.Stdin = huge
		if r := c.Run(t.Context()); r.Err != nil || r.Answer != want {
			t.Errorf("%s: %+v", lines, r)
		}
	}
}

// TestOutput: what is kept is short, of both outputs, and safe on a terminal.
func TestOutput(t *testing.T) {
	r := script(t, `printf 'a\033[31m\r\n\200ü'; echo b >&2`).Run(t.Context())
	if want := `a\x1b[31m\r\n\x80üb`; r.Answer != want {
		t.Errorf("%q, want %q", r.Answer, want)
	}
	r = script(t, "head -c 60000 /dev/zero | tr '\\0' '\\001'").Run(t.Context())
	if r.Err != nil || len(r.Answer) == 0 || len(r.Answer) > maxAnswer || strings.Trim(r.Answer, `\x01`) != "" {
		t.Errorf("%d octets are kept: %+v", len(r.Answer), r)
	}
}

// TestFlood: a program that prints without end is ended, at once and for good.
func TestFlood(t *testing.T) {
	path, free := holders(t)
	c := script(t, "exec 9>"+path+"; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
	began := time.Now()
	r := c.Run(t.Context())
	if !errors.Is(r.Err, errFlood) || r.Retry || len(r.Answer) > maxAnswer || time.Since(began) > DefaultTimeout/2 {
		t.Errorf("%+v after %v", r, time.Since(began))
	}
	wantGone(t, free)
	// Also where it ends by itself with success.
	r = script(t, "head -c 70000 /dev/zero").Run(t.Context())
	if !errors.Is(r.Err, errFlood) || r.Retry {
		t.Errorf("%+v", r)
	}
}

// TestTimeout: the whole group is asked to end, and a child that does not listen is
// ended.
func TestTimeout(t *testing.T) {
	for name, lines := range map[string]string{
		"it listens":         "sleep 1000",
		"it does not":        "trap '' TERM; while :; do sleep 1; done",
		"a child does not":   "(trap '' TERM; while :; do sleep 1; done) & wait",
		"and has no output":  "(trap '' TERM; while :; do sleep 1; done) >/dev/null 2>&1 </dev/null & exec sleep 1000",
		"nobody takes input": "exec sleep 1000",
	} {
		path, free := holders(t)
		c := script(t, "exec 9>"+path+"\n"+lines)
		c.Timeout, c.killAfter, c.Stdin = 300*time.Millisecond, 300*time.Millisecond, make([]byte, 1<<20)
		began := time.Now()
		r := c.Run(t.Context())
		if took := time.Since(began); r.Err == nil || !r.Retry || !strings.Contains(r.Err.Error(), "ran for 300ms") || took < c.Timeout || took > 10*time.Second {
			t.Errorf("%s: %+v after %v", name, r, took)
		}
		wantGone(t, free)
	}
}

// TestItMayEndInOrder: who is asked to end has the time to say a last word.
func TestItMayEndInOrder(t *testing.T) {
	c := script(t, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
	c.Timeout = 300 * time.Millisecond
	if r := c.Run(t.Context()); !strings.HasPrefix(r.Answer, "up") || !strings.HasSuffix(r.Answer, "bye") || r.Err == nil || !r.Retry {
		t.Errorf("%+v", r)
	}
}

// TestStopped: the end of the daemon ends the program, and is no failure of it.
func TestStopped(t *testing.T) {
	path, free := holders(t)
	ctx, cancel := context.WithCancel(t.Context())
	ready := fifo(t)
	go func() {
		os.ReadFile(ready) // until the program is up
		cancel()
	}()
	r := script(t, "exec 9>"+path+"; echo > "+ready+"; sleep 1000").Run(ctx)
	if !errors.Is(r.Err, errStopped) || !r.Retry {
		t.Errorf("%+v", r)
	}
	wantGone(t, free)
	if r := script(t, "exit 0").Run(ctx); !errors.Is(r.Err, errStopped) || !r.Retry {
		t.Errorf("it was begun after the end: %+v", r)
	}
}

// TestWhatItLeavesBehind: a grandchild that holds the output open does not hold up
// the result, and is ended with the program.
func TestWhatItLeavesBehind(t *testing.T) {
	path, free := holders(t)
	began := time.Now()
	r := script(t, "exec 9>"+path+"; (trap '' TERM; while :; do sleep 1; done) & echo done").Run(t.Context())
	if r.Err != nil || r.Answer != "done" || time.Since(began) > 10*time.Second {
		t.Errorf("%+v after %v", r, time.Since(began))
	}
	wantGone(t, free)
}

// TestWhoLeavesTheGroup is not waited for.
func TestWhoLeavesTheGroup(t *testing.T) {
	path, free := holders(t)
	up, end := fifo(t), fifo(t)
	r := script(t, "exec 9>"+path+"; setsid sh -c 'echo >"+up+"; read x <"+end+"' & read x <"+up+"; echo done").Run(t.Context())
	if r.Err != nil || r.Answer != "done" {
		t.Errorf("%+v", r)
	}
	select {
	case <-free:
		t.Error("it was ended, too")
	default:
	}
	if err := os.WriteFile(end, nil, 0o600); err != nil {
		t.Error(err)
	}
	wantGone(t, free)
}

func TestTimeoutsHaveALimit(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: DefaultTimeout, -1: DefaultTimeout, time.Second: time.Second, 2 * MaxTimeout: MaxTimeout} {
		if got := (Command{Timeout: given}).timeout(); got != want {
			t.Errorf("%v becomes %v", given, got)
		}
	}
}

// FuzzEscaped: what is kept is short, of one line, and valid.
func FuzzEscaped(f *testing.F) {
	f.Add([]byte("a\x1b[31m\r\n\x80ü\u202e"))
	f.Fuzz(func(t *testing.T, p []byte) {
		got := escaped(p)
		if len(got) > maxAnswer || strings.ToValidUTF8(got, "") != got || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) {
			t.Errorf("%q", got)
		}
	})
}
