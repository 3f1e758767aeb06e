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
	now, durable content
	pending      []change
	doubted      bool // a sync failed: durable is no earlier now
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

func (c change) apply(to *content) {
	if c.truncates() {
		to.resize(c.offset)
		return
	}
	to.write(c.data, c.offset)
}

func (i *inode) change(c change) {
	i.pending = append(i.pending, c)
	c.apply(&i.now)
}

func (i *inode) sync() {
	if !i.doubted {
		i.durable, i.pending = i.now.clone(), nil
		return
	}
	for _, c := range i.pending {
		c.apply(&i.durable)
	}
	i.pending = nil
}

// doubt is a sync that failed: what it was to save may be saved or not, and no
// later sync changes that.
func (i *inode) doubt(rng *rand.Rand) {
	i.durable, i.pending, i.doubted = i.survive(rng), nil, true
}

// clone shares the data of pending changes, which never changes.
func (i *inode) clone() *inode {
	return &inode{now: i.now.clone(), durable: i.durable.clone(), pending: slices.Clone(i.pending), doubted: i.doubted}
}
