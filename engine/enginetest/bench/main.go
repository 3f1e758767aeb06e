package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// The words that make the program a part of itself: see measure, limit and onePassOf.
const (
	asMeasure = "measure"
	asLimit   = "limit"
	asPass    = "pass"
)

// longest is how long a whole benchmark may take.
const longest = 2 * time.Hour

// errMissed is returned with -check when a target was missed.
var errMissed = errors.New("a target was missed")

func run(args []string, stdout, stderr io.Writer) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	if err := dispatch(ctx, args, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == asLimit:
		return limit(args[1], stdout)
	case len(args) == 2 && args[0] == asPass:
		return onePassOf(ctx, args[1], stdout)
	case len(args) > 2 && args[0] == asMeasure:
		return measure(ctx, args[1], args[2:])
	}
	f, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	return bench(ctx, f, stdout, stderr)
}

// bench is the whole of a benchmark.
func bench(ctx context.Context, f flags, stdout, stderr io.Writer) (err error) {
	b, err := newBenchmark(ctx, f, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if f.cpuProfile != "" {
		return b.profile(ctx, stdout)
	}
	all, err := b.rounds(ctx)
	if err != nil {
		return err
	}
	rep := report{shape: b.shape, versions: versionsOf(ctx), runs: f.runs, store: f.store, results: all}
	rep.targets = targets(b.shape, all)
	if err := rep.text(stdout); err != nil {
		return err
	}
	if f.markdown != "" {
		if err := rep.writeMarkdown(f.markdown); err != nil {
			return err
		}
	}
	if f.check && rep.missed() {
		return errMissed
	}
	return nil
}
