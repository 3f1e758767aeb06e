package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"imapilot/engine/enginetest/disk"
	"imapilot/engine/journal"
)

// members are some accounts of a journal.
type members []journal.Ownership

func acquireAll(t *testing.T, d *DB, n int) members {
	t.Helper()
	var out members
	for i := range n {
		own, _, err := d.Acquire(t.Context(), fmt.Sprint("account ", i), "x")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, own)
	}
	return out
}

// batch is what an account writes first: it comes to nothing the second time.
func batch(subject string) *journal.Batch {
	return &journal.Batch{
		At:      time.Now(),
		Cursors: []journal.Cursor{{Mailbox: "INBOX", UIDValidity: 1, Version: 1}},
		Entries: []journal.Entry{{Seq: 1, Mailbox: "INBOX", State: journal.Done, Subject: subject}},
	}
}

func (m members) group(ctx context.Context) []*waiting {
	var out []*waiting
	for _, own := range m {
		out = append(out, &waiting{ctx: ctx, own: own, batch: batch(own.Account), done: make(chan struct{})})
	}
	return out
}

// holds reports whether the batch of an account is there, whole.
func holds(t *testing.T, d *DB, account string) bool {
	t.Helper()
	_, snap, err := d.Acquire(t.Context(), account, "x")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := d.Entries(t.Context(), journal.Query{Account: account})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(snap.Cursors) || len(entries) == 1 && entries[0].Subject != account {
		t.Errorf("%s is torn: %v, %v", account, entries, snap.Cursors)
	}
	return len(entries) == 1
}

func open(t *testing.T) *DB {
	t.Helper()
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "j.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// transactions counts those that write something from now on.
func (d *DB) transactions() func() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	d.conn.WALHook(func(*sqlite3.Conn, string, int) error { n++; return nil })
	return func() int {
		d.mu.Lock()
		defer d.mu.Unlock()
		return n
	}
}

// await waits until n batches are in the queue.
func (d *DB) await(n int) {
	for {
		d.waiting.mu.Lock()
		there := len(d.waiting.all)
		d.waiting.mu.Unlock()
		if there == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestWhoWaitsIsWrittenTogether: while somebody writes, 300 accounts come.
func TestWhoWaitsIsWrittenTogether(t *testing.T) {
	d := open(t)
	all := acquireAll(t, d, 300)
	count := d.transactions()
	d.turn <- struct{}{}
	var wg sync.WaitGroup
	for _, own := range all {
		wg.Go(func() {
			if err := d.Commit(t.Context(), own, *batch(own.Account)); err != nil {
				t.Error(err)
			}
		})
	}
	d.await(len(all))
	<-d.turn
	wg.Wait()
	if n := count(); n != 3 {
		t.Errorf("%d transactions, not 3", n)
	}
	for _, own := range all {
		if !holds(t, d, own.Account) {
			t.Errorf("%s is not there", own.Account)
		}
	}
}

// TestABatchIsTheCallersAgain once Commit returned, also while whoever wrote it goes on:
// the race detector tells.
func TestABatchIsTheCallersAgain(t *testing.T) {
	d := open(t)
	all := acquireAll(t, d, 8)
	d.turn <- struct{}{}
	var wg sync.WaitGroup
	for _, own := range all {
		wg.Go(func() {
			b := batch(own.Account)
			if err := d.Commit(t.Context(), own, *b); err != nil {
				t.Error(err)
			}
			b.Entries[0].State = journal.Open
		})
	}
	d.await(len(all))
	<-d.turn
	wg.Wait()
}

// TestAGroupIsBounded by its rows, however few batches they are in.
func TestAGroupIsBounded(t *testing.T) {
	big := &journal.Batch{Known: []journal.KnownBatch{{Messages: make([]journal.Known, groupRows)}}}
	var q queue
	for _, b := range []*journal.Batch{batch("a"), big, big, batch("b")} {
		q.add(&waiting{batch: b})
	}
	for i, want := range []int{1, 1, 1, 1, 0} {
		if got := len(q.take()); got != want {
			t.Errorf("group %d has %d batches, not %d", i, got, want)
		}
	}
}

// TestOneThatFailsIsNobodyElses: a batch over an old cursor, one of an account that
// another process holds and one that SQLite refuses share a group with two others.
func TestOneThatFailsIsNobodyElses(t *testing.T) {
	d := open(t)
	all := acquireAll(t, d, 5)
	group := all.group(t.Context())
	group[0].batch.Cursors[0].Version = 7
	group[1].own.Epoch--
	group[3].batch.Entries[0].NextTry = time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC) // no JSON
	d.writeGroup(group)
	for i, want := range []error{journal.ErrConflict, journal.ErrFenced, nil, journal.ErrUnavailable, nil} {
		<-group[i].done
		if err := group[i].err; !errors.Is(err, want) {
			t.Errorf("batch %d: %v, not %v", i, err, want)
		}
		if got := holds(t, d, all[i].Account); got != (want == nil) {
			t.Errorf("batch %d is there: %v", i, got)
		}
	}
}

// TestWhoGivesUpIsNotWritten: a batch whose context ends while it waits.
func TestWhoGivesUpIsNotWritten(t *testing.T) {
	d := open(t)
	both := acquireAll(t, d, 2)
	own, other := both[0], both[1]
	ctx, cancel := context.WithCancel(t.Context())
	d.turn <- struct{}{}
	ended := make(chan error, 1)
	go func() { ended <- d.Commit(ctx, own, *batch(own.Account)) }()
	d.await(1)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("it ended with %v", err)
	}
	<-d.turn
	if err := d.Commit(t.Context(), other, *batch(other.Account)); err != nil {
		t.Fatal(err)
	}
	if holds(t, d, own.Account) {
		t.Error("it was written all the same")
	}
}

