package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"imapilot/engine/journal"
)

// ErrReadOnly is returned by Acquire and Commit of a journal that was opened
// with [OpenReadOnly].
var ErrReadOnly = errors.New("the journal was opened for reading only")

// errClosed is what every method returns after Close, as unavailable.
var errClosed = errors.New("the journal is closed")

const (
	// busyTimeout is how long a statement waits for another process, which can
	// only be a reader that recovers the log or an operator's sqlite3.
	busyTimeout = 5 * time.Second
	// pageSize is twice SQLite's own: a run that changes thousands of entries writes
	// fewer and fuller pages, which saves a quarter of the time of its commits.
	pageSize = 8192
	// cacheSize is half of SQLite's own: a run takes 3 MB less, and nearly no longer.
	cacheSize = 1 << 20
	// logLimit is the size to which the write-ahead log shrinks after a burst.
	logLimit = 16 << 20
	// private is the mode of the journal and its lock file.
	private fs.FileMode = 0o600
)

// DB is a journal in a SQLite file. One connection serves all: statements are
// short, and a second one would cost memory in every idle daemon.
type DB struct {
	path     string
	readOnly bool
	lock     *fileLock // nil when read-only or exclusive

	waiting queue         // the batches that wait for the writer
	turn    chan struct{} // holds a token while somebody writes for all that wait

	mu    sync.Mutex // guards everything below
	conn  *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt // of the fixed set
	again map[string]*sqlite3.Stmt // of those that were put together
	// againSize is how long the SQL of these is, all together.
	againSize int
	json      encoder             // of what is written now
	pruned    map[int64]time.Time // by account: when the last pruning found nothing more
	prunes    int                 // of how many accounts this transaction removed something
	// logged is how many pages the write-ahead log holds.
	logged int
	// nextSeq is, by account, the sequence below which entries may exist.
	nextSeq map[int64]int64
}

var _ journal.Journal = (*DB)(nil)

// Options tune [OpenWith]. The zero value is what Open uses.
type Options struct {
	// VFS names a registered virtual file system below which the file lives,
	// so that a test can take the disk away. "" is the operating system's.
	VFS string
	// Exclusive keeps all others out by SQLite's own lock for as long as the
	// journal is open, and makes no lock file: for a VFS without shared memory
	// or files of the operating system. A second Open waits and is then
	// unavailable, and so is reading beside the writer.
	Exclusive bool
}

// Open opens the journal at path for writing and creates it when it is
// missing; its folder must exist. It fails with [*LockedError] when another
// process has it open, and with [journal.ErrNewer] when a newer version of
// imapilot wrote it. Close it to release the lock.
func Open(ctx context.Context, path string) (*DB, error) {
	return OpenWith(ctx, path, Options{})
}

// OpenWith is Open with options.
func OpenWith(ctx context.Context, path string, o Options) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	d := &DB{path: path, turn: make(chan struct{}, 1)}
	if !o.Exclusive {
		if d.lock, err = takeLock(path); err != nil {
			return nil, err
		}
	}
	if err := d.openForWriting(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), d.Close())
	}
	return d, nil
}

// openForWriting changes nothing before it knows that the file is ours.
func (d *DB) openForWriting(ctx context.Context, o Options) error {
	if o.VFS == "" {
		if err := create(d.path); err != nil {
			return err
		}
	}
	if err := d.connect(o.VFS, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI); err != nil {
		return err
	}
	if o.Exclusive {
		// Before the first look at the log, or SQLite asks for shared memory.
		if err := d.do("PRAGMA locking_mode = EXCLUSIVE"); err != nil {
			return err
		}
	}
	if _, err := d.version(); err != nil {
		return err
	}
	if o.VFS == "" {
		if err := makePrivate(d.path); err != nil {
			return err
		}
	}
	if err := d.useLog(); err != nil {
		return err
	}
	return d.migrate(ctx)
}

// OpenReadOnly opens the journal at path for a command that only looks. It
// takes no lock and works while a daemon writes. Acquire and Commit fail with
// [ErrReadOnly]. A journal that does not exist is [fs.ErrNotExist].
func OpenReadOnly(path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	d := &DB{path: path, readOnly: true}
	if err = d.connect("", sqlite3.OPEN_READONLY|sqlite3.OPEN_URI); err == nil {
		err = d.checkReadable()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), d.Close())
	}
	return d, nil
}

func (d *DB) connect(vfs string, flags sqlite3.OpenFlag) error {
	conn, err := sqlite3.OpenFlags(uri(d.path, vfs), flags)
	if err != nil {
		return unavailable("open", err)
	}
	d.conn, d.stmts, d.again = conn, map[string]*sqlite3.Stmt{}, map[string]*sqlite3.Stmt{}
	d.pruned, d.nextSeq = map[int64]time.Time{}, map[int64]int64{}
	if err := conn.BusyTimeout(busyTimeout); err != nil {
		return unavailable("open", err)
	}
	// A file that another program prepared must not make SQLite run anything.
	return d.do("PRAGMA trusted_schema = OFF")
}

// uri names the file as SQLite's URI filenames do, which know no "+" for a
// space.
func uri(path, vfs string) string {
	query := url.Values{"modeof": {path}}
	if vfs != "" {
		query.Set("vfs", vfs)
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}
	return name.String()
}

// useLog switches to the write-ahead log. Some file systems (network shares)
// cannot share memory and refuse it; without it a reader would stop the
// writer, so that is an error.
func (d *DB) useLog() error {
	if err := d.do(fmt.Sprintf("PRAGMA page_size = %d", pageSize)); err != nil {
		return err // of a new file only: one that has pages keeps theirs
	}
	mode, err := d.text("PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode != "wal" {
		return unavailable("open", fmt.Errorf("this file system cannot hold a write-ahead log (journal mode is %q); use a local disk", mode))
	}
	for _, pragma := range []string{
		"PRAGMA synchronous = FULL",
		// macOS: ask the drive, not only the kernel.
		"PRAGMA fullfsync = ON",
		"PRAGMA checkpoint_fullfsync = ON",
		fmt.Sprintf("PRAGMA journal_size_limit = %d", logLimit),
		fmt.Sprintf("PRAGMA cache_size = -%d", cacheSize>>10),
	} {
		if err := d.do(pragma); err != nil {
			return err
		}
	}
	// In the place of SQLite's own way, which moves the log into the file in the
	// middle of any commit: see tidy.
	d.conn.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error { d.logged = pages; return nil })
	return nil
}

// create makes an empty file that only its owner may read, or leaves the one
// that is there.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, private)
	if err != nil {
		return err
	}
	return f.Close()
}

// makePrivate takes the journal away from other users. The shared memory
// beside it is made here, for SQLite would leave its mode to the umask; the
// log gets the journal's mode by the parameter "modeof".
func makePrivate(path string) error {
	shared := path + "-shm"
	if err := create(shared); err != nil {
		return err
	}
	return errors.Join(os.Chmod(path, private), os.Chmod(shared, private))
}

// Close releases the journal and its lock. It is safe to call it twice.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, s := range d.stmts {
		errs = append(errs, s.Close())
	}
	errs = append(errs, d.forgetAgain())
	d.stmts = nil
	errs = append(errs, d.conn.Close())
	d.conn = nil
	errs = append(errs, d.lock.release())
	d.lock = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing the journal: %w", err)
	}
	return nil
}
