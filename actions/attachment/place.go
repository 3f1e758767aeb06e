package attachment

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// maxNames is how many names are tried for a file.
const maxNames = 1000

// place gives a finished draft its name, and returns it as a path below the
// folder, with slashes, and whether the file was there already.
func (d *draft) place(folders []string, name string) (path string, existed bool, err error) {
	folder, err := d.makeFolders(folders)
	if err != nil {
		return "", false, err
	}
	for n := 1; n <= maxNames; n++ {
		path = strings.TrimPrefix(folder+"/"+numbered(name, n), "./")
		err = d.take(path)
		if errors.Is(err, fs.ErrExist) {
			existed, err = d.isAt(path)
			if err == nil && !existed {
				continue
			}
		}
		if err == nil {
			err = d.disk.sync(folder)
		}
		return path, existed, failed("saving", path, err)
	}
	return "", false, failed("saving", name, ErrManyNames)
}

// makeFolders makes the folders that are missing, and returns their path, "."
// for none.
func (d *draft) makeFolders(folders []string) (string, error) {
	at := "."
	for i := range folders {
		folder := strings.Join(folders[:i+1], "/")
		err := d.disk.mkdir(folder)
		if err == nil || errors.Is(err, fs.ErrExist) {
			// Also where it was there: a crash may have come in between.
			err = d.disk.sync(at)
		}
		if err != nil {
			return "", failed("creating", folder, err)
		}
		at = folder
	}
	return at, nil
}

// take gives the draft a name that nothing has. A link does that at once; where
// the file system has none, an empty file holds the name until the draft takes
// its place, and stays if a crash comes in between.
func (d *draft) take(path string) error {
	err := d.disk.link(d.name, path)
	if !isAny(err, syscall.EPERM, syscall.EMLINK, errors.ErrUnsupported) {
		return err
	}
	f, err := d.disk.create(path)
	if err != nil {
		return err
	}
	if err = errors.Join(f.Close(), d.disk.rename(d.name, path)); err != nil {
		return errors.Join(err, d.disk.remove(path))
	}
	return nil
}

// isAt reports whether a file has the content of the draft. Only a regular file
// is looked into: a pipe would never answer.
func (d *draft) isAt(path string) (bool, error) {
	info, err := d.disk.lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // it went away; the next name does as well
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() != d.size {
		return false, err
	}
	f, err := d.disk.open(path)
	if errors.Is(err, fs.ErrPermission) {
		return false, nil // somebody else's
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return false, err
	}
	return slices.Equal(sum.Sum(nil), d.sum.Sum(nil)), nil
}
