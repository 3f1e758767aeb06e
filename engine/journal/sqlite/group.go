package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"imapilot/engine/journal"
)

const (
	// groupBatches and groupRows bound what one transaction holds: nobody waits for
	// more than that, and one whose context ends is not heard before it is over.
	groupBatches = 128
	groupRows    = 2000
)

// errAbandoned is what becomes of a batch when the writer panics.
var errAbandoned = fmt.Errorf("commit: %w", journal.ErrUnknown)

// waiting is a batch on its way into the journal.
type waiting struct {
	ctx   context.Context
	own   journal.Ownership
	batch *journal.Batch

	err  error // once done is closed
	done chan struct{}
}

// rows is how much of a transaction a batch takes, more or less.
func (w *waiting) rows() int {
	n := len(w.batch.Entries) + len(w.batch.Deliveries) + len(w.batch.References)
	for _, k := range w.batch.Known {
		n += len(k.Messages)
	}
	return n
}

// isAwaited reports whether somebody waits for a batch, to do what it decides.
func (w *waiting) isAwaited() bool { return isAwaited(w.batch) }

// queue holds the batches that wait for the writer, the oldest first.
type queue struct {
	mu  sync.Mutex
	all []*waiting
}

func (q *queue) add(w *waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all = append(q.all, w)
}

// withdraw takes w out again, unless it is being written.
func (q *queue) withdraw(w *waiting) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.all, w)
	if at >= 0 {
		q.all = slices.Delete(q.all, at, at+1)
	}
	return at >= 0
}

// take removes the next group: one batch at least, if there is any.
func (q *queue) take() []*waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, rows := 0, 0
	for n < min(len(q.all), groupBatches) {
		rows += q.all[n].rows()
		if n > 0 && rows > groupRows {
			break
		}
		n++
	}
	group := slices.Clone(q.all[:n])
	q.all = slices.Delete(q.all, 0, n)
	return group
}

// commitTogether writes w, in one transaction with others that wait. Whoever has the
// turn writes for all: with thousands of accounts that are woken at once, a sync for
// each would take most of the time that there is.
func (d *DB) commitTogether(w *waiting) error {
	d.waiting.add(w)
	select {
	case <-w.done:
	case d.turn <- struct{}{}:
		d.writeUntil(w)
	case <-w.ctx.Done():
		if d.waiting.withdraw(w) {
			return unavailable("commit", w.ctx.Err())
		}
		<-w.done // it is in a transaction, which alone knows how it ends
	}
	return w.err
}

// writeUntil writes one group after the other until w is among those written.
func (d *DB) writeUntil(w *waiting) {
	defer func() { <-d.turn }()
	for !w.isDone() {
		group := d.waiting.take()
		// Before it is written, for afterwards the batches are their callers' again.
		awaited := slices.ContainsFunc(group, (*waiting).isAwaited)
		d.writeGroup(group)
		d.tidy(awaited)
	}
}

func (w *waiting) isDone() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// writeGroup writes all of a group or, when one of them cannot be written, each by
// itself: the failure of one is nobody else's. When the transaction did not begin, or
// nobody knows how it ended, that is how it went for all.
func (d *DB) writeGroup(group []*waiting) {
	for _, w := range group {
		w.err = errAbandoned
		defer close(w.done)
	}
	if len(group) > 1 && d.writeAtOnce(group) {
		return
	}
	for _, w := range group {
		w.err = d.write(w.ctx, "commit", func() error { return d.put(w.own, w.batch) })
	}
}

// writeAtOnce reports whether it settled what became of the group.
func (d *DB) writeAtOnce(group []*waiting) bool {
	begun := false
	err := d.write(context.Background(), "commit", func() error {
		begun = true
		for _, w := range group {
			if err := d.put(w.own, w.batch); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && begun && !errors.Is(err, journal.ErrUnknown) {
		return false
	}
	for _, w := range group {
		w.err = err
	}
	return true
}
