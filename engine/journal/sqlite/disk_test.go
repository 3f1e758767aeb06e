package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// disk is the real file system with a fault: from its n-th write, sync or
// truncation on it fails. It also keeps, in a second folder, what a power loss
// would leave: of every file what it held when it was last synced.
type disk struct {
	vfs.VFS
	synced string

	mu    sync.Mutex
	fault error
	left  int // operations until the fault, below 0: none
	fired bool
}

func newDisk(t *testing.T) *disk {
	d := &disk{VFS: vfs.Find("os"), synced: t.TempDir(), left: -1}
	vfs.Register(t.Name(), d)
	t.Cleanup(func() { vfs.Unregister(t.Name()) })
	return d
}

// arm makes the operation after n more fail, and all that follow it.
func (d *disk) arm(n int, fault error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.fault, d.fired = n, fault, false
}

// repair ends the fault and reports whether it struck.
func (d *disk) repair() (struck bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = -1
	return d.fired
}

func (d *disk) operation() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.left < 0:
		return nil
	case d.left == 0:
		d.fired = true
		return d.fault
	}
	d.left--
	return nil
}

func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	if err != nil {
		return f, out, err
	}
	return &diskFile{File: f, disk: d, path: name.String()}, out, nil
}

func (d *disk) Delete(name string, syncDir bool) error {
	if err := d.operation(); err != nil {
		return err
	}
	if err := os.Remove(d.shadow(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return d.VFS.Delete(name, syncDir)
}

func (d *disk) shadow(name string) string { return filepath.Join(d.synced, filepath.Base(name)) }

type diskFile struct {
	vfs.File
	disk *disk
	path string
}

func (f *diskFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.operation(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *diskFile) Truncate(size int64) error {
	if err := f.disk.operation(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *diskFile) Sync(flags vfs.SyncFlag) error {
	if err := f.disk.operation(); err != nil {
		return err
	}
	if err := f.File.Sync(flags); err != nil {
		return err
	}
	now, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	return os.WriteFile(f.disk.shadow(f.path), now, 0o600)
}

// rounds is how many commits a run makes.
const rounds = 3

func round(n int) journal.Batch {
	return journal.Batch{
		Entries:    []journal.Entry{{Seq: int64(n), Mailbox: "INBOX", State: journal.Done, Subject: fmt.Sprint("message ", n)}},
		Cursors:    []journal.Cursor{{Mailbox: "INBOX", UIDValidity: 1, Version: int64(n)}},
		Deliveries: []journal.Delivery{{ID: fmt.Sprint(n), State: journal.Pending, Payload: make([]byte, 5000)}},
		Known: []journal.KnownBatch{{Mailbox: "INBOX", UIDValidity: 1,
			Messages: []journal.Known{{UID: 1, Print: journal.Fingerprint{MessageID: "<a@x>", Size: int64(n)}}}}},
		References: []journal.Reference{{MessageID: fmt.Sprint(n), Mailbox: "INBOX", UIDValidity: 1, UID: 1}},
	}
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
	seen, err4 := j.Seen(t.Context(), "home", []string{"<a@x>", "1", "2", "3", "4", "5", "6"})
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

// TestDiskFailsAtEveryOperation lets the disk fail for good at operation 0, 1,
// 2, ... of a run until a run sees no fault. What was acknowledged is there,
// what is unavailable is not, what is unknown is either, and nothing is torn;
// after the disk is back, the same journal goes on. A run ends with Close, which
// copies the log into the file.
func TestDiskFailsAtEveryOperation(t *testing.T) {
	t.Parallel()
	faults := []error{sqlite3.FULL, sqlite3.IOERR_WRITE, sqlite3.IOERR_FSYNC}
	d := newDisk(t)
	n := 0
	for failAt(t, d, n, faults[n%len(faults)]) {
		n++
	}
	if n < 20 {
		t.Errorf("only %d operations: the faults do not reach SQLite", n)
	}
}

func failAt(t *testing.T, d *disk, n int, fault error) (struck bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "j.db")
	db, err := sqlite.OpenWith(t.Context(), path, sqlite.Options{VFS: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	own, _ := state(t, db)
	d.arm(n, fault)
	least, err := commitRounds(t, db, own)
	most := least
	switch {
	case errors.Is(err, journal.ErrUnknown):
		most++
	case err != nil && !errors.Is(err, journal.ErrUnavailable):
		t.Fatalf("operation %d: an error of no kind: %v", n, err)
	}
	if err != nil {
		struck = d.repair()
		goOn(t, open(t, killed(t, path)), n, least, most)
		least = goOn(t, db, n, least, most)
		most = least
	}
	if err := db.Close(); err != nil { // the fault may strike here
		t.Fatalf("operation %d: %v", n, err)
	}
	struck = d.repair() || struck
	if err != nil && !struck {
		t.Fatalf("operation %d: %v without a fault", n, err)
	}
	goOn(t, open(t, path), n, least, most)
	return struck
}

// killed copies what the process would leave if it died now: a commit whose
// sync failed may be in the log, and come back to life.
func killed(t *testing.T, path string) string {
	t.Helper()
	left := filepath.Join(t.TempDir(), "j.db")
	for _, suffix := range []string{"", "-wal"} {
		if err := os.WriteFile(left+suffix, read(t, path+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return left
}

// goOn checks that a journal holds what it may and takes another commit.
func goOn(t *testing.T, db *sqlite.DB, n, least, most int) int {
	t.Helper()
	own, got := state(t, db)
	if got < least || got > most {
		t.Fatalf("operation %d: %d rounds are there, not %d to %d", n, got, least, most)
	}
	if err := db.Commit(t.Context(), own, round(got+1)); err != nil {
		t.Fatalf("operation %d: the journal does not go on: %v", n, err)
	}
	return got + 1
}

func commitRounds(t *testing.T, db *sqlite.DB, own journal.Ownership) (acknowledged int, err error) {
	t.Helper()
	for n := 1; n <= rounds; n++ {
		if err := db.Commit(t.Context(), own, round(n)); err != nil {
			return n - 1, err
		}
	}
	return rounds, nil
}

// TestPowerLoss takes the power after every commit: what was acknowledged must
// be in what was synced.
func TestPowerLoss(t *testing.T) {
	d := newDisk(t)
	path := filepath.Join(t.TempDir(), "j.db")
	db, err := sqlite.OpenWith(t.Context(), path, sqlite.Options{VFS: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	own, _ := state(t, db)
	for n := 1; n <= rounds; n++ {
		if err := db.Commit(t.Context(), own, round(n)); err != nil {
			t.Fatal(err)
		}
		after := t.TempDir()
		if err := os.CopyFS(after, os.DirFS(d.synced)); err != nil {
			t.Fatal(err)
		}
		if _, got := state(t, open(t, filepath.Join(after, "j.db"))); got != n {
			t.Fatalf("%d of %d acknowledged commits survived", got, n)
		}
	}
}
