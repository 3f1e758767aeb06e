package sqlite

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// LockedError says that another process has the journal open for writing.
type LockedError struct {
	Path string
	// PID is the holder's process, Since when it opened the journal. Both are
	// zero when the holder has not written them yet.
	PID   int
	Since time.Time
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the journal %s is in use by another process", e.Path)
	}
	return fmt.Sprintf("the journal %s is in use by process %d since %s", e.Path, e.PID, e.Since.Local().Format(time.DateTime))
}

// lockTextLimit bounds what is read of a lock file.
const lockTextLimit = 256

// fileLock is an operating-system lock on a file beside the journal. The file
// stays when the lock goes: to remove it would let two processes lock two
// files of one name.
type fileLock struct{ flock *flock.Flock }

func takeLock(journal string) (*fileLock, error) {
	path := journal + ".lock"
	f := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(private))
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking the journal: %w", err)
	}
	if !ok {
		return nil, lockHolder(journal, path)
	}
	text := fmt.Sprintf("%d %d\n", os.Getpid(), time.Now().Unix())
	if err := os.WriteFile(path, []byte(text), private); err != nil {
		return nil, fmt.Errorf("locking the journal: %w (%w)", err, f.Unlock())
	}
	return &fileLock{flock: f}, nil
}

func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return l.flock.Unlock()
}

// lockHolder reads who holds the lock. A file that cannot be read or is half
// written still means that it is held.
func lockHolder(journal, path string) error {
	e := &LockedError{Path: journal}
	f, err := os.Open(path)
	if err != nil {
		return e
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, lockTextLimit))
	if err != nil {
		return e
	}
	e.PID, e.Since = parseHolder(string(text))
	return e
}

func parseHolder(text string) (pid int, since time.Time) {
	first, second, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		return 0, time.Time{}
	}
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 0 {
		return 0, time.Time{}
	}
	unix, err := strconv.ParseInt(second, 10, 64)
	if err != nil {
		return 0, time.Time{}
	}
	return pid, time.Unix(unix, 0)
}
