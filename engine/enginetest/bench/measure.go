package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// measured is what one process took.
type measured struct {
	Wall, CPU time.Duration
	RSS       int64 // its peak, in octets
}

// longestRun is how long a contender may take.
const longestRun = 30 * time.Minute

// measure runs a command and writes what it took to a file. It is a process of
// its own, because a process inherits the peak of its parent's memory (Linux
// counts it until exec): this one is small.
func measure(ctx context.Context, file string, argv []string) error {
	ctx, cancel := context.WithTimeout(ctx, longestRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(argv[0]), err)
	}
	state := cmd.ProcessState
	m := measured{Wall: wall, CPU: state.UserTime() + state.SystemTime()}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		m.RSS = usage.Maxrss << 10
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// measured runs a command in folder dir and returns what it took. What the
// command says goes into a file there, as it would go into a log.
func (b *benchmark) measured(ctx context.Context, dir string, argv []string) (measured, error) {
	var m measured
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		return m, err
	}
	defer func() { _ = out.Close() }() // a log, read or not
	result := filepath.Join(dir, "measured")
	cmd := exec.CommandContext(ctx, b.self, append([]string{asMeasure, result}, argv...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir)
	cmd.Stdout, cmd.Stderr = out, out
	// Killed, it would leave the contender running: it is asked to end it.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return m, fmt.Errorf("%w\n%s", err, tail(out.Name()))
	}
	text, err := os.ReadFile(result)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}

// tail is the end of a log, to show what went wrong.
func tail(path string) []byte {
	text, _ := os.ReadFile(path) // it explains an error, which is told anyway
	const enough = 4000
	return bytes.TrimSpace(text[max(0, len(text)-enough):])
}
