package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func path(t *testing.T) string { return filepath.Join(t.TempDir(), "a b%20?.db") }

// script runs SQL on a file as another program would.
func script(t *testing.T, path, sql string) {
	t.Helper()
	conn, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Exec(sql), conn.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestSecondOpenSaysWhoHoldsIt(t *testing.T) {
	path := path(t)
	began := time.Now().Add(-2 * time.Second)
	db := open(t, path)
	_, err := sqlite.Open(t.Context(), path)
	var locked *sqlite.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("got %v", err)
	}
	if locked.PID != os.Getpid() || locked.Path != path || locked.Since.Before(began) || locked.Since.After(time.Now()) {
		t.Errorf("%+v", locked)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestFilesArePrivate(t *testing.T) {
	path := path(t)
	// One that was there before, too open.
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	if _, _, err := db.Acquire(t.Context(), "home", "x"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("journal%s has mode %v", suffix, info.Mode())
		}
	}
}

func TestNewerFileIsRefusedUntouched(t *testing.T) {
	path := path(t)
	open(t, path).Close()
	script(t, path, "PRAGMA user_version = 999")
	before := read(t, path)
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, journal.ErrNewer) {
		t.Errorf("open got %v", err)
	}
	if _, err := sqlite.OpenReadOnly(path); !errors.Is(err, journal.ErrNewer) {
		t.Errorf("read only got %v", err)
	}
	if string(read(t, path)) != string(before) {
		t.Error("the file was changed")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	other := path(t)
	script(t, other, "CREATE TABLE bookmarks (url)")
	text := path(t)
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{other, text} {
		before := read(t, path)
		if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if string(read(t, path)) != string(before) {
			t.Error("the file was changed")
		}
	}
}

func TestOpenFailsClearly(t *testing.T) {
	if _, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "j.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	if _, err := sqlite.OpenReadOnly(path(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := path(t)
	if _, err := sqlite.Open(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	open(t, path) // the failure released the lock
}

func TestClosedJournal(t *testing.T) {
	db := open(t, path(t))
	own, _, err := db.Acquire(t.Context(), "home", "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(t.Context(), own, journal.Batch{}); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("commit got %v", err)
	}
	if _, err := db.Summary(t.Context()); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("summary got %v", err)
	}
}

// TestReadOnly looks at the journal while a daemon writes, after it was shut
// down, and after it died with its log unwritten.
func TestReadOnly(t *testing.T) {
	path := path(t)
	db := open(t, path)
	own, _, err := db.Acquire(t.Context(), "home", "x")
	if err != nil {
		t.Fatal(err)
	}
	commit := func(seq int64) {
		t.Helper()
		err := db.Commit(t.Context(), own, journal.Batch{Entries: []journal.Entry{{Seq: seq, Mailbox: "INBOX", State: journal.Open}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	commit(1)
	reader, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	wantEntries(t, reader, 1)
	commit(2)
	wantEntries(t, reader, 2)
	if err := reader.Commit(t.Context(), own, journal.Batch{}); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("commit got %v", err)
	}
	if _, _, err := reader.Acquire(t.Context(), "home", "y"); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("acquire got %v", err)
	}
	dead := filepath.Join(t.TempDir(), "dead.db")
	for _, suffix := range []string{"", "-wal"} {
		if err := os.WriteFile(dead+suffix, read(t, path+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Close(), reader.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, dead} {
		reader, err := sqlite.OpenReadOnly(path)
		if err != nil {
			t.Fatal(err)
		}
		wantEntries(t, reader, 2)
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantEntries(t *testing.T, j journal.Journal, n int) {
	t.Helper()
	got, err := j.Entries(t.Context(), journal.Query{})
	if err != nil || len(got) != n {
		t.Fatalf("got %d entries, want %d (%v)", len(got), n, err)
	}
}
