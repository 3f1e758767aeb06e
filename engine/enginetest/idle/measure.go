package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// result is what one way to connect was measured at.
type result struct {
	way               string
	empty, idle, peak int64 // octets resident: with one account, with all, and the most ever
	after             int64 // once the burst was over
	connect           time.Duration
	cpu               time.Duration // of the quiet time
	burst             time.Duration // of CPU, too
	threads           int
	took              []time.Duration // of the messages of a burst, sorted
}

// perConnection is what one account adds.
func (r result) perConnection(n int) float64 { return float64(r.idle-r.empty) / float64(max(n-1, 1)) }

// measure is one run with one way to connect.
func (b *benchmark) measure(ctx context.Context, way string) (r result, err error) {
	r.way = way
	if r.empty, err = b.empty(ctx, way); err != nil {
		return r, err
	}
	s, err := b.startServer(ctx, way)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	config, err := b.configure(s, way, b.n)
	if err != nil {
		return r, err
	}
	d, err := b.startDaemon(ctx, config)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	began := time.Now()
	if err := b.untilIdle(ctx, s, d, b.n); err != nil {
		return r, err
	}
	r.connect = time.Since(began)
	if err := b.atRest(ctx, d, &r); err != nil {
		return r, err
	}
	return r, b.burst(ctx, s, d, &r)
}

// empty is what the process holds with a single account.
func (b *benchmark) empty(ctx context.Context, way string) (rss int64, err error) {
	s, err := b.startServer(ctx, way)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	config, err := b.configure(s, way, 1)
	if err != nil {
		return 0, err
	}
	d, err := b.startDaemon(ctx, config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := b.untilIdle(ctx, s, d, 1); err != nil {
		return 0, err
	}
	now, err := d.usage()
	return now.rss, err
}

// untilIdle waits until so many accounts idle.
func (b *benchmark) untilIdle(ctx context.Context, s *server, d *daemon, n int) error {
	began, told := time.Now(), time.Now()
	for {
		a, err := s.ask(order{})
		if err != nil {
			return err
		}
		if a.Waiting >= n {
			b.sayf("%d accounts idle after %s", n, time.Since(began).Round(time.Millisecond))
			return nil
		}
		if _, err := d.usage(); err != nil {
			return err
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			b.sayf("%d of %d accounts idle", a.Waiting, n)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d accounts idle: %w\n%s", a.Waiting, n, err, tail(d.log.Name()))
		}
	}
}

// atRest measures what the daemon takes while nothing happens. The runtime collects every
// two minutes then, halves stacks that are too large as often, and gives back what is free
// step by step.
func (b *benchmark) atRest(ctx context.Context, d *daemon, r *result) error {
	b.sayf("waiting for %s until the memory has come to rest", b.rest)
	const steps = 5
	for range steps {
		if err := pause(ctx, b.rest/steps); err != nil {
			return err
		}
		now, err := d.usage()
		if err != nil {
			return err
		}
		b.sayf("%.1f MB resident", float64(now.rss)/1e6)
	}
	before, err := d.usage()
	if err != nil {
		return err
	}
	if err := pause(ctx, b.quiet); err != nil {
		return err
	}
	now, err := d.usage()
	r.idle, r.peak, r.threads, r.cpu = now.rss, now.peak, now.threads, now.cpu-before.cpu
	b.sayf("%.1f MB resident, %s of CPU in %s", float64(r.idle)/1e6, r.cpu, b.quiet)
	return err
}

// longestBurst is how long the messages of a burst may take.
const longestBurst = 5 * time.Minute

// burst delivers one message to every account at once, and then another one.
func (b *benchmark) burst(ctx context.Context, s *server, d *daemon, r *result) error {
	ctx, cancel := context.WithTimeout(ctx, longestBurst)
	defer cancel()
	before, err := d.usage()
	if err != nil {
		return err
	}
	a, err := s.ask(order{Deliver: "first"})
	for err == nil && a.Filed < b.n {
		if err = pause(ctx, 100*time.Millisecond); err == nil {
			a, err = s.ask(order{})
		}
	}
	if err != nil {
		return fmt.Errorf("%d of %d messages are filed: %w\n%s", a.Filed, b.n, err, tail(d.log.Name()))
	}
	r.took = a.Took
	slices.Sort(r.took)
	// What would be filed twice has time to be.
	if err := b.untilIdle(ctx, s, d, b.n); err != nil {
		return err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if a, err = s.ask(order{Verify: []string{"first"}}); err != nil {
		return err
	}
	if a.Wrong != "" {
		return errors.New(a.Wrong)
	}
	now, err := d.usage()
	r.after, r.burst = now.rss, now.cpu-before.cpu
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// usage is what the system says of a process.
type usage struct {
	rss, peak int64
	threads   int
	cpu       time.Duration
}

// usage reads /proc of the daemon, which only Linux has.
func (d *daemon) usage() (u usage, err error) {
	dir := "/proc/" + strconv.Itoa(d.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return u, fmt.Errorf("the daemon has ended, or this is no Linux: %w\n%s", err, tail(d.log.Name()))
	}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.Fields(value + " 0")[0], 10, 64) // of the other lines
		switch key {
		case "VmRSS":
			u.rss = n << 10
		case "VmHWM":
			u.peak = n << 10
		case "Threads":
			u.threads = int(n)
		}
	}
	if u.rss == 0 { // what has ended and was not waited for has no memory
		return u, fmt.Errorf("the daemon has ended\n%s", tail(d.log.Name()))
	}
	u.cpu, err = cpuOf(dir)
	return u, err
}

// cpuOf adds the user's and the system's time, in ticks of 10 ms (proc(5), utime and
// stime), which come after the name in brackets.
func cpuOf(dir string) (time.Duration, error) {
	text, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const utime, stime, tick = 11, 12, 10 * time.Millisecond
	if !ok || len(fields) <= stime {
		return 0, errors.New("/proc has another form here")
	}
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	system, other := strconv.ParseInt(fields[stime], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err, other)
}
