package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// asServer is the word that makes the program the mail server.
const asServer = "serve"

const (
	// longest is how long everything may take.
	longest = time.Hour
	// maxAccounts keeps the connections within the ports of one address.
	maxAccounts = 20_000
)

// errMissed is returned with -check when a target was missed.
var errMissed = errors.New("a target was missed")

// flags are the command line.
type flags struct {
	n              int
	quiet, rest    time.Duration
	only           string
	check, keep    bool
	binary, config string
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	err := dispatch(ctx, args, stdin, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "idle:", err)
		return 1
	}
	return 0
}

func dispatch(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == asServer {
		return serve(args[1:], stdin, stdout)
	}
	f, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	if err := allowSockets(f.n); err != nil {
		return err
	}
	return bench(ctx, f, stdout, stderr)
}

func parseFlags(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("idle", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.IntVar(&f.n, "n", 2000, "how many accounts")
	set.DurationVar(&f.quiet, "quiet", 5*time.Minute, "for how long the CPU is measured while nothing happens")
	set.DurationVar(&f.rest, "rest", 3*time.Minute, "how long the memory is given to come to rest")
	set.StringVar(&f.only, "only", "", "measure only this: plain or tls")
	set.BoolVar(&f.check, "check", false, "fail when a target is missed")
	set.BoolVar(&f.keep, "keep", false, "keep the temporary folder, and say where it is")
	set.StringVar(&f.binary, "binary", "", "measure this imapilot instead of building one")
	set.StringVar(&f.config, "account", "", "more lines for every account, as in 'poll: 5m'")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("%q is no flag", set.Arg(0))
	case f.n < 1 || f.n > maxAccounts:
		return f, fmt.Errorf("-n is from 1 to %d", maxAccounts)
	case f.only != "" && f.only != plain && f.only != secured:
		return f, fmt.Errorf("-only is %s or %s", plain, secured)
	case f.quiet < time.Second || f.quiet > longest/4 || f.rest < 0 || f.rest > longest/4:
		return f, errors.New("-quiet is from 1s to 15m, and -rest up to 15m")
	}
	return f, nil
}

// The ways to connect.
const (
	plain   = "plain"
	secured = "tls"
)

// bench measures each way to connect.
func bench(ctx context.Context, f flags, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "imapilot-idle-")
	if err != nil {
		return err
	}
	if f.keep {
		fmt.Fprintln(stderr, "everything is kept in", dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	b := &benchmark{flags: f, dir: dir, progress: stderr}
	if err := b.build(ctx); err != nil {
		return err
	}
	var all []result
	for _, way := range []string{plain, secured} {
		if f.only != "" && f.only != way {
			continue
		}
		r, err := b.measure(ctx, way)
		if err != nil {
			return fmt.Errorf("%s: %w", way, err)
		}
		all = append(all, r)
	}
	missed := show(stdout, f.n, f.quiet, all)
	if f.check && missed {
		return errMissed
	}
	return nil
}
