package disk

import (
	"math/rand/v2"
	"slices"

	"github.com/ncruces/go-sqlite3/vfs"
)

// sector is what a disk writes in one go.
const sector = 512

// inode is a file's content: as the operating system sees it, as it was after
// the last sync, and the changes since, in their order.
type inode struct {
	now, durable []byte
	pending      []change
	locks        map[*file]vfs.LockLevel
}

// change is a write of data at an offset, or, without data, a truncation to it.
type change struct {
	offset int
	data   []byte
}

func (c change) truncates() bool { return c.data == nil }

// size is the length that a file of some length has after the change.
func (c change) size(before int) int {
	if c.truncates() {
		return c.offset
	}
	return max(before, c.offset+len(c.data))
}

// apply returns b with the change made to it.
func (c change) apply(b []byte) []byte {
	b = resize(b, c.size(len(b)))
	copy(b[c.offset:], c.data)
	return b
}

// resize fills what it adds with zeros.
func resize(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size]
	}
	before := len(b)
	b = slices.Grow(b, size-before)[:size]
	clear(b[before:])
	return b
}

func (i *inode) change(c change) {
	i.pending = append(i.pending, c)
	i.now = c.apply(i.now)
}

func (i *inode) sync() {
	for _, c := range i.pending {
		i.durable = c.apply(i.durable)
	}
	i.pending = nil
}

// doubt is a sync that failed: what it was to save may be saved or not, and no
// later sync changes that.
func (i *inode) doubt(rng *rand.Rand) {
	i.durable, i.pending = i.survive(rng), nil
}

// clone shares the data of pending changes, which never change.
func (i *inode) clone() *inode {
	return &inode{now: slices.Clone(i.now), durable: slices.Clone(i.durable), pending: slices.Clone(i.pending)}
}
