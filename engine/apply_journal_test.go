package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// failing is a journal of which one commit fails: before it wrote, or after.
type failing struct {
	journal.Journal
	at, after int // which commit, counted from 1; 0: none
	lost      int // is not written, and nobody can tell
	count     int
}

func (f *failing) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	f.count++
	if f.count == f.at {
		return fmt.Errorf("disk: %w", journal.ErrUnavailable)
	}
	if f.count == f.lost {
		return fmt.Errorf("disk: %w", journal.ErrUnknown)
	}
	err := f.Journal.Commit(ctx, own, b)
	if err == nil && f.count == f.after {
		err = fmt.Errorf("disk: %w", journal.ErrUnknown)
	}
	return err
}

// Whichever commit of a large run fails, of those that are written beside other work
// too, no message is lost and none is moved twice: the run goes on by itself, or the
// next one does.
func TestApplyOverAJournalThatFails(t *testing.T) {
	const messages = 300
	apply := func(t *testing.T, at, after int) (commits int) {
		srv := imaptest.Memory(t, imaptest.Options{})
		r := newRig(t, srv)
		var want []string
		for i := range messages {
			want = append(want, fmt.Sprintf("n%03d", i))
			r.mail("INBOX", want[i], "b@news.example")
		}
		cfg := r.config("", filing)
		r.with(cfg, func(j journal.Journal) {
			f := &failing{Journal: j, at: at, after: after}
			for try := range 3 {
				o := r.options(f)
				o.Apply = &engine.Scope{Max: 1_000_000}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				err := engine.New(cfg, o).Run(ctx)
				cancel()
				if try == 2 && err != nil && !errors.Is(err, journal.ErrUnavailable) {
					t.Fatal(err)
				}
			}
			commits = f.count
		})
		r.want("INBOX")
		r.want("News", want...)
		return commits
	}
	commits := apply(t, 0, 0)
	for n := 1; n <= commits; n++ {
		t.Run(fmt.Sprintf("commit %d refused", n), func(t *testing.T) { apply(t, n, 0) })
		t.Run(fmt.Sprintf("commit %d unknown", n), func(t *testing.T) { apply(t, 0, n) })
	}
}

// Whichever commit of a run it is of which nobody can tell whether it was written:
// what the journal has counts against the limit once, and what it has not is decided
// again.
func TestALimitOverAJournalThatCannotTell(t *testing.T) {
	const messages, most = 1700, 1600 // two batches
	apply := func(t *testing.T, after, lost int) (commits int) {
		r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
		r.timing.FirstRetry = time.Millisecond
		for i := range messages {
			r.mail("INBOX", fmt.Sprintf("n%04d", i), "b@news.example")
		}
		cfg := r.config("", fmt.Sprintf("rules:\n  - {name: n, if: 'true', then: [{move: News}], max_messages: %d}\n", most))
		r.with(cfg, func(j journal.Journal) {
			f := &failing{Journal: j, after: after, lost: lost}
			if job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: f}); err != nil || job.Error != "" {
				t.Errorf("%v, %q", err, job.Error)
			}
			commits = f.count
		})
		if got := r.entries(cfg); got[journal.Done] != most || got[journal.Held] != messages-most {
			t.Errorf("entries %v", got)
		}
		return commits
	}
	commits := apply(t, 0, 0)
	for n := 1; n <= commits; n++ {
		t.Run(fmt.Sprintf("commit %d written", n), func(t *testing.T) { apply(t, n, 0) })
		t.Run(fmt.Sprintf("commit %d lost", n), func(t *testing.T) { apply(t, 0, n) })
	}
}

// unlent is a journal that gives nobody a lease: its disk is full.
type unlent struct{ journal.Journal }

func (unlent) Acquire(context.Context, string, string) (journal.Ownership, journal.Snapshot, error) {
	return journal.Ownership{}, journal.Snapshot{}, fmt.Errorf("disk: %w", journal.ErrUnavailable)
}

// A run whose account ends before it had its lease has ended, too, and says why.
func TestApplyWithoutALease(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", filing)
	r.with(cfg, func(j journal.Journal) {
		for name, c := range map[string]struct {
			j    journal.Journal
			stop bool
		}{"a full disk": {unlent{j}, false}, "interrupted": {j, true}} {
			o := r.options(c.j)
			o.Apply = &engine.Scope{}
			ctx, cancel := context.WithCancel(t.Context())
			if c.stop {
				cancel()
			}
			e := engine.New(cfg, o)
			err := e.Run(ctx)
			cancel()
			job, jobErr := e.Job(engine.ApplyJob)
			if jobErr != nil || job.Running || job.Stopped != c.stop || (job.Error == "") != c.stop {
				t.Errorf("%s: the run returned %v, and its job is %+v, %v", name, err, job, jobErr)
			}
		}
	})
}
