package disk

import (
	"io"
	"slices"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// sizeLimit is the longest file: a write beyond it finds the disk full.
const sizeLimit = 1 << 30

// file is an open file.
type file struct {
	disk       *Disk
	node       *inode
	syncFolder bool // its first sync syncs the folder too
}

var _ vfs.FileLockState = (*file)(nil)

// Close implements [io.Closer]. A dead process loses its locks as well.
func (f *file) Close() error { return f.Unlock(vfs.LOCK_NONE) }

// ReadAt implements [io.ReaderAt].
func (f *file) ReadAt(p []byte, offset int64) (n int, err error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.alive(); err != nil {
		return 0, err
	}
	if n = f.node.now.read(p, int(offset)); n < len(p) {
		err = io.EOF
	}
	return n, err
}

// WriteAt implements [io.WriterAt].
func (f *file) WriteAt(p []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if offset < 0 || offset+int64(len(p)) > sizeLimit {
		return 0, ErrFull
	}
	wasDead := f.disk.dead
	err := f.disk.operation(false)
	n := len(p)
	switch {
	case wasDead:
		return 0, err
	case err != nil:
		n = min(n, f.disk.rng.IntN(sectors(n)+1)*sector)
	}
	if n > 0 {
		f.node.change(change{offset: int(offset), data: slices.Clone(p[:n])})
	}
	return n, err
}

// Truncate implements [vfs.File].
func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if size < 0 || size > sizeLimit {
		return ErrFull
	}
	if err := f.disk.operation(true); err != nil {
		return err
	}
	f.node.change(change{offset: int(size)})
	return nil
}

// Sync implements [vfs.File].
func (f *file) Sync(vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.disk.operation(false)
	switch {
	case f.disk.dead:
		return err
	case err != nil:
		f.node.doubt(f.disk.rng)
		return err
	}
	f.node.sync()
	if f.syncFolder {
		f.disk.folder.sync()
		f.syncFolder = false
	}
	return nil
}

// Size implements [vfs.File].
func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(f.node.now.size), f.disk.alive()
}

// Lock implements [vfs.File]: SQLite's locks, https://sqlite.org/lockingv3.html,
// among the connections of this process. It never waits.
func (f *file) Lock(level vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.alive(); err != nil {
		return err
	}
	others := f.others()
	busy := map[vfs.LockLevel]bool{
		vfs.LOCK_SHARED:    others >= vfs.LOCK_PENDING,
		vfs.LOCK_RESERVED:  others >= vfs.LOCK_RESERVED,
		vfs.LOCK_EXCLUSIVE: others >= vfs.LOCK_SHARED,
	}[level]
	switch {
	case !busy:
		f.hold(max(level, f.node.locks[f]))
		return nil
	case level == vfs.LOCK_EXCLUSIVE && others < vfs.LOCK_RESERVED:
		f.hold(vfs.LOCK_PENDING) // lets no new reader in
	}
	return sqlite3.BUSY
}

// others is the strongest lock that someone else holds.
func (f *file) others() (most vfs.LockLevel) {
	for holder, level := range f.node.locks {
		if holder != f {
			most = max(most, level)
		}
	}
	return most
}

func (f *file) hold(level vfs.LockLevel) {
	if f.node.locks == nil {
		f.node.locks = map[*file]vfs.LockLevel{}
	}
	f.node.locks[f] = level
}

// Unlock implements [vfs.File].
func (f *file) Unlock(level vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if level < vfs.LOCK_SHARED {
		delete(f.node.locks, f)
		return nil
	}
	f.hold(min(level, f.node.locks[f]))
	return nil
}

// CheckReservedLock implements [vfs.File].
func (f *file) CheckReservedLock() (bool, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return max(f.others(), f.node.locks[f]) >= vfs.LOCK_RESERVED, f.disk.alive()
}

// LockState implements [vfs.FileLockState].
func (f *file) LockState() vfs.LockLevel {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.node.locks[f]
}

// SectorSize implements [vfs.File] as the driver's own files do: what is
// written in one go is less, and SQLite must not count on more.
func (f *file) SectorSize() int { return 4096 }

// DeviceCharacteristics implements [vfs.File] as the driver's own files do.
func (f *file) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_SUBPAGE_READ | vfs.IOCAP_POWERSAFE_OVERWRITE
}
