package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(names []string, stdout, stderr io.Writer) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	failed, err := prove(ctx, names, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "mutations:", err)
		return 1
	}
	if failed > 0 {
		fmt.Fprintf(stderr, "mutations: %d did not turn a test red\n", failed)
		return 1
	}
	return 0
}

// prove prints a line a mutation, and counts those that are not red.
func prove(ctx context.Context, names []string, stdout io.Writer) (failed int, err error) {
	root, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	all, err := load(filepath.Join(root, "engine/enginetest/mutations/patches"), names)
	if err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp("", "mutations")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(work) }() // it is in the folder for what may be left
	for _, m := range all {
		took, err := runner{root: root, work: work, limit: "2m"}.check(ctx, m)
		if err != nil {
			failed++
			fmt.Fprintf(stdout, "FAIL %s (%s, %s %s): %v\n", m.name, m.safeguard, m.folder, m.pattern, err)
			continue
		}
		fmt.Fprintf(stdout, "red  %5.1fs  %-44s %-24s %s\n", took.Seconds(), m.safeguard, m.folder, m.pattern)
	}
	return failed, nil
}