// TestAPanicLeavesNobodyWaiting: what is written then is not known, and the journal
// goes on.
func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	d := open(t)
	all := acquireAll(t, d, 3)
	group := all.group(t.Context())
	group[1].batch = nil
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		d.writeGroup(group)
	}()
	for i, w := range group {
		<-w.done
		if !errors.Is(w.err, journal.ErrUnknown) {
			t.Errorf("batch %d: %v", i, w.err)
		}
	}
	if err := d.Commit(t.Context(), all[0], *batch(all[0].Account)); err != nil || !holds(t, d, all[0].Account) {
		t.Errorf("the journal does not go on: %v", err)
	}
}

// TestAPanicOverARowKeepsNoStatement from its next use.
func TestAPanicOverARowKeepsNoStatement(t *testing.T) {
	d := open(t)
	acquireAll(t, d, 3)
	runs := map[string]func(func(*columns) error, string, ...any) error{"each": d.each, "once": d.once}
	for name, run := range runs {
		read := func(row func(*columns) error) error {
			return d.read(t.Context(), name, func() error { return run(row, "SELECT name FROM account") })
		}
		func() {
			defer func() { _ = recover() }()
			_ = read(func(*columns) error { panic("over a row") })
		}()
		n := 0
		if err := read(func(*columns) error { n++; return nil }); err != nil || n != 3 {
			t.Errorf("%s: %d rows, %v", name, n, err)
		}
	}
}

// TestAGroupOnADiskThatFails lets the disk fail, or the process die, at operation 0,
// 1, 2, ... of a group of three: what was acknowledged is there, what is unavailable
// is not, and nothing is torn.
func TestAGroupOnADiskThatFails(t *testing.T) {
	t.Parallel()
	fails := map[string]func(*disk.Disk, int){
		"fails":      func(x *disk.Disk, n int) { x.FailAt(n, disk.ErrIO) },
		"fails once": func(x *disk.Disk, n int) { x.FailOnce(n, disk.ErrFull) },
		"dies":       (*disk.Disk).CrashAt,
	}
	for name, arm := range fails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			for groupFails(t, n, arm) {
				n++
			}
			if n < 5 {
				t.Errorf("only %d operations: the faults do not reach SQLite", n)
			}
		})
	}
}

// groupFails reports whether the fault struck.
func groupFails(t *testing.T, n int, arm func(*disk.Disk, int)) (struck bool) {
	t.Helper()
	x := disk.New(uint64(n))
	defer x.Close()
	d := openDisk(t, x)
	group := acquireAll(t, d, 3).group(t.Context())
	arm(x, n)
	d.writeGroup(group)
	struck = x.Repair() || x.Crashed()
	for _, w := range group {
		if struck == (w.err == nil) {
			t.Errorf("operation %d: %s: %v, and a fault: %v", n, w.own.Account, w.err, struck)
		}
	}
	for what, left := range map[string]*disk.Disk{"killed": x.AfterKill(), "power loss": x.AfterPowerLoss()} {
		again := openDisk(t, left)
		for _, w := range group {
			there := holds(t, again, w.own.Account)
			if w.err == nil && !there || there && errors.Is(w.err, journal.ErrUnavailable) && !x.Crashed() {
				t.Errorf("operation %d, %s: %s is there: %v, after %v", n, what, w.own.Account, there, w.err)
			}
		}
		_ = again.Close()
		left.Close()
	}
	_ = d.Close() // a dead process has no use for an error
	return struck
}

func openDisk(t *testing.T, x *disk.Disk) *DB {
	t.Helper()
	d, err := OpenWith(t.Context(), "/j.db", Options{VFS: x.Name(), Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
