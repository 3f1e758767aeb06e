package memory

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// region is addresses, which keep nothing that was there from being collected.
type region struct{ from, length uintptr }

// inLargePages asks the system to back memory with pages of 2 MB. One that has none goes
// on with small ones.
func inLargePages(memory []byte) region {
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE)
	return region{uintptr(unsafe.Pointer(unsafe.SliceData(memory))), uintptr(len(memory))}
}

// inUsualPages takes that back: what is free of a large page cannot be given back for long,
// since the system fills such pages again.
func (r region) inUsualPages() {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, r.from, r.length, unix.MADV_NOHUGEPAGE)
}
