package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runner compiles and runs tests of the tree at root, in a folder of its own.
type runner struct {
	root, work string
	limit      string // of one test: one that hangs proves nothing
}

// check reports how long the test of a mutation took to turn red, or why it did
// not.
func (r runner) check(ctx context.Context, m mutation) (time.Duration, error) {
	folder, err := os.MkdirTemp(r.work, m.name)
	if err != nil {
		return 0, err
	}
	if err := r.green(ctx, m); err != nil {
		return 0, err
	}
	list, err := m.overlay(r.root, folder)
	if err != nil {
		return 0, fmt.Errorf("does not apply: %w", err)
	}
	binary := filepath.Join(folder, "mutated.test")
	if err := r.compile(ctx, m, binary, "-overlay", list); err != nil {
		return 0, err
	}
	began := time.Now()
	out, err := r.test(ctx, m, binary)
	return time.Since(began), verdict(out, err)
}

// green demands that the test passes without the mutation. The binary of a
// package is made once.
func (r runner) green(ctx context.Context, m mutation) error {
	binary := filepath.Join(r.work, strings.ReplaceAll(m.folder, "/", "_")+".test")
	if _, err := os.Stat(binary); err != nil {
		if err := r.compile(ctx, m, binary); err != nil {
			return err
		}
	}
	out, err := r.test(ctx, m, binary)
	switch {
	case err != nil:
		return fmt.Errorf("the test fails without the mutation: %w\n%s", err, out)
	case strings.Contains(out, "no tests to run"):
		return errors.New("there is no such test")
	}
	return nil
}

func (r runner) compile(ctx context.Context, m mutation, binary string, flags ...string) error {
	args := append([]string{"test", "-c", "-o", binary}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, m.folder)...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("does not compile: %w\n%s", err, out)
	}
	return nil
}

func (r runner) test(ctx context.Context, m mutation, binary string) (string, error) {
	cmd := exec.CommandContext(ctx, binary, "-test.run", m.pattern, "-test.timeout", r.limit)
	cmd.Dir = filepath.Join(r.root, m.folder)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// verdict is nil when a test said that it failed.
func verdict(out string, err error) error {
	switch {
	case err == nil:
		return errors.New("GREEN: no test noticed")
	case strings.Contains(out, "panic: "):
		return fmt.Errorf("the test was cut off, it did not fail: %w\n%s", err, out)
	case !strings.Contains(out, "--- FAIL: "):
		return fmt.Errorf("no test failed: %w\n%s", err, out)
	}
	return nil
}
