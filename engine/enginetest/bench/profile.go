package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"time"
)

// profile runs imapilot's engine in this process, over one copy of the mailbox
// for each number of rules, with all of them in one CPU profile, and prints
// which commands it sent and how often it waited for an answer. With -only
// nothing, the rules are about nobody.
func (b *benchmark) profile(ctx context.Context, stdout io.Writer) error {
	out, err := os.Create(b.flags.cpuProfile)
	if err != nil {
		return err
	}
	for _, rules := range b.flags.rules {
		if err == nil {
			err = b.profileOne(ctx, stdout, out, rules)
		}
	}
	pprof.StopCPUProfile()
	return errors.Join(err, out.Close())
}

func (b *benchmark) profileOne(ctx context.Context, stdout, profile io.Writer, rules int) error {
	from, err := b.original(rules)
	if err != nil {
		return err
	}
	at, sender, done := b.server.as(from), address, rules
	if slices.Equal(b.flags.only, []string{nothingName}) {
		sender, done = nobody, 0
	}
	path := filepath.Join(b.work, from+".yaml")
	text := b.shape.yamlConfig(at, filepath.Join(b.work, from+".db"), rules, sender)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	if rules == b.flags.rules[0] {
		if err := pprof.StartCPUProfile(profile); err != nil {
			return err
		}
	}
	began, counts, written := time.Now(), newTally(), &commits{}
	if err := pass(ctx, path, counts, written); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d rules: %.2f s; %d round trips, %.2f s until answers began; %d commits, %.2f s\n%s", rules,
		time.Since(began).Seconds(), counts.turns, counts.waited.Seconds(), written.count, written.took.Seconds(), counts)
	return b.shape.verify(at, done)
}

// pass is one pass of the engine over the mail that is there, whose commands and
// commits are counted.
func pass(ctx context.Context, path string, counts *tally, written *commits) error {
	return engineOnce(ctx, path, func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return &counted{Conn: conn, tally: counts}, err
	}, written)
}
