package sqlite_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"imapilot/engine/enginetest/disk"
	"imapilot/engine/journal"
	"imapilot/engine/journal/journaltest"
	"imapilot/engine/journal/sqlite"
)

// TestSuiteOnDisk is the suite on the disk that the tests below break.
func TestSuiteOnDisk(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Open {
		d := disk.New(1)
		t.Cleanup(d.Close)
		return func() (journal.Journal, error) { return openOn(t, d) }
	})
}

func openOn(t *testing.T, d *disk.Disk) (*sqlite.DB, error) {
	return sqlite.OpenWith(t.Context(), "/j.db", sqlite.Options{VFS: d.Name(), Exclusive: true})
}

func mustOpenOn(t *testing.T, d *disk.Disk) *sqlite.DB {
	t.Helper()
	db, err := openOn(t, d)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// run is a few commits.
type run struct {
	rounds  int
	payload int // bytes in each commit
}

// small ends before the log is copied into the file, which Close then does;
// large copies the log midway.
func small() run { return run{rounds: 3, payload: 5000} }
func large() run { return run{rounds: 12, payload: 600_000} }

func (r run) round(n int) journal.Batch {
	return journal.Batch{
		Entries:    []journal.Entry{{Seq: int64(n), Mailbox: "INBOX", State: journal.Done, Subject: fmt.Sprint("message ", n)}},
		Cursors:    []journal.Cursor{{Mailbox: "INBOX", UIDValidity: 1, Version: int64(n)}},
		Deliveries: []journal.Delivery{{ID: fmt.Sprint(n), State: journal.Pending, Payload: make([]byte, r.payload)}},
		Known: []journal.KnownBatch{{Mailbox: "INBOX", UIDValidity: 1,
			Messages: []journal.Known{{UID: 1, Print: journal.Fingerprint{MessageID: "<a@x>", Size: int64(n)}}}}},
		References: []journal.Reference{{MessageID: fmt.Sprint(n), Mailbox: "INBOX", UIDValidity: 1, UID: 1}},
	}
}

// commit makes the rounds that are missing and returns how many there are.
func (r run) commit(t *testing.T, db *sqlite.DB, own journal.Ownership, have int) (acknowledged int, err error) {
	t.Helper()
	for n := have + 1; n <= r.rounds; n++ {
		if err := db.Commit(t.Context(), own, r.round(n)); err != nil {
			return n - 1, err
		}
	}
	return r.rounds, nil
}

// state reads how many rounds a journal holds and fails when its parts
// disagree: then a commit was torn.
func state(t *testing.T, j journal.Journal) (journal.Ownership, int) {
	t.Helper()
	own, snap, err := j.Acquire(t.Context(), "home", "x")
	if err != nil {
		t.Fatal(err)
	}
	entries, err1 := j.Entries(t.Context(), journal.Query{})
	deliveries, err2 := j.Deliveries(t.Context(), journal.DeliveryQuery{})
	known, err3 := j.Known(t.Context(), "home", "INBOX", 1)
	seen, err4 := j.Seen(t.Context(), "home", asked())
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	version := 0
	if len(snap.Cursors) == 1 {
		version = int(snap.Cursors[0].Version)
	}
	if len(entries) != version || len(deliveries) != version || int(snap.NextSeq) != version+1 ||
		version > 0 && (int(known[0].Print.Size) != version || len(seen["<a@x>"].Sightings) != 1 || len(seen) != version+1) {
		t.Fatalf("torn: cursor %d, entries %d, deliveries %d, next %d, known %v, seen %v",
			version, len(entries), len(deliveries), snap.NextSeq, known, seen)
	}
	return own, version
}

// asked are the Message-IDs of all rounds, and some more.
func asked() []string {
	ids := []string{"<a@x>"}
	for n := range 20 {
		ids = append(ids, fmt.Sprint(n))
	}
	return ids
}

// created is a disk with a journal that holds nothing yet. To begin with copies
// of it is a third of the work of a run.
func created(t *testing.T) *disk.Disk {
	t.Helper()
	d := disk.New(1)
	t.Cleanup(d.Close)
	db := mustOpenOn(t, d)
	state(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// holds are the rounds that a journal may have: those that were acknowledged,
// and one more where the answer was lost.
type holds struct{ least, most int }

func (h holds) check(t *testing.T, what string, got int) {
	t.Helper()
	if got < h.least || got > h.most {
		t.Fatalf("%s: %d rounds are there, not %d to %d", what, got, h.least, h.most)
	}
}

// goesOn opens what is left on a disk, checks it and takes another commit.
func (r run) goesOn(t *testing.T, what string, d *disk.Disk, h holds) {
	t.Helper()
	db, err := openOn(t, d)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	r.goOn(t, what, db, h)
	if err := db.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func (r run) goOn(t *testing.T, what string, db *sqlite.DB, h holds) holds {
	t.Helper()
	own, got := state(t, db)
	h.check(t, what, got)
	if err := db.Commit(t.Context(), own, r.round(got+1)); err != nil {
		t.Fatalf("%s: the journal does not go on: %v", what, err)
	}
	return holds{got + 1, got + 1}
}

// survives looks at what a kill and what a power loss would leave now.
func (r run) survives(t *testing.T, what string, d *disk.Disk, h holds) {
	t.Helper()
	killed, dark := d.AfterKill(), d.AfterPowerLoss()
	defer killed.Close()
	defer dark.Close()
	r.goesOn(t, what+", killed", killed, h)
	r.goesOn(t, what+", power loss", dark, h)
}

// TestDiskFailsAtEveryOperation lets the disk fail at operation 0, 1, 2, ... of
// a run until a run sees no fault: once or for good, full or broken. What was
// acknowledged is there, what is unavailable is not, what is unknown is either,
// and nothing is torn; after the disk is back, the same journal goes on. A run
// ends with Close, which copies the log into the file.
func TestDiskFailsAtEveryOperation(t *testing.T) {
	t.Parallel()
	empty := created(t)
	for name, arm := range map[string]func(*disk.Disk, int, error){
		"for good": (*disk.Disk).FailAt,
		"once":     (*disk.Disk).FailOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			for small().failAt(t, empty.Copy(uint64(n)), n, arm) {
				n++
			}
			if n < 20 {
				t.Errorf("only %d operations: the faults do not reach SQLite", n)
			}
		})
	}
}

// faultOf takes turns, two by two: the log's writes alternate between a frame's
// header and its page, and each is to meet both.
func faultOf(n int) error { return []error{disk.ErrFull, disk.ErrIO}[n/2%2] }

func (r run) failAt(t *testing.T, d *disk.Disk, n int, arm func(*disk.Disk, int, error)) (struck bool) {
	t.Helper()
	defer d.Close()
	what := fmt.Sprintf("operation %d", n)
	db := mustOpenOn(t, d)
	own, _ := state(t, db)
	arm(d, n, faultOf(n))
	done, err := r.commit(t, db, own, 0)
	h := holds{done, done}
	switch {
	case errors.Is(err, journal.ErrUnknown):
		h.most++
	case err != nil && !errors.Is(err, journal.ErrUnavailable):
		t.Fatalf("%s: an error of no kind: %v", what, err)
	}
	if err != nil {
		struck = d.Repair()
		r.survives(t, what, d, h)
		h = r.goOn(t, what, db, h)
	}
	if err := db.Close(); err != nil { // the fault may strike here
		t.Fatalf("%s: %v", what, err)
	}
	if err == nil {
		struck = d.Repair()
		r.survives(t, what+", closed", d, h)
	} else if !struck {
		t.Fatalf("%s: %v without a fault", what, err)
	}
	return struck
}

// TestDeathAtEveryOperation kills the process or takes the power at operation
// 0, 1, 2, ... of a run, and now and then again while the next one recovers.
func TestDeathAtEveryOperation(t *testing.T) {
	t.Parallel()
	empty := created(t)
	n := 0
	for small().dieAt(t, empty.Copy(uint64(n)), n) {
		n++
	}
	if n < 60 {
		t.Errorf("only %d operations: death does not reach SQLite", n)
	}
}

// TestDeathAtCreation is the same for a journal that is made. Three in a row are
// alike.
func TestDeathAtCreation(t *testing.T) {
	t.Parallel()
	last := created(t).Operations()
	for n := 0; n < last; n += 3 {
		small().dieAt(t, disk.New(uint64(n)), n)
	}
}

// TestDeathWhileTheLogIsCopied takes moments by chance from a run that is too
// long for all of them.
func TestDeathWhileTheLogIsCopied(t *testing.T) {
	t.Parallel()
	d := disk.New(0)
	defer d.Close()
	large().untilDeath(t, "no death", d, holds{})
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range uint64(5) {
		large().dieAt(t, disk.New(i), rng.IntN(d.Operations()))
	}
}

// dieAt reports whether the run came to the operation.
func (r run) dieAt(t *testing.T, d *disk.Disk, n int) bool {
	t.Helper()
	defer d.Close()
	what := fmt.Sprintf("dead at operation %d", n)
	d.CrashAt(n)
	h := r.untilDeath(t, what, d, holds{})
	r.survives(t, what, d, h)
	if n%4 == 0 {
		r.dieAgain(t, what+" and again", d.AfterPowerLoss(), h, n%11)
	}
	return d.Crashed()
}

func (r run) dieAgain(t *testing.T, what string, d *disk.Disk, h holds, n int) {
	t.Helper()
	defer d.Close()
	d.CrashAt(n)
	r.survives(t, what, d, r.untilDeath(t, what, d, h))
}

// untilDeath opens a journal that holds h and makes the rounds that are
// missing, as far as it comes. A dead process has no use for an error.
func (r run) untilDeath(t *testing.T, what string, d *disk.Disk, h holds) holds {
	t.Helper()
	db, err := openOn(t, d)
	if err != nil {
		return h
	}
	defer db.Close()
	own, snap, err := db.Acquire(t.Context(), "home", "x")
	if err != nil {
		return h
	}
	have := 0
	if len(snap.Cursors) > 0 {
		have = int(snap.Cursors[0].Version)
	}
	h.check(t, what, have)
	done, err := r.commit(t, db, own, have)
	if err != nil {
		return holds{done, done + 1}
	}
	return holds{done, done}
}

// TestExclusive: a second Open waits and is unavailable, and nothing of the
// journal is in the operating system's files.
func TestExclusive(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := disk.New(1)
		defer d.Close()
		path := filepath.Join(folder, "j.db")
		o := sqlite.Options{VFS: d.Name(), Exclusive: true}
		db, err := sqlite.OpenWith(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.OpenWith(t.Context(), path, o); !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("the second got %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if db, err = sqlite.OpenWith(t.Context(), path, o); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("files %v (%v)", files, err)
	}
}
