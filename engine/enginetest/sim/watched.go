package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"imapilot/engine/enginetest/disk"
	"imapilot/engine/journal"
)

// watched is the journal with the faults in its commits; it remembers what was
// recorded.
type watched struct {
	journal.Journal
	world *World
}

var errInjected = errors.New("injected")

func (j watched) Acquire(ctx context.Context, account, holder string) (journal.Ownership, journal.Snapshot, error) {
	own, snap, err := j.Journal.Acquire(ctx, account, holder)
	j.world.afterDisk()
	return own, snap, err
}

func (j watched) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	w := j.world
	switch kind := w.commitFault(); kind {
	case CommitFails:
		return fmt.Errorf("%w: %w", journal.ErrUnavailable, errInjected)
	case CommitUnknown:
		if err := j.commit(ctx, own, b); err != nil {
			return err
		}
		return fmt.Errorf("%w: %w", journal.ErrUnknown, errInjected)
	}
	return j.commit(ctx, own, b)
}

func (j watched) commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	err := j.Journal.Commit(ctx, own, b)
	w := j.world
	w.afterDisk()
	w.noteRuns(b.Runs, err == nil)
	if err != nil && !errors.Is(err, journal.ErrUnknown) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range b.Cursors {
		w.baselined[c.Mailbox] = w.baselined[c.Mailbox] || c.UIDValidity != 0 && err == nil
	}
	for _, f := range b.Flagged {
		w.flagsKnown = w.flagsKnown || f.UIDValidity != 0 && err == nil
	}
	for _, e := range b.Entries {
		w.recorded[place{e.Mailbox, e.UIDValidity, e.UID}] = true
	}
	return err
}

// commitFault counts a commit and says what goes wrong with it.
func (w *World) commitFault() Kind {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ops++
	for _, f := range w.faults {
		if f.Kind.area() == commits && f.strikes() {
			return f.Kind
		}
	}
	return ""
}

// armDisk passes the faults of the disk to it. A disk takes one at a time.
func (w *World) armDisk() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		if f.Kind.area() != writes || f.struck {
			continue
		}
		left := f.At - w.base - w.disk.Operations()
		switch f.Kind {
		case DiskError:
			w.disk.FailOnce(left, disk.ErrIO)
		case DiskFull:
			w.disk.FailAt(left, disk.ErrFull)
		default:
			w.disk.CrashAt(left)
		}
		return
	}
}

// afterDisk notices that a fault of the disk has struck.
func (w *World) afterDisk() {
	w.mu.Lock()
	var kind Kind
	for _, f := range w.faults {
		if f.Kind.area() == writes && !f.struck && w.base+w.disk.Operations() > f.At {
			f.struck, kind = true, f.Kind
			break
		}
	}
	w.mu.Unlock()
	switch kind {
	case DiskKill, DiskPower:
		w.kill(kind == DiskPower)
	case DiskFull:
		time.AfterFunc(time.Hour, w.repair)
	case DiskError:
		w.repair()
	}
}

// repair ends a fault of the disk, and lets the next one come.
func (w *World) repair() {
	w.mu.Lock()
	dead := w.dead
	if !dead {
		w.disk.Repair()
	}
	w.mu.Unlock()
	if !dead {
		w.armDisk()
	}
}
