package disk

import (
	"math/rand/v2"
	"slices"
)

// survive draws what a power loss leaves of the file.
func (i *inode) survive(rng *rand.Rand) content {
	sizes := i.sizes()
	ofSector, ofLength := i.moments(rng)
	out := &survivor{content: i.durable.clone(), draw: ofSector, upTo: map[int]int{}, written: map[int]bool{}}
	out.resize(slices.Max(sizes))
	for n, c := range i.pending {
		out.apply(n, c)
	}
	if rng.IntN(2) == 0 {
		out.noise(rng, sectors(i.durable.size))
	}
	out.resize(sizes[ofLength()])
	return out.content
}

// sizes are the file's lengths: after the last sync and after each change.
func (i *inode) sizes() []int {
	sizes := []int{i.durable.size}
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

// survivor is a file that is put together from sectors of different moments.
type survivor struct {
	content
	draw    moment
	upTo    map[int]int // by sector: how many changes it came to see
	written map[int]bool
}

// sees tells whether a sector came to see the n-th change.
func (s *survivor) sees(at, n int) bool {
	upTo, drawn := s.upTo[at]
	if !drawn {
		upTo = s.draw()
		s.upTo[at] = upTo
	}
	return n < upTo
}

// apply makes the n-th change in the sectors that came to see it.
func (s *survivor) apply(n int, c change) {
	data := c.data
	if c.truncates() {
		data = make([]byte, max(0, s.size-c.offset))
	}
	end := c.offset + len(data)
	for at := c.offset / sector; at < sectors(end); at++ {
		if !s.sees(at, n) {
			continue
		}
		from, to := max(c.offset, at*sector), min(end, (at+1)*sector)
		s.write(data[from-c.offset:to-c.offset], from)
		s.written[at] = true
	}
}

// noise fills the sectors from the first that are the file's by its length
// only: their place on the disk holds what some other file left there.
func (s *survivor) noise(rng *rand.Rand, first int) {
	for at := first; at < sectors(s.size); at++ {
		if s.written[at] {
			continue
		}
		var random [sector]byte
		for i := range random {
			random[i] = byte(rng.Uint32())
		}
		s.write(random[:min(sector, s.size-at*sector)], at*sector)
	}
}

// sectors is how many sectors size bytes reach into.
func sectors(size int) int { return (size + sector - 1) / sector }
