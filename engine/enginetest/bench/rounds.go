package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// result is what all runs of a contender with so many rules took.
type result struct {
	contender contender
	rules     int
	runs      []measured
}

// slowEvery is in which of the turns imapfilter takes part: it takes many times as long as
// the others, whose turns cost little, and a machine's moods last as long as theirs.
const slowEvery = 5

// rounds lets the contenders run in turns, for each number of rules.
func (b *benchmark) rounds(ctx context.Context) ([]result, error) {
	var all []result
	for _, rules := range b.flags.rules {
		some, err := b.round(ctx, rules)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (b *benchmark) round(ctx context.Context, rules int) ([]result, error) {
	from, err := b.original(rules)
	if err != nil {
		return nil, err
	}
	var out []result
	for _, c := range b.chosen() {
		out = append(out, result{contender: c, rules: rules})
	}
	for turn := range b.flags.runs {
		for i, r := range out {
			if r.contender.isSlow() && turn%slowEvery > 0 {
				continue
			}
			m, err := b.turn(ctx, r.contender, rules, from, fmt.Sprintf("%s-%d-%d", r.contender.name, rules, turn))
			if err != nil {
				return nil, fmt.Errorf("%s with %d rules: %w", r.contender.title, rules, err)
			}
			fmt.Fprintf(b.log, "%3d rules, run %d: %-36s %s\n", rules, turn+1, r.contender.title, m.Wall.Round(time.Millisecond))
			out[i].runs = append(out[i].runs, m)
		}
	}
	return out, b.server.forget(from)
}

// turn is one run on a copy of a user's mail, whose result is verified.
func (b *benchmark) turn(ctx context.Context, c contender, rules int, from, user string) (measured, error) {
	dir := filepath.Join(b.work, user)
	if err := errors.Join(os.Mkdir(dir, 0o700), b.server.clone(from, user)); err != nil {
		return measured{}, err
	}
	at := b.server.as(user)
	argv, err := c.command(b, job{at: at, rules: rules, dir: dir})
	if err != nil {
		return measured{}, err
	}
	m, err := b.measured(ctx, dir, argv)
	if err == nil && c.inside {
		m.Wall, err = tookInside(filepath.Join(dir, "output"))
	}
	if err != nil {
		return m, err
	}
	done := rules
	if !c.acts {
		done = 0
	}
	if err := b.shape.verify(at, done); err != nil {
		return m, fmt.Errorf("a wrong result: %w\n%s", err, tail(filepath.Join(dir, "output")))
	}
	if b.flags.keep {
		return m, nil
	}
	return m, errors.Join(b.server.forget(user), os.RemoveAll(dir))
}

// median is the middle one of some numbers, the upper of two.
func median[T int64 | time.Duration](runs []measured, of func(measured) T) T {
	var all []T
	for _, m := range runs {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (r result) wall() time.Duration {
	return median(r.runs, func(m measured) time.Duration { return m.Wall })
}
func (r result) cpu() time.Duration {
	return median(r.runs, func(m measured) time.Duration { return m.CPU })
}
func (r result) rss() int64 { return median(r.runs, func(m measured) int64 { return m.RSS }) }
