package attachment

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io/fs"
)

// draft is a file under a temporary name.
type draft struct {
	disk disk
	name string
	file file
	// buffer makes few large writes of many lines.
	buffer *bufio.Writer
	sum    hash.Hash
	size   int64
	// most is the most octets that are written; more are only counted.
	most int64
}

func newDraft(d disk, most int64) (*draft, error) {
	name := temporaryName()
	f, err := d.create(name)
	if err != nil {
		return nil, failed("creating", name, err)
	}
	return &draft{disk: d, name: name, file: f, buffer: bufio.NewWriterSize(f, lineBuffer), sum: sha256.New(), most: most}, nil
}

// Write takes the next octets. An error is an [Error].
func (d *draft) Write(p []byte) (int, error) {
	if d.size += int64(len(p)); d.size > d.most {
		return len(p), nil
	}
	d.sum.Write(p) // a hash never fails
	n, err := d.buffer.Write(p)
	return n, failed("writing", d.name, err)
}

// finish brings the content to the disk.
func (d *draft) finish() error {
	f := d.file
	d.file = nil
	err := d.buffer.Flush()
	if err == nil {
		err = f.Sync()
	}
	return failed("writing", d.name, errors.Join(err, f.Close()))
}

// drop removes the temporary name. If a file has another one, it stays.
func (d *draft) drop() error {
	var err error
	if d.file != nil {
		err = d.file.Close()
	}
	if gone := d.disk.remove(d.name); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return failed("removing", d.name, err)
}
