package disk

import "slices"

// page is the unit in which contents share their bytes.
const page = 4096

// content is the bytes of a file. A clone shares the pages, and who changes
// one makes it their own first.
type content struct {
	pages []*[page]byte
	own   []bool // by page
	size  int
}

func (c *content) clone() content {
	clear(c.own)
	return content{pages: slices.Clone(c.pages), own: make([]bool, len(c.pages)), size: c.size}
}

// page returns a page to change.
func (c *content) page(at int) *[page]byte {
	if !c.own[at] {
		fresh := *c.pages[at]
		c.pages[at], c.own[at] = &fresh, true
	}
	return c.pages[at]
}

// read copies what there is from offset on.
func (c *content) read(p []byte, offset int) (n int) {
	p = p[:max(0, min(len(p), c.size-offset))]
	for n < len(p) {
		at := offset + n
		n += copy(p[n:], c.pages[at/page][at%page:])
	}
	return n
}

// write puts p at offset, after zeros when the file is shorter.
func (c *content) write(p []byte, offset int) {
	c.resize(max(c.size, offset+len(p)))
	for len(p) > 0 {
		n := copy(c.page(offset / page)[offset%page:], p)
		p, offset = p[n:], offset+n
	}
}

// resize cuts the file, or adds zeros.
func (c *content) resize(size int) {
	pages := (size + page - 1) / page
	if pages < len(c.pages) {
		clear(c.pages[pages:])
		c.pages, c.own = c.pages[:pages], c.own[:pages]
	}
	if rest := size % page; size < c.size && rest > 0 {
		clear(c.page(pages - 1)[rest:])
	}
	for len(c.pages) < pages {
		c.pages, c.own = append(c.pages, new([page]byte)), append(c.own, true)
	}
	c.size = size
}
