package imapsession

import (
	"bufio"
	"io"
	"sync"
)

// Buffers are what sessions read into while something comes, and share: one that waits
// holds none. The zero value is ready.
type Buffers struct{ pool sync.Pool }

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
