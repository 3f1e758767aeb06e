package disk

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// folder holds the names of files: as the operating system sees them, and as
// they were when the folder was last synced.
type folder struct {
	now, durable map[string]*inode
}

func newFolder() folder {
	return folder{now: map[string]*inode{}, durable: map[string]*inode{}}
}

func (f *folder) sync() { f.durable = maps.Clone(f.now) }

// clone copies the files. A file that has a name in both maps stays one.
func (f *folder) clone() folder {
	out, copies := newFolder(), map[*inode]*inode{}
	for _, pair := range []struct{ from, to map[string]*inode }{{f.now, out.now}, {f.durable, out.durable}} {
		for name, node := range pair.from {
			if copies[node] == nil {
				copies[node] = node.clone()
			}
			pair.to[name] = copies[node]
		}
	}
	return out
}

// survive draws what a power loss leaves, all of it durable.
func (f *folder) survive(rng *rand.Rand) folder {
	out := newFolder()
	for _, name := range f.names() {
		node := f.now[name]
		if old := f.durable[name]; old != node && rng.IntN(2) == 0 {
			node = old
		}
		if node != nil {
			data := node.survive(rng)
			out.now[name] = &inode{now: data, durable: data.clone()}
		}
	}
	out.sync()
	return out
}

// names are in order, for the same seed must draw the same.
func (f *folder) names() []string {
	all := maps.Clone(f.now)
	maps.Copy(all, f.durable)
	return slices.Sorted(maps.Keys(all))
}
