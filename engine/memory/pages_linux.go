package memory

import "golang.org/x/sys/unix"

// inLargePages asks the system to back memory with pages of 2 MB. One that has none goes
// on with small ones.
func inLargePages(memory []byte) { _ = unix.Madvise(memory, unix.MADV_HUGEPAGE) }
