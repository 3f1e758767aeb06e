package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
	"imapilot/rules"
)

// Report is what one run showed.
type Report struct {
	// Operations counts the commands and the commits, Faults those that struck.
	Operations, Faults int
	// Unsure counts messages whose outcome could not be told.
	Unsure int
	// Problems are the promises that were broken.
	Problems []string
	// Trace are the commands in order.
	Trace []string
	// Entries are what the journal holds in the end, a line each.
	Entries []string
	// Took is the time of the bubble's clock until everything was done.
	Took time.Duration
}

// The bounds of a run, on the bubble's clock.
const (
	// patience is how long the daemon may take for everything; a message's own
	// failures are tried for a day.
	patience = 30 * time.Hour
	// watchful is how long it is watched after that for doing too much.
	watchful = 65 * time.Minute
)

// Run plays a scenario with faults. The seed decides what a power loss leaves.
// The scenario must be prepared.
func Run(t *testing.T, s Scenario, seed uint64, faults ...Fault) (r Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(s, seed, faults)
		if os.Getenv("IMAPILOT_SIM_LOG") != "" {
			w.log = logger(t)
		}
		r = w.run()
	})
	return r
}

func (w *World) run() Report {
	began := time.Now()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.supervise()
	}()
	w.ready()
	for _, a := range w.scenario.Acts {
		time.Sleep(a.After)
		a.Do(w)
	}
	took := w.settle(began, time.Now())
	time.Sleep(watchful)
	w.awake()
	found := append(w.unfinished(), w.broken()...)
	entries := w.outcomes()
	close(w.stop)
	<-ended
	w.Server.Cut()
	time.Sleep(time.Minute) // sessions that think or answer slowly end
	synctest.Wait()
	r := w.report(took, found)
	r.Entries = entries
	return r
}

// awake waits for a daemon that a fault has just ended.
func (w *World) awake() {
	for range 24 {
		if _, ok := w.entries(); ok {
			return
		}
		time.Sleep(5 * time.Minute)
	}
}

// ready waits until the daemon knows what it watches, so that what comes then is
// new.
func (w *World) ready() {
	if w.scenario.Apply != nil {
		return // it knows nothing beforehand
	}
	for since := time.Now(); time.Since(since) < patience; time.Sleep(time.Second) {
		if w.knowsAll() {
			return
		}
	}
}

func (w *World) knowsAll() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.scenario.cfg.Rules.Only(func(r rules.Rule) bool { return r.On == rules.OnFlags }).Rules()) > 0 && !w.flagsKnown {
		return false
	}
	return !slices.ContainsFunc(w.scenario.cfg.Accounts[0].Watch, func(name string) bool { return !w.baselined[name] })
}

func (w *World) report(took time.Duration, found []string) Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disk.Close()
	r := Report{Operations: w.ops, Trace: w.trace, Took: took, Problems: append(w.problems, found...)}
	r.Problems = append(r.Problems, w.Server.Violations()...)
	for _, f := range w.faults {
		if f.struck {
			r.Faults++
		}
	}
	r.Unsure = w.unsure
	return r
}

// settle waits until everything is done, at most for its patience from now on. It
// returns how long that took since the run began.
func (w *World) settle(began, now time.Time) time.Duration {
	for step := 10 * time.Second; time.Since(now) < patience; step = min(step*2, 15*time.Minute) {
		time.Sleep(step)
		if len(w.unfinished()) == 0 {
			break
		}
	}
	return time.Since(began)
}

// supervise starts the daemon, and again when it died, as a service manager
// does.
func (w *World) supervise() {
	for wait := time.Second; ; wait = min(wait*2, time.Minute) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- w.daemon(ctx) }()
		again := w.until(done, cancel)
		cancel()
		if !again {
			return
		}
		time.Sleep(wait + w.timeOff())
	}
}

// timeOff is how long the machine stays off now.
func (w *World) timeOff() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	off := w.off
	w.off = 0
	return off
}

// until waits for the end of one process and reports whether another is to be
// started.
func (w *World) until(done <-chan error, cancel func()) bool {
	select {
	case <-w.stop:
		cancel()
		<-done
		return false
	case power := <-w.crashed:
		cancel()
		<-done
		w.reboot(power)
		return true
	case err := <-done:
		// It ended by itself: only a journal that cannot be opened may do that, and
		// an apply that something kept from its end.
		if !errors.Is(err, journal.ErrUnavailable) && (w.scenario.Apply == nil || !w.wasStruck()) {
			w.problem("the daemon ended by itself: %v", err)
		}
		w.afterDisk()
		select {
		case power := <-w.crashed:
			w.reboot(power)
		default:
		}
		return true
	}
}

// reboot puts what is left of the disk in place of the disk.
func (w *World) reboot(power bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.disk
	w.base += old.Operations()
	switch {
	case w.restored != nil:
		w.disk, w.restored = w.restored, nil
	case power:
		w.disk = old.AfterPowerLoss()
	default:
		w.disk = old.AfterKill()
	}
	old.Close()
	w.dead = false
}

// daemon is one process: it opens the journal and runs until ctx is done.
func (w *World) daemon(ctx context.Context) error {
	w.mu.Lock()
	w.starts++
	name := w.disk.Name()
	w.mu.Unlock()
	w.armDisk()
	db, err := sqlite.OpenWith(context.Background(), statePath, sqlite.Options{VFS: name, Exclusive: true})
	if err != nil {
		return fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
	}
	defer func() { _ = db.Close() }() // on a dead disk it cannot succeed
	w.mu.Lock()
	w.journal = db
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.journal = nil
	}()
	if w.scenario.Apply != nil {
		return w.applies(ctx, db)
	}
	return engine.New(w.scenario.cfg, w.options(db)).Run(ctx)
}

// entries reads the journal while the daemon runs; ok is false when it cannot.
func (w *World) entries() (all []journal.Entry, ok bool) {
	w.mu.Lock()
	j := w.journal
	w.mu.Unlock()
	if j == nil {
		return nil, false
	}
	all, err := j.Entries(context.Background(), journal.Query{})
	return all, err == nil
}

// outcomes are the journal's entries in a line each.
func (w *World) outcomes() []string {
	var out []string
	all, _ := w.entries()
	for _, e := range all {
		line := fmt.Sprintf("%d: %s/%d %q is %s: %s", e.Seq, e.Mailbox, e.UID, e.Subject, e.State, e.Reason)
		for _, s := range e.Steps {
			line += fmt.Sprintf("; %s %s/%d is %s %s", s.Action, s.Target, s.TargetUID, s.State, s.Error)
		}
		out = append(out, line)
	}
	return out
}

// Line is the command line that repeats a run.
func Line(s Scenario, seed uint64, faults []Fault) string {
	return fmt.Sprintf("IMAPILOT_SIM='%s|%d|%s' go test ./engine/enginetest/sim -run TestReplay -v", s.Name, seed, list(faults))
}

func list(faults []Fault) string {
	var parts []string
	for _, f := range faults {
		parts = append(parts, fmt.Sprintf("%s@%d", f.Kind, f.At))
	}
	return strings.Join(parts, ";")
}
