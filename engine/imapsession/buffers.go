package imapsession

import (
	"bufio"
	"io"
	"sync"

	"github.com/emersion/go-imap/v2"
)

// Buffers are what sessions read into while something comes, and share: one that waits
// holds none. The zero value is ready.
type Buffers struct{ pool, collectors sync.Pool }

// take returns a buffer for reading from r.
func (b *Buffers) take(r io.Reader) *bufio.Reader {
	in, ok := b.pool.Get().(*bufio.Reader)
	if !ok {
		return bufio.NewReaderSize(r, keptBuffer)
	}
	in.Reset(r)
	return in
}

func (b *Buffers) give(in *bufio.Reader) {
	in.Reset(nil)
	b.pool.Put(in)
}

// collector returns a collector for messages, in the memory of another that is done with
// where there is one.
func (b *Buffers) collector(asked imap.UIDSet, want item, limits Limits) *collector {
	c, ok := b.collectors.Get().(*collector)
	if !ok {
		return newCollector(asked, want, limits)
	}
	*c = collector{asked: asked, want: want, room: limits.Collected, got: c.got[:0], at: c.at}
	return c
}

// release takes a collector to which no command writes any more.
func (b *Buffers) release(c *collector) {
	clear(c.got)
	clear(c.at)
	b.collectors.Put(c)
}
