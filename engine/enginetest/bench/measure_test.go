package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test's own binary be what the program makes of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == asMeasure || os.Args[1] == asLimit) {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func testBenchmark(t *testing.T) *benchmark {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &benchmark{self: self, log: io.Discard}
}

func TestMeasured(t *testing.T) {
	b := testBenchmark(t)
	m, err := b.measured(t.Context(), t.TempDir(), []string{"sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"})
	if err != nil || m.Wall <= 0 || m.CPU <= 0 || m.RSS < 100<<10 {
		t.Errorf("%+v, %v", m, err)
	}
	_, err = b.measured(t.Context(), t.TempDir(), []string{"sh", "-c", "echo it is broken >&2; false"})
	if err == nil || !strings.Contains(err.Error(), "it is broken") {
		t.Errorf("a command that failed: %v", err)
	}
}

// A process does not have its parent's memory counted as its own.
func TestMeasuredMemoryIsItsOwn(t *testing.T) {
	b := testBenchmark(t)
	large := bytes.Repeat([]byte{1}, 64<<20)
	m, err := b.measured(t.Context(), t.TempDir(), []string{"true"})
	if err != nil || m.RSS >= int64(len(large)) {
		t.Errorf("%+v, %v", m, err)
	}
	if large[len(large)-1] != 1 {
		t.Error("the memory was not there")
	}
}

// A benchmark that is cut off leaves no contender running.
func TestCutOff(t *testing.T) {
	b, dir := testBenchmark(t), t.TempDir()
	fifo := filepath.Join(dir, "pid")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := b.measured(ctx, dir, []string{"sh", "-c", "echo $$ > " + fifo + "; exec sleep 600"})
		ended <- err
	}()
	text, err := os.ReadFile(fifo) // waits for the writer
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("it was cut off, and that is no error")
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", pid, err)
		_ = syscall.Kill(pid, syscall.SIGKILL) // what the test started
	}
}
