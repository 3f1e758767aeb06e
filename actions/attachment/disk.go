package attachment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// disk is all that is done to the folder. Names are relative to it, "." is
// itself.
type disk interface {
	// create makes a file that does not exist, with mode 0600.
	create(name string) (file, error)
	open(name string) (io.ReadCloser, error)
	lstat(name string) (fs.FileInfo, error)
	// link gives a file a second name that does not exist.
	link(old, name string) error
	rename(old, name string) error
	remove(name string) error
	// mkdir makes a folder that does not exist, with mode 0700.
	mkdir(name string) error
	list() ([]fs.DirEntry, error)
	// sync brings the names in a folder to the disk.
	sync(folder string) error
}

type file interface {
	io.WriteCloser
	Sync() error
}

// root is the folder on a real disk. No name and no link leads out of it.
type root struct{ *os.Root }

// openFolder opens a folder that exists.
func openFolder(path string) (root, error) {
	r, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrNoFolder, err)
	}
	return root{r}, failed("opening", path, err)
}

func (r root) create(name string) (file, error) {
	return r.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (r root) open(name string) (io.ReadCloser, error) { return r.Open(name) }
func (r root) lstat(name string) (fs.FileInfo, error)  { return r.Lstat(name) }
func (r root) link(old, name string) error             { return r.Link(old, name) }
func (r root) rename(old, name string) error           { return r.Rename(old, name) }
func (r root) remove(name string) error                { return r.Remove(name) }
func (r root) mkdir(name string) error                 { return r.Mkdir(name, 0o700) }

func (r root) list() ([]fs.DirEntry, error) {
	d, err := r.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.ReadDir(-1)
}

// sync does what it can: some file systems have no fsync for folders.
func (r root) sync(folder string) error {
	d, err := r.Open(folder)
	if err != nil {
		return err
	}
	err = d.Sync()
	if isAny(err, syscall.EINVAL, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
