package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// onTerminal runs the command line on a terminal of 80 columns on which somebody types a
// line at each question, and returns what was shown there.
func onTerminal(t *testing.T, typed string, arguments ...string) (shown string, code int) {
	t.Helper()
	return onTerminalEarly(t, "", typed, arguments...)
}

// onTerminalEarly is onTerminal where something is typed before anything is shown.
func onTerminalEarly(t *testing.T, early, typed string, arguments ...string) (shown string, code int) {
	t.Helper()
	far, near := terminal(t)
	cmd := program(t, arguments...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = near, near, near
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Env = append(os.Environ(), "NO_COLOR=", "TERM=xterm")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	out := converse(t, far, early, typed)
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

// converse types early, then a line at each question, and returns all that was shown when
// the other side is closed.
func converse(t *testing.T, far *os.File, early, typed string) (out []byte) {
	t.Helper()
	say := func(text string) {
		if _, err := far.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	say(early)
	lines, chunk := strings.SplitAfter(typed, "\n"), make([]byte, 4096)
	for {
		n, err := far.Read(chunk)
		out = append(out, chunk[:n]...)
		if (bytes.HasSuffix(out, []byte("/N] ")) || bytes.HasSuffix(out, []byte("number] "))) && lines[0] != "" {
			say(lines[0])
			lines = lines[1:]
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, syscall.EIO): // the other side is closed
			return out
		case err != nil:
			t.Fatal(err)
		}
	}
}

// terminal opens a pseudo-terminal.
func terminal(t *testing.T) (far, near *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = far.Close() })
	fd := int(far.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return far, near
}
