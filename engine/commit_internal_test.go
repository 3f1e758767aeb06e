package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// slowJournal commits when it is told to.
type slowJournal struct {
	journal.Journal
	release chan error
	written []int64 // the first sequence of each batch
}

func (j *slowJournal) Commit(_ context.Context, _ journal.Ownership, b journal.Batch) error {
	err := <-j.release
	if err == nil {
		j.written = append(j.written, b.Entries[0].Seq)
	}
	return err
}

func aheadAccount(j journal.Journal) *account {
	return &account{journal: j, log: slog.New(slog.DiscardHandler), open: map[int64]*task{}, cursors: byMailbox[journal.Cursor]{}, outbox: newOutbox(nil)}
}

// many is a batch that is large enough to be written beside other work.
func many(first int64) journal.Batch {
	var b journal.Batch
	for i := range int64(aheadFrom) {
		b.Entries = append(b.Entries, journal.Entry{Seq: first + i, State: journal.Open})
	}
	return b
}

// A batch that is written ahead is in memory once it is durable, and not before;
// batches are written in their order, and so many at once.
func TestBatchesAreWrittenAheadInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slowJournal{release: make(chan error)}
		a := aheadAccount(j)
		var then []int64
		for i := range int64(maxWriting) {
			if err := a.commitAhead(t.Context(), many(1000*i), func() { then = append(then, i) }); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(a.open) != 0 || len(then) != 0 {
			t.Errorf("%d entries in memory before the journal has them", len(a.open))
		}
		go func() {
			for range maxWriting + 1 {
				j.release <- nil
			}
		}()
		if err := a.commit(t.Context(), journal.Batch{Entries: []journal.Entry{{Seq: 9000, State: journal.Open}}}); err != nil {
			t.Fatal(err)
		}
		if want := []int64{0, 1000, 9000}; !slices.Equal(j.written, want) || !slices.Equal(then, []int64{0, 1}) {
			t.Errorf("written %v, want %v; told of %v", j.written, want, then)
		}
		if len(a.open) != maxWriting*aheadFrom+1 {
			t.Errorf("%d entries in memory", len(a.open))
		}
	})
}

// A batch without entries is not written, and told of when those before it are.
func TestABatchOfNothingTakesItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slowJournal{release: make(chan error, 1)}
		a := aheadAccount(j)
		var then []int64
		add := func(i int64, b journal.Batch) {
			if err := a.commitAhead(t.Context(), b, func() { then = append(then, i) }); err != nil {
				t.Fatal(err)
			}
		}
		add(0, journal.Batch{})
		add(1, many(1000))
		add(2, journal.Batch{})
		if !slices.Equal(then, []int64{0}) {
			t.Errorf("told of %v before the journal has the second", then)
		}
		j.release <- nil
		if err := a.written(); err != nil || !slices.Equal(j.written, []int64{1000}) || !slices.Equal(then, []int64{0, 1, 2}) {
			t.Errorf("written %v, told of %v, %v", j.written, then, err)
		}
	})
}

// After a batch that the journal refused nothing is written that was to follow it,
// nothing of them is taken into memory, and the caller learns it.
func TestABatchAheadThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slowJournal{release: make(chan error)}
		a := aheadAccount(j)
		refused := errors.New("disk full")
		for _, b := range []journal.Batch{many(0), {}} {
			if err := a.commitAhead(t.Context(), b, func() { t.Error("a batch that failed was told of") }); err != nil {
				t.Fatal(err)
			}
		}
		go func() { j.release <- refused }()
		if err := a.written(); !errors.Is(err, refused) {
			t.Errorf("got %v, want the journal's error", err)
		}
		if len(j.written) != 0 || len(a.open) != 0 || len(a.writing) != 0 {
			t.Errorf("written %v, %d in memory, %d under way", j.written, len(a.open), len(a.writing))
		}
		if err := a.written(); err != nil {
			t.Errorf("the error came twice: %v", err)
		}
	})
}

// Of two errors that the two halves of a step met, one mailbox is to blame only
// where it is to blame for both.
func TestWorst(t *testing.T) {
	disk := errors.New("disk full")
	refused := &imapsession.Error{Op: "UID MOVE", Status: "NO", Class: imapsession.Target}
	for _, c := range []struct {
		name string
		a, b error
		only bool
	}{
		{"both of the mailbox", refused, refused, true},
		{"the journal came later", refused, disk, false},
		{"the journal came first", disk, refused, false},
		{"one", refused, nil, true},
		{"the other", nil, refused, true},
	} {
		if got := worst(c.a, c.b); mailboxOnly(got) != c.only || got == nil {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if worst(nil, nil) != nil {
		t.Error("no error is an error")
	}
}
