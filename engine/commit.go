package engine

import (
	"context"
	"maps"
	"reflect"
	"time"

	"imapilot/engine/journal"
)

// commit writes a batch and takes it into memory. Nothing is taken when the
// journal refused.
func (a *account) commit(ctx context.Context, b journal.Batch) error {
	if err := a.written(); err != nil {
		return err
	}
	a.stamp(&b)
	takeBack := a.takeBack(b.Entries)
	if err := a.commitNow(ctx, a.own, b); err != nil {
		return err
	}
	a.remember(b)
	takeBack(ctx)
	return nil
}

// commitNow writes a batch, which takes nothing into memory.
func (a *account) commitNow(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	if cancels(b) {
		return a.outbox.commit(ctx, own, b)
	}
	return a.journal.Commit(ctx, own, b)
}

// stamp says when a batch is written, and over which versions of cursors, and lets
// go of the webhooks that waited for what it tells.
func (a *account) stamp(b *journal.Batch) {
	if b.At.IsZero() {
		b.At = time.Now()
	}
	for i := range b.Cursors {
		b.Cursors[i].Version = a.cursors.of(b.Cursors[i].Mailbox).Version + 1
	}
	for i := range b.Entries {
		b.Entries[i].Updated = b.At
	}
	b.Release = append(b.Release, releases(b.Entries, a.spelling)...)
}

// writing is a batch that is on its way into the journal. Memory does not hold it
// yet.
type writing struct {
	batch journal.Batch
	// nothing is set where only then is to be called.
	nothing bool
	then    func()
	ended   chan struct{}
	err     error // once ended is closed
}

const (
	// aheadFrom is from how many entries on a batch is written beside other work.
	aheadFrom = 10
	// maxWriting is how many batches are on their way at most.
	maxWriting = 2
)

// commitAhead begins to write a batch and returns, where much is written that the
// caller does not need yet: it goes on with other messages until written says that
// the batch is durable and in memory, and then has been called. Whatever reads the
// memory of the account for these messages calls written first, as commit does.
// Batches are written in their order, and none after one that failed; a batch without
// entries takes its turn among them. Raw messages do not wait: there is room for those
// of one batch.
func (a *account) commitAhead(ctx context.Context, b journal.Batch, then func()) error {
	nothing := isNothing(b)
	if nothing && len(a.writing) == 0 {
		then()
		return nil
	}
	if !nothing && (len(b.Entries) < aheadFrom || !isOfEntries(b) || len(b.Raws) > 0) {
		if err := a.commit(ctx, b); err != nil {
			return err
		}
		then()
		return nil
	}
	if err := a.writtenBut(maxWriting - 1); err != nil {
		return err
	}
	a.stamp(&b)
	w := &writing{batch: b, nothing: nothing, then: then, ended: make(chan struct{})}
	var before *writing
	if n := len(a.writing); n > 0 {
		before = a.writing[n-1]
	}
	a.writing = append(a.writing, w)
	own := a.own
	go w.write(before, func() error { return a.commitNow(ctx, own, w.batch) })
	return nil
}

func (w *writing) write(before *writing, commit func() error) {
	defer close(w.ended)
	if before != nil {
		if <-before.ended; before.err != nil {
			w.err = before.err
			return
		}
	}
	if !w.nothing {
		w.err = commit()
	}
}

// isNothing reports whether a batch has nothing to write.
func isNothing(b journal.Batch) bool {
	b.At = time.Time{}
	for _, field := range reflect.ValueOf(b).Fields() {
		if field.Kind() == reflect.Slice && field.Len() > 0 || field.Kind() != reflect.Slice && !field.IsZero() {
			return false
		}
	}
	return true
}

// isOfEntries reports whether nothing is in a batch that the next one is made from.
func isOfEntries(b journal.Batch) bool {
	return len(b.Cursors)+len(b.Forget)+len(b.Known)+len(b.Arrived)+len(b.Pauses)+len(b.Resume)+len(b.Flagged)+len(b.Events)+len(b.Runs) == 0
}

// written waits for what is being written. Nothing is taken into memory that the
// journal refused.
func (a *account) written() error { return a.writtenBut(0) }

// writtenBut waits until no more than some batches are being written.
func (a *account) writtenBut(most int) error {
	for len(a.writing) > most {
		w := a.writing[0]
		<-w.ended
		if w.err != nil {
			for _, later := range a.writing {
				<-later.ended // they fail as well
			}
			a.writing = nil
			return w.err
		}
		a.writing = a.writing[1:]
		a.remember(w.batch)
		w.then()
	}
	return nil
}

// remember mirrors a committed batch in memory.
func (a *account) remember(b journal.Batch) {
	for _, name := range b.Forget {
		delete(a.cursors, name)
		maps.DeleteFunc(a.flagged, func(k flagKey, _ journal.Flagged) bool { return k.mailbox == name })
	}
	for _, c := range b.Cursors {
		a.cursors.set(c.Mailbox, c)
	}
	for _, e := range b.Entries {
		a.rememberEntry(e)
	}
	for _, x := range b.Expect {
		put(&a.expected, x.ID, x)
	}
	for _, id := range b.Arrived {
		delete(a.expected, id)
	}
	for _, f := range b.Flagged {
		put(&a.flagged, keyOf(f.Mailbox, f.Flag), f)
	}
	for _, s := range b.Snoozed {
		put(&a.snoozed, s.Seq, &sleeper{Snoozed: s})
	}
	for _, seq := range b.Woken {
		delete(a.snoozed, seq)
	}
	for _, r := range b.Runs {
		put(&a.runs, r.Rule, r)
	}
	for _, p := range b.Pauses {
		put(&a.pauses, p.Target, p)
	}
	for _, t := range b.Resume {
		delete(a.pauses, t)
	}
	a.created = append(a.created, b.Created...)
	if !b.Listed.IsZero() {
		a.listed = b.Listed
	}
	if len(b.Deliveries)+len(b.Release) > 0 {
		a.outbox.rouse()
	}
	for _, ev := range b.Events {
		a.log.Info(ev.Text, "event", ev.Kind, "mailbox", ev.Mailbox)
	}
}

func (a *account) rememberEntry(e journal.Entry) {
	if e.State == journal.Open {
		w, ok := a.open[e.Seq]
		if !ok {
			w = &task{}
			put(&a.open, e.Seq, w)
		}
		w.Entry = e
		return
	}
	delete(a.open, e.Seq)
	if e.State == journal.Held {
		a.mayHold.Store(true)
	}
	a.engine.opts.Observe(Observation{Account: a.cfg.Name, At: e.Updated, Entry: e})
}
