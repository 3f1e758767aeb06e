package disk

import (
	"math/rand/v2"
	"slices"
)

// survive draws what a power loss leaves of the file.
func (i *inode) survive(rng *rand.Rand) []byte {
	sizes := i.sizes()
	ofSector, ofLength := i.moments(rng)
	out := &survivor{
		bytes: resize(slices.Clone(i.durable), slices.Max(sizes)),
		upTo:  make([]int, sectors(slices.Max(sizes))),
	}
	for s := range out.upTo {
		out.upTo[s] = ofSector()
	}
	written := make([]bool, len(out.upTo))
	for n, c := range i.pending {
		out.apply(n, c, written)
	}
	if rng.IntN(2) == 0 {
		out.noise(rng, sectors(len(i.durable)), written)
	}
	return out.bytes[:sizes[ofLength()]]
}

// sizes are the file's lengths: after the last sync and after each change.
func (i *inode) sizes() []int {
	sizes := []int{len(i.durable)}
	for _, c := range i.pending {
		sizes = append(sizes, c.size(sizes[len(sizes)-1]))
	}
	return sizes
}

// moment draws the number of changes after which something reached the disk.
type moment func() int

// moments returns how to draw for each sector and for the length: nothing
// reached the disk, all did, the length alone did (file systems keep a journal
// of lengths, not of bytes), or each sector for itself.
func (i *inode) moments(rng *rand.Rand) (ofSector, ofLength moment) {
	last := len(i.pending)
	none := func() int { return 0 }
	all := func() int { return last }
	some := func() int { return []int{0, last, rng.IntN(last + 1)}[rng.IntN(3)] }
	ways := [][2]moment{{none, none}, {all, all}, {none, all}, {some, some}, {some, some}}
	way := ways[rng.IntN(len(ways))]
	return way[0], way[1]
}

// survivor is a file that is put together from sectors of different moments:
// sector s as it was after upTo[s] changes.
type survivor struct {
	bytes []byte
	upTo  []int
}

// apply makes the n-th change in the sectors that came to see it.
func (s *survivor) apply(n int, c change, written []bool) {
	end := c.offset + len(c.data)
	if c.truncates() {
		end = len(s.bytes)
	}
	for at := c.offset / sector; at < sectors(end); at++ {
		if n >= s.upTo[at] {
			continue
		}
		from, to := max(c.offset, at*sector), min(end, (at+1)*sector)
		if c.truncates() {
			clear(s.bytes[from:to])
			continue
		}
		written[at] = true
		copy(s.bytes[from:to], c.data[from-c.offset:])
	}
}

// noise fills the sectors from the first that are the file's by its length
// only: their place on the disk holds what some other file left there.
func (s *survivor) noise(rng *rand.Rand, first int, written []bool) {
	for at := first; at < len(written); at++ {
		if written[at] {
			continue
		}
		for i := at * sector; i < min((at+1)*sector, len(s.bytes)); i++ {
			s.bytes[i] = byte(rng.Uint32())
		}
	}
}

// sectors is how many sectors size bytes reach into.
func sectors(size int) int { return (size + sector - 1) / sector }
