package disk

import (
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// system is the disk as SQLite's driver sees it.
type system struct{ *Disk }

var _ vfs.VFS = system{}

// Open implements [vfs.VFS]. A file without a name is temporary: it counts and
// fails as all others, and nothing of it survives.
func (s system) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.alive(); err != nil {
		return nil, flags, err
	}
	node := s.folder.now[name]
	create, exclusive := flags&vfs.OPEN_CREATE != 0, flags&vfs.OPEN_EXCLUSIVE != 0
	switch {
	case name == "":
		node = &inode{}
	case node == nil && !create, node != nil && create && exclusive:
		return nil, flags, sqlite3.CANTOPEN
	case node == nil:
		node = &inode{}
		s.folder.now[name] = node
	}
	const logs = vfs.OPEN_MAIN_JOURNAL | vfs.OPEN_SUPER_JOURNAL | vfs.OPEN_WAL
	return &file{disk: s.Disk, node: node, syncFolder: create && flags&logs != 0}, flags, nil
}

// Delete implements [vfs.VFS].
func (s system) Delete(name string, syncFolder bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.alive(); err != nil {
		return err
	}
	if s.folder.now[name] == nil {
		return sqlite3.IOERR_DELETE_NOENT
	}
	if err := s.operation(true); err != nil {
		return err
	}
	delete(s.folder.now, name)
	if syncFolder {
		s.folder.sync()
	}
	return nil
}

// Access implements [vfs.VFS]. What exists may be read and written.
func (s system) Access(name string, _ vfs.AccessFlag) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.folder.now[name] != nil, s.alive()
}

// FullPathname implements [vfs.VFS]. There is one folder, and the whole path
// is the name.
func (s system) FullPathname(name string) (string, error) { return name, nil }
