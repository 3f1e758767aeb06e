package sqlite

import (
	"unsafe"

	"github.com/ncruces/go-sqlite3"
)

// jsonText is text where a []byte is a blob.
type jsonText []byte

// binder binds the values of a statement from left to right, up to the first error.
type binder struct {
	stmt *sqlite3.Stmt
	n    int
	err  error
}

func (b *binder) next() int {
	b.n++
	return b.n
}

func (b *binder) ints(all ...int64) {
	for _, v := range all {
		if b.err == nil {
			b.err = b.stmt.BindInt64(b.next(), v)
		}
	}
}

func (b *binder) text(v string) {
	if b.err == nil {
		b.err = b.stmt.BindText(b.next(), v)
	}
}

func (b *binder) json(v jsonText) {
	if b.err == nil {
		b.err = b.stmt.BindText(b.next(), unsafe.String(unsafe.SliceData(v), len(v))) // which copies it
	}
}

func (b *binder) bool(v bool) {
	if b.err == nil {
		b.err = b.stmt.BindBool(b.next(), v)
	}
}

// exec runs the statement, unless a value was not bound.
func (b *binder) exec() error {
	if b.err == nil {
		b.err = b.stmt.Exec()
	}
	if b.err != nil {
		return unavailable("journal", b.err)
	}
	return nil
}
